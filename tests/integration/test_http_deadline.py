"""Deadlines bound an exchange from the look-up to the last byte, whatever a receiver does."""

import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from threading import enumerate as threads
from time import monotonic

import pytest
from cryptography import x509

from lakehook.adapters.http import client, connection, response
from lakehook.adapters.http.client import HttpTransport
from lakehook.adapters.http.response import RequestDeadline
from lakehook.domain.attempt import Outcome, Response
from lakehook.ports.outbound import NoResponse
from tests.integration.authority import Authority
from tests.integration.posting import (
    LOOPBACK,
    OK,
    PATIENCE_SECONDS,
    a_receiver,
    a_request,
    an_impatient_request,
    failure,
)
from tests.integration.wire import Behaviour, dripping, flooding, serving, silence, sipping

OVERRUN_SECONDS = 170.0
"""Patience with servers that go on until they are closed: no machine takes so long."""
BEGUN_SECONDS = 5.0
"""A deadline in which a busy machine, too, reads the beginning of a response."""
LARGE = bytes(4 * 1024 * 1024)


@contextmanager
def within_deadline(seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    began = monotonic()
    yield
    took = monotonic() - began
    assert seconds - 0.01 <= took < seconds + OVERRUN_SECONDS, took


STATUS_LINE = b"HTTP/1.1 200 OK\r\n"
CHUNKED = STATUS_LINE + b"transfer-encoding: chunked\r\n\r\n"
TOO_LONG = [
    pytest.param(silence, id="silence"),
    pytest.param(dripping(STATUS_LINE[:4], b"1"), id="status line"),
    pytest.param(dripping(STATUS_LINE, b"x"), id="header"),
    pytest.param(dripping(STATUS_LINE, b"a: b\r\n"), id="headers"),
    pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="continue"),
    pytest.param(dripping(b"", b"HTTP/1.1 103 Early Hints\r\na: b\r\n\r\n"), id="hints"),
]
ENDLESS = {
    "body": dripping(STATUS_LINE + b"content-length: 9999\r\n\r\n", b"x"),
    "body until close": dripping(STATUS_LINE + b"\r\n", b"x"),
    "chunks": dripping(CHUNKED, b"1\r\nx\r\n"),
    "chunk": dripping(CHUNKED + b"fff\r\n", b"x"),
    "chunk length": dripping(CHUNKED, b"0"),
    "chunk extension": dripping(CHUNKED + b"1;", b"x"),
    "trailers": dripping(CHUNKED + b"0\r\n", b"a: b\r\n"),
}


@pytest.mark.parametrize("behaviour", TOO_LONG)
def test_an_answer_that_takes_too_long_costs_the_deadline(
    receiver: HttpTransport, behaviour: Behaviour
):
    with serving(behaviour) as wire, within_deadline():
        result = receiver.send(an_impatient_request(wire.url))

    assert failure(result) is Outcome.TIMED_OUT


def test_a_body_that_takes_too_long_costs_the_deadline_and_not_the_verdict(
    receiver: HttpTransport,
):
    def send(behaviour: Behaviour) -> Response | NoResponse:
        with serving(behaviour) as wire:
            return receiver.send(an_impatient_request(wire.url, deadline_seconds=BEGUN_SECONDS))

    with ThreadPoolExecutor(len(ENDLESS)) as together, within_deadline(BEGUN_SECONDS):
        results = dict(zip(ENDLESS, together.map(send, ENDLESS.values()), strict=True))

    statuses = {name: getattr(result, "status", result) for name, result in results.items()}
    assert statuses == dict.fromkeys(ENDLESS, 200)


@pytest.mark.parametrize(
    "behaviour",
    [silence, dripping(b"\x16\x03\x03\x3f\xff\x02", b"\0")],
    ids=["silence", "server hello"],
)
def test_a_handshake_that_takes_too_long_costs_the_deadline(
    receiver: HttpTransport, behaviour: Behaviour
):
    with serving(at_once=behaviour) as wire, within_deadline():
        result = receiver.send(an_impatient_request(f"https://127.0.0.1:{wire.port}/"))

    assert failure(result) is Outcome.TIMED_OUT


def test_a_handshake_has_all_that_is_left_though_there_were_other_addresses_to_try():
    with (
        a_receiver("127.0.0.1", "::1") as receiver,
        serving(at_once=silence) as wire,
        within_deadline(),
    ):
        result = receiver.send(an_impatient_request(f"https://ci.example:{wire.port}/"))

    assert failure(result) is Outcome.TIMED_OUT


@pytest.mark.parametrize("behaviour", [silence, sipping], ids=["silence", "sips"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_request_that_the_server_does_not_read_ends_at_the_deadline(
    authority: Authority, scheme: str, behaviour: Behaviour
):
    tls = authority.context(x509.DNSName("ci.example")) if scheme == "https" else None

    with (
        a_receiver("127.0.0.1", authorities=authority.path) as receiver,
        serving(at_once=behaviour, tls=tls) as wire,
        within_deadline(),
    ):
        result = receiver.send(an_impatient_request(f"{scheme}://ci.example:{wire.port}/", LARGE))

    assert failure(result) is Outcome.TIMED_OUT


def test_look_up_and_handshake_count_against_the_deadline(authority: Authority):
    """A slow look-up, a slow handshake and a slow answer, each within the deadline."""

    def resolve(host: str, port: int) -> Sequence[str]:
        Event().wait(BEGUN_SECONDS / 2)
        return ["127.0.0.1"]

    receiver = HttpTransport(LOOPBACK, resolve=resolve)

    with serving(dripping(STATUS_LINE, b"x")) as wire, within_deadline(BEGUN_SECONDS):
        url = f"http://ci.example:{wire.port}/"
        result = receiver.send(an_impatient_request(url, deadline_seconds=BEGUN_SECONDS))

    assert failure(result) is Outcome.TIMED_OUT


@pytest.fixture
def hung() -> Iterator[Callable[[str, int], Sequence[str]]]:
    """A resolver that answers when the test is over."""
    over = Event()

    def resolve(host: str, port: int) -> Sequence[str]:
        if host != "well.example":
            over.wait()
        return ["127.0.0.1"]

    yield resolve
    over.set()


def test_a_resolver_that_hangs_costs_the_deadline(hung: Callable[[str, int], Sequence[str]]):
    receiver = HttpTransport(LOOPBACK, resolve=hung)

    with within_deadline():
        result = receiver.send(an_impatient_request("https://ci.example/"))

    assert failure(result) is Outcome.DNS_FAILED


def test_a_resolver_that_hangs_for_one_host_hangs_for_no_other(
    hung: Callable[[str, int], Sequence[str]],
):
    receiver = HttpTransport(LOOPBACK, resolve=hung)
    request = an_impatient_request("https://ci.example/")
    before = set(threads())

    with serving(OK) as wire:
        for _ in range(3):
            receiver.send(request)
        waiting = [
            thread for thread in set(threads()) - before if thread.name.startswith("look-up")
        ]
        result = receiver.send(a_request(f"http://well.example:{wire.port}/"))
        receiver.close()

    assert len(waiting) == 1
    assert len(wire.requests) == 1, result


def test_each_address_has_its_share_of_the_remaining_time(monkeypatch: pytest.MonkeyPatch):
    timeouts: list[float] = []

    def create_connection(_: object, *, timeout: float, **__: object) -> socket.socket:
        timeouts.append(timeout)
        raise TimeoutError

    monkeypatch.setattr(connection, "create_connection", create_connection)
    addresses = [f"127.0.0.{n}" for n in range(1, 6)]

    with a_receiver(*addresses) as receiver:
        result = receiver.send(a_request("http://ci.example/"))

    assert failure(result) is Outcome.TIMED_OUT
    shares = [20, 20, 20, 30, 60]
    assert timeouts == pytest.approx(shares, abs=9)


def test_the_next_attempt_begins_where_the_time_of_the_last_one_ended(
    monkeypatch: pytest.MonkeyPatch,
):
    """Attempts at each address take their whole share, as if nothing came back."""
    tried: list[str] = []
    clock = [0.0]

    def create_connection(
        address: tuple[str, int], *, timeout: float, **__: object
    ) -> socket.socket:
        tried.append(address[0])
        clock[0] += timeout
        raise TimeoutError

    monkeypatch.setattr(connection, "create_connection", create_connection)
    monkeypatch.setattr(response, "monotonic", lambda: clock[0])
    monkeypatch.setattr(client, "monotonic", lambda: clock[0])
    addresses = [f"127.0.0.{n}" for n in range(1, 10)]

    request = an_impatient_request("http://ci.example/", deadline_seconds=5)
    with a_receiver(*addresses) as receiver:
        receiver.send(request)
        first_again = len(tried)
        receiver.send(request)

    assert tried[0] == "127.0.0.1"
    assert tried[first_again] == "127.0.0.6"  # the first that had less than a fair share


def test_once_the_deadline_has_passed_nothing_begins_any_more():
    exchange = RequestDeadline(["127.0.0.1"], ends_at=monotonic())

    with pytest.raises(TimeoutError, match="deadline"):
        exchange.remaining()


def test_a_flood_does_not_outlast_the_deadline(receiver: HttpTransport):
    with serving(flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n")) as wire:
        result = receiver.send(an_impatient_request(wire.url))

    assert failure(result) in {Outcome.TIMED_OUT, Outcome.RESPONSE_TOO_LARGE}
