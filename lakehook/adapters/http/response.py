"""HTTP responses, read as RFC 9112 says, within one deadline and up to a size.

The status line decides whether a delivery was accepted. The rest may be malformed, cut off or
endless: it is read as far as it is valid, and such a connection is not used again. Continuing at
the wrong byte would take a part of one response for the next one (sections 6.3 and 9.2).

A socket's timeout bounds each operation, not the whole: a response sent byte by byte, or TLS sent
record by record, could hold a worker for ever. Here each operation has the time that is left until
the deadline.
"""

import re
from collections.abc import Sequence
from http.client import BadStatusLine, HTTPException, HTTPMessage, HTTPResponse, RemoteDisconnected
from io import BufferedReader, RawIOBase
from socket import socket
from ssl import SSLSocket
from time import monotonic
from typing import Any

MAX_WIRE_BYTES = 256 * 1024
"""Bytes of one response with head, framing and compression: far above any sensible one."""
MAX_HEAD_BYTES = 16 * 1024
"""Bytes of all heads of a response together, as in Node.js."""

_SWITCHING_PROTOCOLS = 101
_INTERIM, _SUCCESS = range(100, 200), range(200, 300)
_HTTP_1_0, _HTTP_1_1 = 10, 11
_WITHOUT_BODY = (*_INTERIM, 204, 304)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_STATUS_LINE = re.compile(r"(HTTP/[0-9.]+)[ \t]+([1-9][0-9]{2})(?:[ \t](.*))?")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\r?\n", re.DOTALL)
_MAX_LINE_BYTES = 4096
_IDENTITY = "identity"  # no coding; RFC 2616 had it, and some servers still write it
_SPACE = " \t"


class ResponseTooLarge(Exception):
    """The response has more bytes than this limit."""

    def __init__(self, most_bytes: int, *, status: int | None = None) -> None:
        after = f" of header lines after status {status}" if status else ""
        super().__init__(f"more than {most_bytes} bytes{after}")


class RequestDeadline:
    """Allowed networks and deadline of one exchange."""

    def __init__(self, addresses: Sequence[str], *, ends_at: float) -> None:
        self.addresses = addresses
        self._ends_at = ends_at

    def remaining(self) -> float:
        """Return the seconds until the deadline; raises ``TimeoutError`` after it."""
        left = self._ends_at - monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


class DeadlineReader(RawIOBase):
    """Reader of a socket with a limit of bytes, first that of the head."""

    def __init__(self, sock: socket, exchange: RequestDeadline, *, most_bytes: int) -> None:
        self._sock, self._exchange = sock, exchange
        self._stream: Any = sock.makefile("rb", buffering=0)
        self._bytes_left = self._most_bytes = most_bytes
        self._has_ended = False
        self.has_more = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._has_ended:
            return 0
        if self._bytes_left <= 0:
            raise ResponseTooLarge(self._most_bytes)
        self._sock.settimeout(self._exchange.remaining())
        read: int | None = self._stream.readinto(memoryview(buffer)[: self._bytes_left])
        self._bytes_left -= read or 0
        return read

    def head_is_read(self) -> None:
        self._bytes_left += MAX_WIRE_BYTES - self._most_bytes
        self._most_bytes = MAX_WIRE_BYTES

    def end(self) -> None:
        """Stop reading; bytes that TLS has already decrypted are trailing ones."""
        self._has_ended = True
        if isinstance(self._sock, SSLSocket):
            self.has_more = self._sock.pending() > 0

    def close(self) -> None:
        self._stream.close()
        super().close()


class MalformedResponse(HTTPException):
    """A status line of another protocol, or invalid framing of the body."""


class StrictHTTPResponse(HTTPResponse):
    """Response that skips any number of interim ones (RFC 9110 section 15.2), not only 100.

    An unread final response would be taken for the response to the connection's next request.
    """

    def __init__(self, sock: socket, exchange: RequestDeadline, *args: Any, **options: Any) -> None:
        self._wire = DeadlineReader(sock, exchange, most_bytes=MAX_HEAD_BYTES)
        self._is_malformed = False
        self.is_whole = True
        super().__init__(_Source(self._wire), *args, **options)  # type: ignore[arg-type]

    @property
    def has_trailing_bytes(self) -> bool:
        """Whether bytes had arrived after its end, once it is closed."""
        return self._wire.has_more

    @property
    def is_success(self) -> bool:
        return self.status in _SUCCESS

    def begin(self) -> None:
        version, self.status, reason = self._read_status()
        if not version.startswith("HTTP/1."):
            raise MalformedResponse(version)
        self.code, self.reason = self.status, reason.strip()
        self.version = _HTTP_1_0 if version == "HTTP/1.0" else _HTTP_1_1
        try:
            self.headers = self.msg = self._read_headers()
        except ResponseTooLarge:
            raise ResponseTooLarge(MAX_HEAD_BYTES, status=self.status) from None
        self._wire.head_is_read()
        self.chunked, self.length = self._framing()
        self.chunk_left = None
        self.will_close = self._check_close() or self._is_malformed  # type: ignore[attr-defined]
        if self.length is None and not self.chunked:
            self.will_close = True
        if self.status == _SWITCHING_PROTOCOLS:  # the connection no longer speaks HTTP
            self.will_close = True

    def read_up_to(self, max_bytes: int) -> bytes:
        """Return the body, or what arrived of it, and then it is not whole; the status stands.

        Raises ``ResponseTooLarge`` if the rest of a success exceeds the limit of the wire.
        """
        body = bytearray()
        try:
            self._read_into(body, max_bytes)
        except (HTTPException, OSError):
            self.is_whole = False
        except ResponseTooLarge:
            self.will_close = True
            if self.is_success:
                raise
        self.is_whole &= not self.length  # else the connection ended before the body
        self.will_close |= not self.is_whole or len(body) == max_bytes
        return bytes(body)

    def _read_into(self, body: bytearray, max_bytes: int) -> None:
        while len(body) < max_bytes and (part := self.read1(max_bytes - len(body))):
            body += part

    def _framing(self) -> tuple[bool, int | None]:
        """Return whether the body is chunked, and else its length; None: unknown."""
        lengths = {each.strip() for each in self._listed("content-length")}
        listed = (each.strip().lower() for each in self._listed("transfer-encoding"))
        codings = [each for each in listed if each != _IDENTITY]
        if self.status in _WITHOUT_BODY:
            self._is_malformed |= bool(codings) or lengths not in (set(), {"0"})
            return False, 0
        if codings:
            self._is_malformed |= bool(lengths) or self.version == _HTTP_1_0
            return codings[-1] == "chunked", None
        if len(lengths) == 1 and _is_number(next(iter(lengths))):
            return False, int(lengths.pop())
        self._is_malformed |= bool(lengths)
        self.is_whole = not self._is_malformed  # what follows is not read
        return False, 0 if self._is_malformed else None

    def _listed(self, name: str) -> list[str]:
        return ",".join(self.headers.get_all(name, [])).split(",") if name in self.headers else []

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            line = self.fp.readline(_MAX_LINE_BYTES).decode("latin-1")
            if not line:
                raise RemoteDisconnected("the connection ended before a response")
            match = _STATUS_LINE.fullmatch(line.strip())
            if not match:
                raise BadStatusLine(line)
            version, status, reason = match[1], int(match[2]), match[3] or ""
            if status not in _INTERIM or status == _SWITCHING_PROTOCOLS:
                return version, status, reason
            self._read_headers()

    def _read_headers(self) -> HTTPMessage:
        """Read field lines up to the empty one, skipping invalid ones but keeping those after them.

        The library's own reader drops everything after such a line, including the body's length.
        """
        fields: list[list[str]] = []
        while line := self.fp.readline().decode("latin-1").rstrip("\r\n"):
            if line[0] in _SPACE and fields:  # RFC 9112 section 5.2: a folded value
                fields[-1][1] += f" {line.strip()}"
                continue
            name, colon, value = line.partition(":")
            is_field = bool(colon and _TOKEN.fullmatch(name.rstrip(_SPACE)))
            # A continuation of an invalid line is dropped with it.
            fields.append([name.rstrip(_SPACE), value] if is_field else ["", ""])
            self._is_malformed |= not is_field or name[-1] in _SPACE
        headers = HTTPMessage()
        for name, value in fields:
            if name:
                headers[name] = value.replace("\r", " ").strip()
        return headers

    def _get_chunk_left(self) -> int | None:
        if self.chunk_left == 0:
            if self.fp.read(2) != b"\r\n":
                raise MalformedResponse("a chunk that does not end where it says")
            self.chunk_left = None
        left: int | None = super()._get_chunk_left()  # type: ignore[misc]
        return left

    def _read_next_chunk_size(self) -> int:
        """Read the digits of a size alone: ``int`` also takes signs, underscores and ``0x``."""
        line = self.fp.readline(_MAX_LINE_BYTES)
        size = _CHUNK_SIZE.fullmatch(line)
        if not size:
            raise MalformedResponse("a chunk without a size")
        return int(size[1], 16)


def _is_number(text: str) -> bool:
    """Whether the text is a number of plausible length; the cap on reading is far below."""
    return text.isascii() and text.isdecimal() and len(text) <= len("18446744073709551615")


class _Source:
    """The part of a socket that ``HTTPResponse`` needs."""

    def __init__(self, wire: DeadlineReader) -> None:
        self._wire = wire

    def makefile(self, _mode: str) -> "_Stream":
        return _Stream(self._wire)


class _Stream(BufferedReader):
    raw: DeadlineReader

    def close(self) -> None:
        if not self.closed:
            self.raw.end()
            self.raw.has_more |= bool(self.peek(1))
        super().close()
