"""Answers that no receiver should give: too large, broken, or both."""

import gzip
import logging
import re
import tracemalloc
import zlib
from time import thread_time

import pytest

from lakehook.adapters.http import MAX_ANSWER_BYTES, HttpReceiver
from lakehook.adapters.http_answer import MAX_HEAD_BYTES
from lakehook.domain.outcome import Answer, Outcome
from tests.integration.posting import OK, a_request, an_impatient_request, failure
from tests.integration.wire import Behaviour, answer, dripping, flooding, reset, serving

STATUS_LINE = b"HTTP/1.1 200 OK\r\n"
MULTIPART = STATUS_LINE + b"content-length: 0\r\ncontent-type: multipart/mixed"
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
        STATUS_LINE + b"a: " + b"b" * MAX_HEAD_BYTES + b"\r\n\r\n",
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
        "long header",
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
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n",
        MULTIPART + b"; boundary*=a; boundary*0=b\r\n\r\n",
        MULTIPART + b"; boundary*" + b"9" * 5000 + b"=a\r\n\r\n",
        MULTIPART + b"; boundary*=idna''%ff\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n" + MULTIPART[17:] + b"; boundary*=idna''%ff\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
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
        "negative chunk",
        "parameter twice",
        "parameter number",
        "parameter encoding",
        "parameter in an interim answer",
        "headers",
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


def test_a_head_may_be_as_long_as_the_longest_of_sensible_servers(receiver: HttpReceiver):
    policy = f"content-security-policy: {'x' * (MAX_HEAD_BYTES - 100)}"

    with serving(answer("200 OK", b"x" * MAX_ANSWER_BYTES, policy)) as wire:
        result = receiver.post(a_request(wire.url))

    assert isinstance(result, Answer), result
    assert len(result.body) == MAX_ANSWER_BYTES


def test_a_204_ends_with_its_head_though_it_promises_chunks(receiver: HttpReceiver):
    with serving(b"HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n") as wire:
        result = receiver.post(an_impatient_request(wire.url))

    assert isinstance(result, Answer), result
    assert (result.status, result.body) == (204, b"")


def test_a_head_that_is_made_to_be_slow_to_read_does_not_hold_the_worker(receiver: HttpReceiver):
    slow = MULTIPART + b'; a="' + b"\r\n ".join([b";" * 60_000] * 4) + b"\r\n\r\n"

    with serving(slow) as wire:
        began = thread_time()
        result = receiver.post(a_request(wire.url))
        spent = thread_time() - began

    assert failure(result) is Outcome.RESPONSE_TOO_LARGE
    assert spent < 1


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
