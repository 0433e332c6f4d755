"""Runtime API over HTTP, on an address of its own for each worker.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import socket
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from lakehook.adapters.http.request_body import read_body
from local.invocation import InvocationFailure, InvocationResult
from local.runtime_api import RuntimeApi

_HOST = "127.0.0.1"
_RUNTIME = "/2018-06-01/runtime"
_MAX_BYTES = 64 * 1024 * 1024  # more than any response of a function


class RuntimeServer(ThreadingHTTPServer):
    """Server that runs from its creation until it is closed."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, api: RuntimeApi) -> None:
        super().__init__((_HOST, 0), _RuntimeHandler)
        self.api = api
        self._closing = False
        Thread(target=self._serve, name=f"runtime-api {self.address}", daemon=True).start()

    @property
    def address(self) -> str:
        return f"{_HOST}:{self.server_port}"

    def close(self) -> None:
        """Close at once; a connection of our own unblocks the waiting thread."""
        self._closing = True
        with suppress(OSError), socket.create_connection((_HOST, self.server_port)):
            pass

    def _serve(self) -> None:
        """Serve one connection after another without a timeout, so that waiting costs nothing."""
        with self:
            while not self._closing:
                self.handle_request()


class _RuntimeHandler(BaseHTTPRequestHandler):
    server: RuntimeServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        if self.path != f"{_RUNTIME}/invocation/next":
            return self._reply(HTTPStatus.NOT_FOUND)
        invocation = self.server.api.next()
        if invocation is None:
            self.close_connection = True
            return None
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.server.api.function_arn,
        }
        return self._reply(HTTPStatus.OK, invocation.event, headers)

    def do_POST(self) -> None:
        body = read_body(self.headers, self.rfile, max_bytes=_MAX_BYTES)
        match self.path.removeprefix(_RUNTIME).split("/"):
            case ["", "init", "error"]:
                self.server.api.end(InvocationFailure.reported(body))
            case ["", "invocation", invocation_id, "response"]:
                self.server.api.settle(invocation_id, InvocationResult(body))
            case ["", "invocation", invocation_id, "error"]:
                self.server.api.settle(invocation_id, InvocationFailure.reported(body))
            case _:
                return self._reply(HTTPStatus.NOT_FOUND)
        return self._reply(HTTPStatus.ACCEPTED, b'{"status":"OK"}')

    def _reply(
        self, status: HTTPStatus, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: the handlers have logs of their own."""
