"""One deadline for the whole of an exchange, and an end to what is read of an answer.

A socket's timeout bounds each operation and begins anew with the next: an answer that comes in
drops, or TLS that sends record by record, could hold a worker for ever. Here each operation has
what is left until the deadline.
"""

from collections.abc import Sequence
from http.client import HTTPResponse, parse_headers
from io import BufferedReader, RawIOBase
from socket import socket
from time import monotonic
from typing import Any

MAX_WIRE_BYTES = 256 * 1024
"""Of one answer, with its head, its framing and its compression: far above any sensible one."""

_SWITCHING_PROTOCOLS = 101
_INTERIM = range(100, 200)


class TooLarge(Exception):
    """The answer has more bytes than we read."""


class Exchange:
    """Where one exchange may go and how long it may take."""

    def __init__(self, addresses: Sequence[str], *, ends_at: float) -> None:
        self.addresses = addresses
        self._ends_at = ends_at

    def left(self) -> float:
        """Seconds until the deadline; once it has passed, ``TimeoutError``."""
        left = self._ends_at - monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


class FinalResponse(HTTPResponse):
    """Reads past any number of interim answers (RFC 9110 section 15.2), not only past 100.

    A final answer left unread would pass for that to the next request on the connection.
    """

    def __init__(self, sock: socket, exchange: Exchange, *args: Any, **options: Any) -> None:
        super().__init__(_Source(sock, exchange), *args, **options)  # type: ignore[arg-type]

    def begin(self) -> None:
        super().begin()
        if self.status == _SWITCHING_PROTOCOLS:  # nobody speaks HTTP here any more
            self.will_close = True

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            line: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if line[1] not in _INTERIM or line[1] == _SWITCHING_PROTOCOLS:
                return line
            parse_headers(self.fp)


class _Source:
    """All that ``HTTPResponse`` wants of a socket."""

    def __init__(self, sock: socket, exchange: Exchange) -> None:
        self._sock, self._exchange = sock, exchange

    def makefile(self, _mode: str) -> BufferedReader:
        return BufferedReader(_UntilDeadline(self._sock, self._exchange))


class _UntilDeadline(RawIOBase):
    def __init__(self, sock: socket, exchange: Exchange) -> None:
        self._sock, self._exchange = sock, exchange
        self._stream: Any = sock.makefile("rb", buffering=0)
        self._bytes_left = MAX_WIRE_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._bytes_left <= 0:
            raise TooLarge
        self._sock.settimeout(self._exchange.left())
        read: int | None = self._stream.readinto(buffer)
        self._bytes_left -= read or 0
        return read

    def close(self) -> None:
        self._stream.close()
        super().close()
