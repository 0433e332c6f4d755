"""Answers that no receiver should give: too large, broken, or both."""

import gzip
import logging
import re
import tracemalloc
import zlib

import pytest

from lakehook.adapters.http import MAX_ANSWER_BYTES, HttpReceiver
from lakehook.domain.outcome import Answer, Outcome
from tests.integration.posting import OK, a_request, failure
from tests.integration.wire import Behaviour, answer, dripping, flooding, reset, serving

STATUS_LINE = b"HTTP/1.1 200 OK\r\n"
CHUNKED = STATUS_LINE + b"transfer-encoding: chunked\r\n"


def test_an_answer_is_read_up_to_its_cap(receiver: HttpReceiver):
    with serving(answer("500 Oh", b"x" * MAX_ANSWER_BYTES)) as wire:
        result = receiver.post(a_request(wire.url))

    assert isinstance(result, Answer)
    assert len(result.body) == MAX_ANSWER_BYTES


def test_no_compression_is_asked_for(receiver: HttpReceiver):
    with serving(OK) as wire:
        receiver.post(a_request(wire.url))

    assert re.findall(rb"(?im)^(accept-encoding.*)\r$", wire.requests[0]) == [
        b"accept-encoding: identity"
    ]


ZEROS = bytes(40_000_000)
BOMB = gzip.compress(ZEROS)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (BOMB, "gzip"),
        (zlib.compress(ZEROS), "deflate"),
        (gzip.compress(BOMB), "gzip, gzip"),
        (b"not gzip", "gzip"),
        (b"ok", "who knows"),
    ],
    ids=["gzip", "deflate", "gzip twice", "broken", "unknown"],
)
def test_what_is_compressed_unasked_is_an_answer_and_stays_as_it_came(
    receiver: HttpReceiver, body: bytes, encoding: str
):
    with serving(answer("200 OK", body, f"content-encoding: {encoding}")) as wire:
        tracemalloc.start()
        result = receiver.post(a_request(wire.url))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert isinstance(result, Answer)
    assert (result.status, result.body) == (200, body)
    assert peak < 1_000_000


TEN_GIGABYTES = b"content-length: 10000000000\r\n\r\n"


@pytest.mark.parametrize(
    "large",
    [
        answer("200 OK", b"x" * (MAX_ANSWER_BYTES + 1)),
        answer("200 OK", b"x" * (MAX_ANSWER_BYTES + 1), "content-encoding: gzip"),
        dripping(STATUS_LINE + b"\r\n", b"x" * 16_384),
        flooding(STATUS_LINE + b"\r\n", b"x"),
        flooding(STATUS_LINE + TEN_GIGABYTES, b"x"),
        flooding(CHUNKED + b"\r\n", b"1\r\nx\r\n"),
        flooding(CHUNKED + b"\r\n0\r\n", b"a: b\r\n"),
        flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        flooding(STATUS_LINE, b"a: " + b"b" * 60_000 + b"\r\n"),
    ],
    ids=[
        "plain",
        "gzip",
        "endless",
        "flood",
        "ten gigabytes",
        "chunks",
        "trailers",
        "interim answers",
        "long headers",
    ],
)
def test_more_than_the_cap_is_not_read(receiver: HttpReceiver, large: bytes | Behaviour):
    with serving(large) as wire:
        tracemalloc.start()
        result = receiver.post(a_request(wire.url))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert failure(result) is Outcome.RESPONSE_TOO_LARGE
    assert peak < 3_000_000


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"<html>HTTP/0.9</html>",
        b"\x00\xff" * 100 + b"\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\na: " + b"b" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        flooding(STATUS_LINE, b"a: b\r\n"),
        flooding(CHUNKED + b"\r\n1;", b"x"),
        reset,
    ],
    ids=[
        "ssh",
        "HTTP/0.9",
        "binary",
        "nothing",
        "short",
        "chunk",
        "headers",
        "line",
        "status",
        "header flood",
        "chunk extension",
        "reset",
    ],
)
def test_an_exchange_that_breaks_is_disconnected(
    receiver: HttpReceiver, garbage: bytes | Behaviour
):
    def break_off(wire, connection) -> None:  # noqa: ANN001
        connection.sendall(garbage)

    with serving(break_off if isinstance(garbage, bytes) else garbage) as wire:
        result = receiver.post(a_request(wire.url))

    assert failure(result) is Outcome.DISCONNECTED


@pytest.mark.parametrize(
    "broken",
    [answer("200 OK", b"", "no colon here"), reset, answer("200 OK", b"x" * 70_000)],
    ids=["header", "reset", "large"],
)
def test_a_broken_answer_puts_no_url_in_the_log_nor_in_the_detail(
    receiver: HttpReceiver, caplog: pytest.LogCaptureFixture, broken: bytes | Behaviour
):
    caplog.set_level(logging.INFO)

    with serving(broken) as wire:
        result = receiver.post(a_request(wire.url))

    assert "s3cret" not in caplog.text
    assert "s3cret" not in repr(result)
