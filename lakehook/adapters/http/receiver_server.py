"""HTTP server of a receiver on loopback, for ``lakehook listen`` and the local samples."""

import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lakehook.adapters.http.request_body import BodyRefused, read_body

OK = 200
MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True)
class CannedResponse:
    status: int = OK
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Take = Callable[[Mapping[str, str], bytes], CannedResponse]
"""Returns the response to a request's headers, with names in lower case, and body."""


class ReceiverServer(ThreadingHTTPServer):
    """Server that also closes kept-alive connections; otherwise they would go on being served."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, take: Take, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _EndpointHandler)
        self.take = take
        self._connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._connections):
            with suppress(OSError):  # the sender may have closed it first
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a sender that has hung up at its deadline."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _EndpointHandler(BaseHTTPRequestHandler):
    server: ReceiverServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        try:
            body = read_body(self.headers, self.rfile, max_bytes=MAX_BODY_BYTES)
        except BodyRefused as refused:
            self.close_connection = True
            self.send_error(refused.status)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.take(headers, body)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Log nothing: the receiver knows its requests."""
