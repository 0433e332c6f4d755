"""Reuse of connections: an open one while it is good, and no request twice."""

import io

import pytest
from cryptography import x509

from lakehook.adapters.http import dns
from lakehook.adapters.http.client import HttpTransport
from lakehook.adapters.http.connection import IDLE_SECONDS
from lakehook.domain.attempt import Outcome, Response
from tests.integration.authority import Authority
from tests.integration.eventually import eventually
from tests.integration.posting import OK, a_receiver, a_request, failure
from tests.integration.wire import Wire, answer, serving


@pytest.mark.parametrize(
    "first",
    [
        OK,
        answer("200 OK", b"ok"),
        answer("500 Oh", b"broken"),
        b"HTTP/1.1 204 No Content\r\n\r\n",
        answer("204 No Content"),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK,
    ],
    ids=["empty", "body", "failure", "204", "204 of length 0", "chunked", "early hints"],
)
def test_a_connection_is_used_again(receiver: HttpTransport, first: bytes):
    with serving(first, OK) as wire:
        receiver.send(a_request(wire.url))
        result = receiver.send(a_request(wire.url))
        receiver.close()

    assert isinstance(result, Response)
    assert (len(wire.requests), wire.connections) == (2, 1)


@pytest.mark.parametrize(
    "first",
    [
        answer("200 OK", b"", "connection: close"),
        b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n",
        answer("200 OK", b"x" * 200_000),
    ],
    ids=["close", "HTTP/1.0", "another protocol", "not read to its end"],
)
def test_a_connection_that_is_spent_is_not_used_again(receiver: HttpTransport, first: bytes):
    with serving(first, OK) as wire:
        receiver.send(a_request(wire.url))
        result = receiver.send(a_request(wire.url))
        receiver.close()

    assert isinstance(result, Response)
    assert (result.status, wire.connections) == (200, 2)


@pytest.mark.parametrize("clock", ["monotonic", "time"])
@pytest.mark.parametrize(
    ("idle_seconds", "connections"), [(IDLE_SECONDS - 1, 1), (IDLE_SECONDS + 1, 2)]
)
def test_a_connection_is_dropped_that_has_been_idle_too_long_by_either_clock(
    receiver: HttpTransport,
    monkeypatch: pytest.MonkeyPatch,
    clock: str,
    idle_seconds: float,
    connections: int,
):
    with serving(OK, OK) as wire:
        receiver.send(a_request(wire.url))
        now = getattr(dns, clock)
        monkeypatch.setattr(dns, clock, lambda: now() + idle_seconds)
        result = receiver.send(a_request(wire.url))
        receiver.close()

    assert isinstance(result, Response)
    assert wire.connections == connections


def test_a_connection_is_dropped_if_the_wall_clock_was_set_back(
    receiver: HttpTransport, monkeypatch: pytest.MonkeyPatch
):
    with serving(OK, OK) as wire:
        receiver.send(a_request(wire.url))
        now = dns.time
        monkeypatch.setattr(dns, "time", lambda: now() - 3600)
        receiver.send(a_request(wire.url))
        receiver.close()

    assert wire.connections == 2


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_that_the_receiver_has_closed_is_replaced_before_anything_is_sent(
    authority: Authority, scheme: str
):
    tls = authority.context(x509.DNSName("ci.example")) if scheme == "https" else None

    with (
        a_receiver("127.0.0.1", authorities=authority.path) as receiver,
        serving(OK, tls=tls) as wire,
    ):
        url = f"{scheme}://ci.example:{wire.port}/"
        receiver.send(a_request(url))
        ((connection,),) = receiver._connections._kept.values()
        eventually(lambda: not connection.is_connected)
        wire.answers.append(OK)
        result = receiver.send(a_request(url))
        receiver.close()

    assert isinstance(result, Response), result
    assert (len(wire.requests), wire.connections) == (2, 2)


def test_a_request_that_may_have_left_is_never_repeated(receiver: HttpTransport):
    def hang_up(wire: Wire, _: object) -> None:
        wire.answers.clear()

    with serving(OK, hang_up, OK) as wire:
        receiver.send(a_request(wire.url))
        result = receiver.send(a_request(wire.url))

    assert failure(result) is Outcome.DISCONNECTED
    assert (len(wire.requests), wire.connections) == (2, 1)


def test_unsolicited_bytes_are_no_response_to_the_next_request(receiver: HttpTransport):
    with serving(OK + answer("500 Smuggled"), answer("202 Accepted")) as wire:
        receiver.send(a_request(wire.url))
        result = receiver.send(a_request(wire.url))
        receiver.close()

    assert isinstance(result, Response)
    assert (result.status, wire.connections) == (202, 2)


def test_bytes_of_the_last_tls_record_are_no_response_to_the_next_request(
    authority: Authority,
):
    """The response fills a read exactly, so that later bytes stay within TLS."""
    length = io.DEFAULT_BUFFER_SIZE - len(answer("200 OK", b"x" * 1000)) + 1000
    first = answer("200 OK", b"x" * length)
    assert len(first) == io.DEFAULT_BUFFER_SIZE

    with (
        a_receiver("127.0.0.1", authorities=authority.path) as receiver,
        serving(
            first + answer("500 Smuggled"),
            answer("202 Accepted"),
            tls=authority.context(x509.DNSName("ci.example")),
        ) as wire,
    ):
        url = f"https://ci.example:{wire.port}/"
        receiver.send(a_request(url))
        result = receiver.send(a_request(url))
        receiver.close()

    assert isinstance(result, Response)
    assert (result.status, wire.connections) == (202, 2)


CHUNKED = b"transfer-encoding: chunked\r\n"
OF_LENGTH_2 = b"content-length: 2\r\n"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n" + OF_LENGTH_2 + CHUNKED, b"2\r\nok\r\n0\r\n\r\n"),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n" + CHUNKED, b"2\r\nok\r\n0\r\n\r\n"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: x, chunked\r\n" + OF_LENGTH_2,
            b"2\r\nok\r\n0\r\n\r\n",
        ),
        (b"HTTP/1.1 200 OK\r\n" + OF_LENGTH_2 + b"content-length: 3\r\n", b"ok"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: +2\r\n", b"ok"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0_2\r\n", b"ok"),
        (b"HTTP/1.1 204 No Content\r\n" + OF_LENGTH_2, b""),
        (b"HTTP/1.1 204 No Content\r\n" + CHUNKED, b""),
        (b"HTTP/1.1 304 Not Modified\r\n" + OF_LENGTH_2, b""),
    ],
    ids=[
        "length and chunks",
        "chunks in HTTP/1.0",
        "unknown coding",
        "two lengths",
        "signed",
        "underscore",
        "204 with a length",
        "204 in chunks",
        "304 with a length",
    ],
)
def test_a_connection_is_not_used_again_where_two_readers_see_two_ends(
    receiver: HttpTransport, head: bytes, body: bytes
):
    with serving(head + b"\r\n" + body, OK) as wire:
        first = receiver.send(a_request(wire.url))
        receiver.send(a_request(wire.url))
        receiver.close()

    assert isinstance(first, Response), first
    assert wire.connections == 2


def test_a_connection_keeps_nothing_of_a_request(receiver: HttpTransport):
    with serving(OK) as wire:
        receiver.send(a_request(wire.url, bytes(100_000)))
        ((connection,),) = receiver._connections._kept.values()
        receiver.close()

    assert connection._parts == []


def test_endpoints_share_no_connection_though_they_share_an_address():
    with a_receiver("127.0.0.1") as receiver, serving(OK, OK) as wire:
        for host in ("one.example", "two.example"):
            receiver.send(a_request(f"http://{host}:{wire.port}/"))
        receiver.close()

    assert wire.connections == 2


def test_connections_of_many_endpoints_are_kept():
    hosts = [f"ci-{n}.example" for n in range(30)]

    with a_receiver("127.0.0.1") as receiver, serving(*[OK] * 60) as wire:
        for host in hosts * 2:
            receiver.send(a_request(f"http://{host}:{wire.port}/"))
        receiver.close()

    assert (len(wire.requests), wire.connections) == (60, 30)
