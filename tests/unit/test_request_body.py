"""Bodies of requests: those that RFC 9112 allows are read, others refused unread."""

from email.message import Message
from io import BytesIO

import pytest

from lakehook.adapters.http.server import MAX_TRAILERS, BodyRefused, read_body

NEXT = b"POST /next"
CHUNKED = {"transfer_encoding": "chunked"}


def read_both(text: bytes, **headers: str) -> tuple[bytes, bytes]:
    """Read a body; return it with the bytes that are left for the next request."""
    message, stream = Message(), BytesIO(text)
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return read_body(message, stream, max_bytes=20), stream.read()


@pytest.mark.parametrize(
    ("text", "headers", "body"),
    [
        (b"", {}, b""),
        (b"hello", {"content_length": "5"}, b"hello"),
        (b"hello", {"content_length": " 5 "}, b"hello"),
        (b"0\r\n\r\n", CHUNKED, b""),
        (b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", CHUNKED, b"hello world"),
        (b"0005;a=b\r\nhello\r\n0\r\n\r\n", {"transfer_encoding": "Chunked"}, b"hello"),
        (b"5\nhello\n0\n\n", CHUNKED, b"hello"),
        (b"C\r\n" + b"x" * 12 + b"\r\n0\r\na: b\r\n\r\n", CHUNKED, b"x" * 12),
        (b"1\r\nx\r\n0\r\n\r\n", {"transfer_encoding": "chunked", "content_length": "3"}, b"x"),
    ],
)
def test_a_body_is_read_to_its_end_and_no_further(
    text: bytes, headers: dict[str, str], body: bytes
) -> None:
    assert read_both(text + NEXT, **headers) == (body, NEXT)


@pytest.mark.parametrize(
    ("text", "headers", "status"),
    [
        (b"", {"content_length": "-1"}, 400),
        (b"", {"content_length": "five"}, 400),
        (b"", {"content_length": "\u0665"}, 400),  # a digit, but not of HTTP
        (b"hell", {"content_length": "5"}, 400),
        (b"", {"content_length": "21"}, 413),
        (b"", {"content_length": "9" * 400}, 400),
        (b"", {"transfer_encoding": "gzip, chunked"}, 501),
        (b"", CHUNKED, 400),
        (b"-5\r\nhello\r\n0\r\n\r\n", CHUNKED, 400),
        (b"x\r\n", CHUNKED, 400),
        (b"5\r\nhel", CHUNKED, 400),
        (b"5\r\nhello5\r\n", CHUNKED, 400),
        (b"15\r\n", CHUNKED, 413),
        (b"A\r\n" + b"x" * 10 + b"\r\nB\r\n", CHUNKED, 413),
        (b"f" * 16 + b"\r\n", CHUNKED, 400),
        (b"0\r\n" + b"a: b\r\n" * MAX_TRAILERS, CHUNKED, 431),
    ],
)
def test_a_malformed_truncated_or_too_large_body_is_refused(
    text: bytes, headers: dict[str, str], status: int
) -> None:
    with pytest.raises(BodyRefused) as refused:
        read_both(text, **headers)

    assert refused.value.status == status
