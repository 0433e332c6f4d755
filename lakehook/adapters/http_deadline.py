"""One deadline for the whole of an answer, on any connection of urllib3.

A socket's timeout bounds each read and begins anew with the next one, so an answer that comes in
drops could hold a worker for ever. Here each read has what is left until the deadline, and the
deadline is what urllib3 has left of its total when it begins to wait for the answer.
"""

from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from socket import socket
from time import monotonic
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class _UntilDeadline(RawIOBase):
    def __init__(self, sock: socket, *, ends_at: float) -> None:
        self._sock = sock
        self._stream: Any = sock.makefile("rb", buffering=0)
        self._ends_at = ends_at

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends_at - monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        self._sock.settimeout(left)
        read: int | None = self._stream.readinto(buffer)
        return read

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        ends_at = monotonic() + (sock.gettimeout() or 0.0)
        self.fp = BufferedReader(_UntilDeadline(sock, ends_at=ends_at))


class _PlainConnection(HTTPConnection):
    response_class = _Response


class _TlsConnection(HTTPSConnection):
    response_class = _Response


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS_WITH_A_DEADLINE = {"http": _PlainPool, "https": _TlsPool}
