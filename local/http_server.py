"""HTTP/1.1 server for many connections on one event loop, which all servers of a process share.

A thread for each connection would cost the laptop half of its time: each request would switch to
its thread and back. https://www.rfc-editor.org/rfc/rfc9112
"""

import asyncio
import errno
import logging
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from threading import Thread

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024  # more than any request or response of a service
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServerRequest:
    method: str
    target: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True)
class HttpResponse:
    status: int = HTTPStatus.OK
    body: bytes = b""
    headers: Iterable[tuple[str, str]] = field(default_factory=tuple)

    def to_bytes(self, *, keep_open: bool, with_body: bool) -> bytes:
        phrase = HTTPStatus(self.status).phrase if self.status in _STATUSES else ""
        lines = [f"HTTP/1.1 {int(self.status)} {phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines.append(f"Content-Length: {len(self.body)}")
        if not keep_open:
            lines.append("Connection: close")
        head = "\r\n".join(lines).encode("latin-1") + _HEAD_END
        return head + self.body if with_body else head


_STATUSES = frozenset(HTTPStatus)
Answer = HttpResponse | Future[HttpResponse | None]
"""A response, or one that comes later, from any thread; None closes the connection."""

Handler = Callable[[ServerRequest], Answer]
"""Called on the event loop, so it must not wait; what waits returns a future."""


class HttpServer:
    """Server of a listening socket until it is closed, with its connections."""

    def __init__(self, listener: socket.socket, handler: Handler) -> None:
        self._connections: set[asyncio.Transport] = set()
        self._loop = _event_loop()
        serving = self._loop.create_server(
            lambda: _Connection(handler, self._connections), sock=listener
        )
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result()

    def close(self) -> None:
        """Close without waiting for responses."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()

    async def _close(self) -> None:
        self._server.close()
        for connection in list(self._connections):
            connection.abort()


@cache
def _event_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="http", daemon=True).start()
    return loop


class _Malformed(Exception):
    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class _Connection(asyncio.Protocol):
    """Connection that serves one request after another; a next one waits in the buffer."""

    def __init__(self, handler: Handler, connections: set[asyncio.Transport]) -> None:
        self._handler = handler
        self._connections = connections
        self._received = bytearray()
        self._responding = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        self._connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._serve()

    def _serve(self) -> None:
        while not self._responding:
            try:
                request = _taken_from(self._received)
            except _Malformed as malformed:
                self._received.clear()
                return self._respond(HttpResponse(malformed.status), keep_open=False)
            if request is None:
                return None
            self._call(request)
        return None

    def _call(self, request: ServerRequest) -> None:
        keep_open = request.headers.get("connection", "").lower() != "close"
        with_body = request.method != "HEAD"
        try:
            answer = self._handler(request)
        except Exception:
            logger.exception("%s %s", request.method, request.target)
            answer = HttpResponse(HTTPStatus.INTERNAL_SERVER_ERROR)
        if isinstance(answer, HttpResponse):
            return self._respond(answer, keep_open=keep_open, with_body=with_body)
        self._responding = True
        loop = asyncio.get_running_loop()

        def respond(future: Future[HttpResponse | None]) -> None:
            self._responding = False
            self._respond(future.result(), keep_open=keep_open, with_body=with_body)
            self._serve()

        answer.add_done_callback(lambda future: loop.call_soon_threadsafe(respond, future))
        return None

    def _respond(
        self, response: HttpResponse | None, *, keep_open: bool, with_body: bool = True
    ) -> None:
        if response:
            self._transport.write(response.to_bytes(keep_open=keep_open, with_body=with_body))
        if not (response and keep_open):
            self._transport.close()


def _taken_from(received: bytearray) -> ServerRequest | None:
    """Remove the first request and return it; None while a part of it has not come."""
    end = received.find(_HEAD_END)
    if end < 0:
        if len(received) > MAX_HEAD_BYTES:
            raise _Malformed(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return None
    method, target, headers = _parse_head(bytes(received[:end]))
    start = end + len(_HEAD_END)
    body_and_end = _body(headers, received, start)
    if body_and_end is None:
        return None
    body, end = body_and_end
    del received[:end]
    return ServerRequest(method, target, headers, body)


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, _ = first.split(" ")
    except ValueError:
        raise _Malformed(HTTPStatus.BAD_REQUEST) from None
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return method, target, headers


def _body(headers: Mapping[str, str], received: bytearray, start: int) -> tuple[bytes, int] | None:
    """Return the body and where it ends."""
    if coding := headers.get("transfer-encoding"):
        if coding.lower() != "chunked":
            raise _Malformed(HTTPStatus.NOT_IMPLEMENTED)
        return _chunks(received, start)
    length = headers.get("content-length", "0")
    if not _LENGTH.fullmatch(length):
        raise _Malformed(HTTPStatus.BAD_REQUEST)
    end = _within_limit(int(length)) + start
    return (bytes(received[start:end]), end) if len(received) >= end else None


def _chunks(received: bytearray, start: int) -> tuple[bytes, int] | None:
    body = bytearray()
    while (line_end := received.find(b"\r\n", start)) >= 0:
        size = _CHUNK_SIZE.fullmatch(received, start, line_end)
        if not size:
            raise _Malformed(HTTPStatus.BAD_REQUEST)
        start, count = line_end + 2, int(size[1], 16)
        if not count:
            return _after_trailers(bytes(body), received, start)
        _within_limit(len(body) + count)
        body += received[start : start + count]
        start += count + 2
    return None


def _after_trailers(body: bytes, received: bytearray, start: int) -> tuple[bytes, int] | None:
    while (line_end := received.find(b"\r\n", start)) >= 0:
        if line_end == start:
            return body, start + 2
        start = line_end + 2
    return None


def _within_limit(size: int) -> int:
    if size > MAX_BODY_BYTES:
        raise _Malformed(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return size


def later(work: Callable[[], HttpResponse]) -> Future[HttpResponse | None]:
    """Do in a thread what waits; the thread does not keep the process alive."""
    future: Future[HttpResponse | None] = Future()

    def do() -> None:
        try:
            future.set_result(work())
        except Exception:
            logger.exception("a request failed")
            with suppress(Exception):
                future.set_result(HttpResponse(HTTPStatus.INTERNAL_SERVER_ERROR))

    Thread(target=do, name="request", daemon=True).start()
    return future


class PortTaken(OSError):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is in use by another program; give another --port")


@contextmanager
def listening_on(port: int) -> Iterator[None]:
    """Raise ``PortTaken`` if the body fails because of the port."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(port) from error
        raise
