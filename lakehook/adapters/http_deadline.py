"""One deadline for the whole of an exchange, and an end to what is read of an answer.

A socket's timeout bounds each operation and begins anew with the next: an answer that comes in
drops, or TLS that sends record by record, could hold a worker for ever. Here each operation has
what is left until the deadline.
"""

from collections.abc import Sequence
from io import RawIOBase
from socket import socket
from ssl import SSLSocket
from time import monotonic
from typing import Any

MAX_WIRE_BYTES = 256 * 1024
"""Of one answer, with its head, its framing and its compression: far above any sensible one."""


class TooLarge(Exception):
    """The answer has more bytes than we read: so many."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"more than {most_bytes} bytes")


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


class UntilDeadline(RawIOBase):
    """What comes over a socket, up to a number of bytes: at first those of the head."""

    def __init__(self, sock: socket, exchange: Exchange, *, most_bytes: int) -> None:
        self._sock, self._exchange = sock, exchange
        self._stream: Any = sock.makefile("rb", buffering=0)
        self._bytes_left = self._most_bytes = most_bytes
        self._has_ended = False
        self.said_more = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._has_ended:
            return 0
        if self._bytes_left <= 0:
            raise TooLarge(self._most_bytes)
        self._sock.settimeout(self._exchange.left())
        read: int | None = self._stream.readinto(memoryview(buffer)[: self._bytes_left])
        self._bytes_left -= read or 0
        return read

    def head_is_read(self) -> None:
        self._bytes_left += MAX_WIRE_BYTES - self._most_bytes
        self._most_bytes = MAX_WIRE_BYTES

    def end(self) -> None:
        """Nothing is read any more; what TLS has deciphered already came behind the end."""
        self._has_ended = True
        if isinstance(self._sock, SSLSocket):
            self.said_more = self._sock.pending() > 0

    def close(self) -> None:
        self._stream.close()
        super().close()
