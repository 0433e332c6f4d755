"""The laptop's HTTP server takes requests as clients may send them, and answers in their order."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event

import pytest

from local.http_server import (
    MAX_HEAD_BYTES,
    Answer,
    Handler,
    HttpResponse,
    HttpServer,
    ServerRequest,
    later,
)

Serve = Callable[[Handler], None]
LAST = b"GET /last HTTP/1.1\r\nconnection: close\r\n\r\n"


def echo(request: ServerRequest) -> HttpResponse:
    return HttpResponse(200, request.target.encode() + b" " + request.body)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def exchange(listener: socket.socket, data: bytes) -> bytes:
    """Send data, its first bytes one by one, and read until the server closes."""
    with socket.create_connection(listener.getsockname()) as connection:
        for part in (data[:1], data[1:2], data[2:]):
            connection.sendall(part)
        received = b""
        while part := connection.recv(65536):
            received += part
        return received


def bodies(received: bytes) -> list[bytes]:
    return [response.partition(b"\r\n\r\n")[2] for response in received.split(b"HTTP/1.1 ")[1:]]


@pytest.fixture
def serve(listener: socket.socket) -> Iterator[Serve]:
    with ExitStack() as exits:

        def serve(handler: Handler) -> None:
            exits.callback(HttpServer(listener, handler).close)

        yield serve


def test_bodies_come_by_length_or_in_chunks(listener: socket.socket, serve: Serve) -> None:
    serve(echo)
    with_length = b"POST /a HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc"
    chunked = (
        b"POST /b HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
        b"2;name=value\r\nab\r\n1\r\nc\r\n0\r\ntrailer: x\r\n\r\n"
    )

    received = exchange(listener, with_length + chunked + LAST)

    assert bodies(received) == [b"/a abc", b"/b abc", b"/last "]


def test_a_request_waits_for_the_response_to_the_one_before(
    listener: socket.socket, serve: Serve
) -> None:
    """The first is answered only once another connection was."""
    may_go = Event()

    def handler(request: ServerRequest) -> Answer:
        if request.target == "/waits":
            return later(lambda: (may_go.wait(), echo(request))[1])
        if request.target == "/lets-it-go":
            may_go.set()
        return echo(request)

    serve(handler)
    with ThreadPoolExecutor() as clients:
        waiting = clients.submit(exchange, listener, b"GET /waits HTTP/1.1\r\n\r\n" + LAST)
        other = exchange(listener, b"GET /lets-it-go HTTP/1.1\r\nconnection: close\r\n\r\n")

        assert bodies(waiting.result()) == [b"/waits ", b"/last "]
    assert bodies(other) == [b"/lets-it-go "]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\ncontent-length: 999999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n", b"501"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"x" * (MAX_HEAD_BYTES + 1 - 16), b"431"),
    ],
)
def test_a_malformed_request_is_refused_and_its_connection_closed(
    listener: socket.socket, serve: Serve, data: bytes, status: bytes
) -> None:
    serve(echo)

    assert exchange(listener, data).startswith(b"HTTP/1.1 " + status)


def test_a_handler_that_fails_answers_500(
    listener: socket.socket, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: ServerRequest) -> Answer:
        raise RuntimeError("broken")

    serve(fail)
    received = exchange(listener, LAST)

    assert received.startswith(b"HTTP/1.1 500 ")
    assert "broken" in caplog.text
