"""Body of a request that a server here receives: by its length, or chunk by chunk.

https://www.rfc-editor.org/rfc/rfc9112#section-6 and section 7.1
"""

import re
from email.message import Message
from http import HTTPStatus
from io import BufferedIOBase

MAX_LINE_BYTES = 4096  # of a chunk's size with its extensions, or of a trailer
MAX_TRAILERS = 100
_LENGTH = re.compile("[0-9]{1,18}", re.ASCII)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?\n", re.DOTALL)


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
