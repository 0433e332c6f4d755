"""Answers of strangers: where one ends, and whether it ends where everybody would say it does.

Who reads on from the wrong place takes a part of one answer for the answer to the next request. So
where a head can be understood in two ways, or something came behind an answer, the connection is
of no use any more (RFC 9112 sections 6.3 and 9.2).
"""

from http.client import HTTPException, HTTPResponse, parse_headers
from io import BufferedReader
from socket import socket
from typing import Any

from lakehook.adapters.http_deadline import Exchange, TooLarge, UntilDeadline

MAX_HEAD_BYTES = 16 * 1024
"""Of all heads of an answer, as Node.js has it: the time that ``email`` takes to read a parameter
of ``content-type`` grows with the square of its length, and no deadline ends it."""

_SWITCHING_PROTOCOLS = 101
_INTERIM = range(100, 200)
_HTTP_1_0 = 10
_WITHOUT_BODY = (204, 304)


class UnreadableAnswer(HTTPException):
    """The standard library stumbled over it in a way that it has no name for."""


class FinalResponse(HTTPResponse):
    """Reads past any number of interim answers (RFC 9110 section 15.2), not only past 100.

    A final answer left unread would pass for that to the next request on the connection.
    """

    def __init__(self, sock: socket, exchange: Exchange, *args: Any, **options: Any) -> None:
        self._wire = UntilDeadline(sock, exchange, most_bytes=MAX_HEAD_BYTES)
        super().__init__(_Source(self._wire), *args, **options)  # type: ignore[arg-type]

    @property
    def said_more(self) -> bool:
        """Once it is closed: whether anything had come behind its end."""
        return self._wire.said_more

    def begin(self) -> None:
        try:
            super().begin()
        except (HTTPException, OSError, TooLarge):
            raise
        except Exception as error:
            raise UnreadableAnswer from error
        self._wire.head_is_read()
        if self.status in _WITHOUT_BODY:  # whatever its head says
            self.chunked = False
        if self.status == _SWITCHING_PROTOCOLS or self._is_ambiguous():
            self.will_close = True  # nobody speaks HTTP here any more, or nobody knows where

    def read(self, amt: int | None = None) -> bytes:
        try:
            return super().read(amt)
        except ValueError as error:  # a chunk of less than nothing
            raise UnreadableAnswer from error

    def _is_ambiguous(self) -> bool:
        lengths = self.headers.get_all("content-length", [])
        if "transfer-encoding" in self.headers:
            return bool(lengths) or not self.chunked or self.version == _HTTP_1_0
        if self.status in _WITHOUT_BODY:
            return lengths not in ([], ["0"])
        return len(set(lengths)) > 1 or not all(_is_number(one) for one in lengths)

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            line: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if line[1] not in _INTERIM or line[1] == _SWITCHING_PROTOCOLS:
                return line
            parse_headers(self.fp)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


class _Source:
    """All that ``HTTPResponse`` wants of a socket."""

    def __init__(self, wire: UntilDeadline) -> None:
        self._wire = wire

    def makefile(self, _mode: str) -> "_Stream":
        return _Stream(self._wire)


class _Stream(BufferedReader):
    raw: UntilDeadline

    def close(self) -> None:
        if not self.closed:
            self.raw.end()
            self.raw.said_more |= bool(self.peek(1))
        super().close()
