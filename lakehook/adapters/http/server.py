"""HTTP server of a receiver on loopback, and bodies of requests: by length, or chunk by chunk.

https://www.rfc-editor.org/rfc/rfc9112#section-6 and section 7.1
"""

import re
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any

MAX_LINE_BYTES = 4096  # of a chunk's size with its extensions, or of a trailer
MAX_TRAILERS = 100
_LENGTH = re.compile("[0-9]{1,18}", re.ASCII)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?\n", re.DOTALL)

OK = 200
MAX_BODY_BYTES = 1024 * 1024


class BodyRefused(Exception):
    """A body that is not read to its end, so the connection must be closed after the response."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


def read_body(headers: Message, stream: BufferedIOBase, *, max_bytes: int) -> bytes:
    """Read the whole body; raises ``BodyRefused`` if it is malformed, cut off or too large."""
    if coding := headers.get("transfer-encoding"):
        if coding.strip().lower() != "chunked":
            raise BodyRefused(HTTPStatus.NOT_IMPLEMENTED)
        return _read_chunks(stream, max_bytes)
    length = headers.get("content-length", "0").strip()
    if not _LENGTH.fullmatch(length):
        raise BodyRefused(HTTPStatus.BAD_REQUEST)
    return _read_exactly(stream, int(length), max_bytes)


def _read_exactly(stream: BufferedIOBase, size: int, max_bytes: int) -> bytes:
    if size > max_bytes:
        raise BodyRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    part = stream.read(size)
    if len(part) < size:
        raise BodyRefused(HTTPStatus.BAD_REQUEST)
    return part


def _read_chunks(stream: BufferedIOBase, max_bytes: int) -> bytes:
    body = b""
    while size := _chunk_size(stream.readline(MAX_LINE_BYTES)):
        body += _read_exactly(stream, size, max_bytes - len(body))
        if stream.readline(2).strip():
            raise BodyRefused(HTTPStatus.BAD_REQUEST)
    for _ in range(MAX_TRAILERS):
        if not stream.readline(MAX_LINE_BYTES).strip():
            return body
    raise BodyRefused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


def _chunk_size(line: bytes) -> int:
    size = _CHUNK_SIZE.fullmatch(line)
    if not size:
        raise BodyRefused(HTTPStatus.BAD_REQUEST)
    return int(size[1], 16)


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
