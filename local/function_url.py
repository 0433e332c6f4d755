"""Function URL: HTTP on loopback in, Lambda's event of payload format 2.0 out, and back.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
Recorded: tests/outside/aws_lambda.
"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qsl
from uuid import uuid4

from lakehook.adapters.http.server import BodyRefused, read_body
from local.account import ACCOUNT_ID
from local.http_server import listening_on
from local.runtime_api import InvocationResult, Result

_HOST = "127.0.0.1"
_LOOK_SECONDS = 0.1
"""Seconds between the server's checks whether to stop."""

_MAX_BYTES = 6 * 1024 * 1024
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

_TEXT = ("text/", "application/json", "application/xml", "application/javascript")
"""Content types whose bodies are passed as text; all others in Base64."""


def to_parameters(query: str) -> dict[str, str]:
    """Commas join the values of a parameter that is repeated: tests/outside/aws_lambda."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    return {name: ",".join(several) for name, several in values.items()}


class FunctionUrl(ThreadingHTTPServer):
    """A function's URL; its address exists from the start, and it serves once it has a function."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        with listening_on(port):
            super().__init__((_HOST, port), _FunctionUrlHandler)
        self.invoke: Callable[[Mapping[str, Any]], Result]
        self._server = Thread(
            target=self.serve_forever, args=(_LOOK_SECONDS,), name="function url", daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://{_HOST}:{self.server_port}/"

    def to(self, invoke: Callable[[Mapping[str, Any]], Result]) -> Self:
        self.invoke = invoke
        return self

    def start(self) -> None:
        self._server.start()

    def ask_to_stop(self) -> None:
        """Request a stop. Nothing is lost: callers still wait for their responses."""

    def stop(self) -> None:
        self.shutdown()
        self._server.join()


class _FunctionUrlHandler(BaseHTTPRequestHandler):
    server: FunctionUrl
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def _call(self) -> None:
        try:
            body = read_body(self.headers, self.rfile, max_bytes=_MAX_BYTES)
        except BodyRefused as refused:
            self.close_connection = True
            return self._reply(refused.status)
        result = self.server.invoke(self._event(body))
        if not isinstance(result, InvocationResult):
            return self._reply(HTTPStatus.BAD_GATEWAY, b"Internal Server Error")
        answer = json.loads(result.payload)
        body = answer.get("body", "").encode()
        if answer.get("isBase64Encoded"):
            body = base64.b64decode(body)
        return self._reply(answer["statusCode"], body, answer.get("headers", {}))

    def __getattr__(self, name: str) -> Any:
        """Handle every method: the function decides about it."""
        if name.startswith("do_"):
            return self._call
        raise AttributeError(name)

    def _event(self, body: bytes) -> dict[str, Any]:
        target = self.requestline.split()[1]  # http.server merges several slashes of a path
        path, _, query = target.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_text = headers.get("content-type", "").startswith(_TEXT)
        return {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "queryStringParameters": to_parameters(query),
            "requestContext": self._context(path, headers),
            "body": body.decode(errors="replace") if is_text else base64.b64encode(body).decode(),
            "isBase64Encoded": not is_text,
        }

    def _context(self, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
        now = time.time()
        return {
            "accountId": "anonymous",
            "apiId": ACCOUNT_ID,
            "domainName": headers.get("host", ""),
            "http": {
                "method": self.command,
                "path": path,
                "protocol": self.request_version,
                "sourceIp": self.client_address[0],
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": str(uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": f"{datetime.fromtimestamp(now, UTC):%d/%b/%Y:%H:%M:%S +0000}",
            "timeEpoch": int(now * 1000),
        }

    def _reply(self, status: int, body: bytes = b"", headers: Mapping[str, str] = {}) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: the query contains a signature."""
