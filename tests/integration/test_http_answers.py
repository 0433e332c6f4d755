"""Responses that no receiver should send: too large, broken, or both."""

import gzip
import http.client
import logging
import re
import socket
import tracemalloc
import zlib
from time import thread_time

import pytest

from lakehook.adapters.http.client import MAX_RESPONSE_BYTES, HttpTransport
from lakehook.adapters.http.response import MAX_HEAD_BYTES
from lakehook.domain.attempt import Outcome, Response
from lakehook.ports.outbound import NoResponse
from tests.integration.posting import OK, a_request, failure
from tests.integration.wire import Behaviour, Wire, answer, dripping, flooding, reset, serving

STATUS_LINE = b"HTTP/1.1 200 OK\r\n"
MULTIPART = STATUS_LINE + b"content-length: 0\r\ncontent-type: multipart/mixed"
CHUNKED = STATUS_LINE + b"transfer-encoding: chunked\r\n"


def test_an_answer_is_read_up_to_its_cap(receiver: HttpTransport):
    with serving(answer("500 Oh", b"x" * MAX_RESPONSE_BYTES)) as wire:
        result = receiver.send(a_request(wire.url))

    assert isinstance(result, Response)
    assert len(result.body) == MAX_RESPONSE_BYTES


def test_no_compression_is_asked_for(receiver: HttpTransport):
    with serving(OK) as wire:
        receiver.send(a_request(wire.url))

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
def test_an_unrequested_compression_is_not_decoded(
    receiver: HttpTransport, body: bytes, encoding: str
):
    with serving(answer("200 OK", body, f"content-encoding: {encoding}")) as wire:
        tracemalloc.start()
        result = receiver.send(a_request(wire.url))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert isinstance(result, Response)
    assert (result.status, result.body) == (200, body)
    assert peak < 1_000_000


TEN_GIGABYTES = b"content-length: 10000000000\r\n\r\n"


@pytest.mark.parametrize(
    "large",
    [
        answer("200 OK", b"x" * (MAX_RESPONSE_BYTES + 1)),
        answer("200 OK", b"x" * (MAX_RESPONSE_BYTES + 1), "content-encoding: gzip"),
        dripping(STATUS_LINE + b"\r\n", b"x" * 16_384),
        flooding(STATUS_LINE + b"\r\n", b"x"),
        flooding(STATUS_LINE + TEN_GIGABYTES, b"x"),
        flooding(CHUNKED + b"\r\n", b"1\r\nx\r\n"),
        flooding(CHUNKED + b"\r\n0\r\n", b"a: b\r\n"),
        flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        flooding(STATUS_LINE, b"a: " + b"b" * 60_000 + b"\r\n"),
        STATUS_LINE + b"a: " + b"b" * MAX_HEAD_BYTES + b"\r\n\r\n",
        flooding(STATUS_LINE, b"a: b\r\n"),
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
        "headers",
    ],
)
def test_more_than_the_cap_is_not_read(receiver: HttpTransport, large: bytes | Behaviour):
    with serving(large) as wire:
        tracemalloc.start()
        result = receiver.send(a_request(wire.url))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert failure(result) is Outcome.RESPONSE_TOO_LARGE
    assert peak < 3_000_000


@pytest.mark.parametrize(
    "page",
    [
        answer("503 Busy", b"x" * (MAX_RESPONSE_BYTES + 1), "retry-after: 3600"),
        flooding(b"HTTP/1.1 503 Busy\r\nretry-after: 3600\r\n\r\n", b"x"),
        flooding(
            b"HTTP/1.1 503 Busy\r\nretry-after: 3600\r\ntransfer-encoding: chunked\r\n\r\n",
            b"1\r\nx\r\n",
        ),
    ],
    ids=["plain", "flood", "chunks"],
)
def test_a_refusal_keeps_its_retry_after_however_long_its_page(
    receiver: HttpTransport, page: bytes | Behaviour
):
    with serving(page, OK) as wire:
        result = receiver.send(a_request(wire.url))
        receiver.send(a_request(wire.url))

    assert isinstance(result, Response), result
    assert (result.status, result.headers["retry-after"]) == (503, "3600")
    assert len(result.body) <= MAX_RESPONSE_BYTES
    assert wire.connections == 2  # what was not read is not taken for the next answer


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"<html>HTTP/0.9</html>",
        b"\x00\xff" * 100 + b"\r\n\r\n",
        b"",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        reset,
    ],
    ids=[
        "ssh",
        "HTTP/0.9",
        "binary",
        "nothing",
        "status",
        "another version",
        "reset",
    ],
)
def test_an_exchange_that_breaks_is_disconnected(
    receiver: HttpTransport, garbage: bytes | Behaviour
):
    def break_off(wire, connection) -> None:  # noqa: ANN001
        connection.sendall(garbage)

    with serving(break_off if isinstance(garbage, bytes) else garbage) as wire:
        result = receiver.send(a_request(wire.url))

    assert failure(result) is Outcome.DISCONNECTED


@pytest.mark.parametrize(
    ("broken", "body"),
    [
        (b"content-length: 10\r\n\r\nshort", b"short"),
        (b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n", b"ok"),
        (b"transfer-encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n", b""),
        (b"transfer-encoding: chunked\r\n\r\n1;" + b"x" * 70_000, b""),
        (b"content-length: two\r\n\r\nok", b""),
    ],
    ids=["short", "chunk", "negative chunk", "chunk extension", "length"],
)
def test_a_body_that_breaks_off_leaves_the_verdict_to_the_status(
    receiver: HttpTransport, broken: bytes, body: bytes
):
    def break_off(wire, connection) -> None:  # noqa: ANN001
        connection.sendall(STATUS_LINE + broken)
        connection.shutdown(socket.SHUT_WR)

    with serving(break_off, OK) as wire:
        result = receiver.send(a_request(wire.url))

    assert isinstance(result, Response), result
    assert (result.status, result.body, result.is_whole) == (200, body, False)


NEXT = answer("202 Accepted")


@pytest.mark.parametrize(
    "line",
    [
        b"X-Cache Status: MISS",
        b"X-Trace : 1",
        b"nonsense",
        "X-Größe: 1".encode(),
        b"HTTP/1.1 200 OK",
        b" folded onto the status line",
        b"nonsense\r\n folded: onto nonsense",
        b": no name",
    ],
)
def test_an_invalid_header_line_is_left_out_and_later_ones_are_read(
    receiver: HttpTransport, line: bytes
):
    """The connection serves no other request: others may parse such a head differently."""
    head = line + b"\r\ncontent-length: 2\r\nretry-after: 7\r\n\r\n"

    with serving(STATUS_LINE + head + b"ok", NEXT) as wire:
        result = receiver.send(a_request(wire.url))
        receiver.send(a_request(wire.url))

    assert isinstance(result, Response), result
    assert (result.status, result.headers["retry-after"], result.body) == (200, "7", b"ok")
    assert wire.connections == 2


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"a: b\r\n" * 200 + b"content-length: 2\r\n\r\nok", b"ok"),
        (b"x: 1\r\n 2\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (b"x: 1\r2\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (b"content-length: 2\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (b"content-length: 2, 2\r\n\r\nok", b"ok"),
        (b"content-length: 2\r\ncontent-length: 3\r\n\r\nok", b""),
        (b"content-length: two\r\n\r\nok", b""),
        (b"content-length: -2\r\n\r\nok", b""),
        (b"transfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
        (b"transfer-encoding: identity\r\ncontent-length: 2\r\n\r\nok, and more", b"ok"),
        (b"transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", b""),
        (MULTIPART[len(STATUS_LINE) :] + b"; boundary*=a; boundary*0=b\r\n\r\n", b""),
        (MULTIPART[len(STATUS_LINE) :] + b"; boundary*=idna''%ff\r\n\r\n", b""),
    ],
)
def test_every_framing_of_the_rfc_ends_where_it_says(
    receiver: HttpTransport, head: bytes, body: bytes
):
    """RFC 9112 section 6.3; a body of unknown length is not waited for."""
    with serving(STATUS_LINE + head) as wire:
        result = receiver.send(a_request(wire.url))

    assert isinstance(result, Response), result
    assert (result.status, result.body) == (200, body)
    assert result.is_whole or not body


@pytest.mark.parametrize("error", [BrokenPipeError, ConnectionResetError])
def test_an_answer_given_before_the_body_was_read_is_kept(
    receiver: HttpTransport, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
):
    """A send fails when the other side has responded and closed, as with 410 and 413."""
    sends: list[bytes] = []

    def meet_a_reset(connection: http.client.HTTPConnection, data: bytes) -> None:
        sends.append(data)
        connection.sock.sendall(data[:1000])
        raise error

    def turn_away(wire: Wire, connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(answer("410 Gone", b"gone", "connection: close"))

    monkeypatch.setattr(http.client.HTTPConnection, "send", meet_a_reset)
    with serving(at_once=turn_away) as wire:
        result = receiver.send(a_request(wire.url, b"x" * 40_000))

    assert isinstance(result, Response), result
    assert (result.status, result.body) == (410, b"gone")
    (data,) = sends  # head and body leave together
    assert data.startswith(b"POST ")
    assert data.endswith(b"x" * 1000)


def test_a_head_may_be_as_long_as_the_longest_of_sensible_servers(receiver: HttpTransport):
    policy = f"content-security-policy: {'x' * (MAX_HEAD_BYTES - 100)}"

    with serving(answer("200 OK", b"x" * MAX_RESPONSE_BYTES, policy)) as wire:
        result = receiver.send(a_request(wire.url))

    assert isinstance(result, Response), result
    assert len(result.body) == MAX_RESPONSE_BYTES


def test_a_head_that_is_too_long_is_named_with_its_status(receiver: HttpTransport):
    with serving(b"HTTP/1.1 503 Busy\r\na: " + b"b" * MAX_HEAD_BYTES + b"\r\n\r\n") as wire:
        result = receiver.send(a_request(wire.url))

    assert failure(result) is Outcome.RESPONSE_TOO_LARGE
    assert isinstance(result, NoResponse)
    assert result.detail.endswith("of header lines after status 503")


def test_a_204_ends_with_its_head_though_it_promises_chunks(receiver: HttpTransport):
    with serving(b"HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n") as wire:
        result = receiver.send(a_request(wire.url))

    assert isinstance(result, Response), result
    assert (result.status, result.body) == (204, b"")


def test_a_head_that_is_made_to_be_slow_to_read_does_not_hold_the_worker(receiver: HttpTransport):
    slow = MULTIPART + b'; a="' + b"\r\n ".join([b";" * 60_000] * 4) + b"\r\n\r\n"

    with serving(slow) as wire:
        began = thread_time()
        result = receiver.send(a_request(wire.url))
        spent = thread_time() - began

    assert failure(result) is Outcome.RESPONSE_TOO_LARGE
    assert spent < 1


@pytest.mark.parametrize(
    "broken",
    [answer("200 OK", b"", "no colon here"), reset, answer("200 OK", b"x" * 70_000)],
    ids=["header", "reset", "large"],
)
def test_a_broken_answer_puts_no_url_in_the_log_nor_in_the_detail(
    receiver: HttpTransport, caplog: pytest.LogCaptureFixture, broken: bytes | Behaviour
):
    caplog.set_level(logging.INFO)

    with serving(broken) as wire:
        result = receiver.send(a_request(wire.url))

    assert "s3cret" not in caplog.text
    assert "s3cret" not in repr(result)
