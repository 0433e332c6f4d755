"""A subscriber that sends raw bytes: valid responses, and broken ones."""

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socket import SHUT_RDWR, SO_LINGER, SOL_SOCKET, socket
from socketserver import BaseRequestHandler, ThreadingTCPServer
from struct import pack
from threading import Event, Thread
from typing import Any, BinaryIO

DRIP_SECONDS = 0.02


@dataclass
class Wire:
    """Requests of a loopback server, and its scripted responses, one per request."""

    answers: list["bytes | Behaviour"]
    at_once: "Behaviour | None" = None  # before anything has been read
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)  # by the names in their certificates
    closing: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?key=s3cret"

    def speak(self, connection: socket) -> None:
        """Serve requests on a connection while the script has a response."""
        self.connections += 1
        if self.at_once:
            self.at_once(self, connection)
        with connection.makefile("rb") as stream:
            while self.answers and (request := _read_request(stream)):
                self.requests.append(request)
                answer = self.answers.pop(0)
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                else:
                    answer(self, connection)


Behaviour = Callable[[Wire, socket], None]


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def dripping(start: bytes, drop: bytes) -> Behaviour:
    """A behaviour that sends drops without end, never silent for long."""

    def drip(wire: Wire, connection: socket) -> None:
        connection.sendall(start)
        while not wire.closing.wait(DRIP_SECONDS):
            connection.sendall(drop)

    return drip


def flooding(start: bytes, wave: bytes) -> Behaviour:
    """A behaviour that sends as much as the client reads, without end."""

    def flood(wire: Wire, connection: socket) -> None:
        connection.sendall(start)
        waves = wave * (1 + 64 * 1024 // len(wave))
        while not wire.closing.is_set():
            connection.sendall(waves)

    return flood


def sipping(wire: Wire, connection: socket) -> None:
    """Read the request a little at a time."""
    while not wire.closing.wait(DRIP_SECONDS):
        connection.recv(16 * 1024)


def silence(wire: Wire, _: socket) -> None:
    wire.closing.wait()


def reset(_: Wire, connection: socket) -> None:
    connection.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))  # closing it sends RST


@contextmanager
def serving(
    *answers: bytes | Behaviour,
    at_once: Behaviour | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Wire]:
    wire = Wire(list(answers), at_once)
    with _Server(("127.0.0.1", 0), _handler_of(wire, tls)) as server:
        wire.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield wire
        finally:
            wire.closing.set()
            server.shutdown()
            thread.join()
            server.hang_up()


class _Server(ThreadingTCPServer):
    """A server that waits for its handlers when it closes, so that no thread or socket is left."""

    def process_request(self, request: socket, client_address: object) -> None:  # type: ignore[override]
        self._open = [*getattr(self, "_open", []), request]
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def hang_up(self) -> None:
        for connection in getattr(self, "_open", []):
            with suppress(OSError):
                connection.shutdown(SHUT_RDWR)

    def shutdown_request(self, request: socket) -> None:  # type: ignore[override]
        request.close()  # at once, so that a reset is one


def _handler_of(wire: Wire, tls: ssl.SSLContext | None) -> type[BaseRequestHandler]:
    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # a sender that has had enough
                if tls is None:
                    wire.speak(self.request)
                    return
                with tls.wrap_socket(self.request, server_side=True) as secured:
                    wire.clients += _names_in(secured)
                    wire.speak(secured)

    return Handler


def _names_in(connection: ssl.SSLSocket) -> list[str]:
    subject: Any = (connection.getpeercert() or {}).get("subject", ())
    return [value for attributes in subject for _, value in attributes]


def _read_request(stream: BinaryIO) -> bytes:
    head = b""
    while line := stream.readline():
        head += line
        if line == b"\r\n":
            lengths = re.findall(rb"(?im)^content-length: *([0-9]+)", head)
            return head + stream.read(sum(map(int, lengths)))
    return b""
