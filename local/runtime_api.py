"""Lambda's Runtime API: a worker takes invocations from it, and reports their results.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import socket
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Self
from uuid import uuid4

from lakehook.adapters.http.server import read_body

_HOST = "127.0.0.1"
_RUNTIME = "/2018-06-01/runtime"
_MAX_BYTES = 64 * 1024 * 1024  # more than any response of a function


@dataclass(frozen=True)
class InvocationResult:
    """JSON that the handler returned."""

    payload: bytes


@dataclass(frozen=True)
class InvocationFailure:
    """Failure: the handler raised an exception, or its process ended."""

    kind: str
    message: str

    @classmethod
    def reported(cls, body: bytes) -> Self:
        """Build a failure from a runtime's report."""
        try:
            error = json.loads(body)
            return cls(error["errorType"], error["errorMessage"])
        except (ValueError, KeyError, TypeError):
            return cls("Runtime.Unknown", body.decode(errors="replace"))

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


Result = InvocationResult | InvocationFailure


@dataclass(frozen=True)
class Invocation:
    event: bytes
    deadline_ms: int
    id: str = field(default_factory=lambda: str(uuid4()))
    result: Future[Result] = field(default_factory=Future)


class RuntimeApi:
    """Queue of invocations, one at a time; after the end, every one fails in the same way."""

    def __init__(self, function_arn: str) -> None:
        self.function_arn = function_arn
        self.initialised: Future[InvocationFailure | None] = Future()
        self._handed_over: SimpleQueue[Invocation | None] = SimpleQueue()
        self._lock = Lock()
        self._current: Invocation | None = None
        self._end: InvocationFailure | None = None

    def submit(self, invocation: Invocation) -> None:
        with self._lock:
            self._current = invocation
            if self._end:
                invocation.result.set_result(self._end)
        self._handed_over.put(invocation)

    def next(self) -> Invocation | None:
        """Wait for an invocation; None at the end. The first call shows a completed start."""
        self._initialise(None)
        return self._handed_over.get()

    def settle(self, invocation_id: str, result: Result) -> None:
        """Record a result; one that comes after the end, or of another invocation, is ignored."""
        with self._lock:
            current = self._current
            if current and current.id == invocation_id and not current.result.done():
                current.result.set_result(result)

    def end(self, failure: InvocationFailure) -> None:
        """End: the process is gone, or failed to initialize; waiting callers get the failure."""
        with self._lock:
            self._end = self._end or failure
            if self._current and not self._current.result.done():
                self._current.result.set_result(self._end)
        self._initialise(self._end)
        self._handed_over.put(None)

    def _initialise(self, failure: InvocationFailure | None) -> None:
        with self._lock:
            if not self.initialised.done():
                self.initialised.set_result(failure)


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
