"""Addresses of requests: only those that were checked are connected to."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address
from itertools import count

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lakehook.adapters.http import connection
from lakehook.adapters.http.client import HttpTransport
from lakehook.adapters.http.connection import in_turn
from lakehook.domain.attempt import Outcome, Response
from lakehook.domain.ssrf_policy import check_address
from lakehook.ports.outbound import NoResponse
from tests.integration.posting import (
    LOOPBACK,
    OK,
    Names,
    a_moment_passes,
    a_receiver,
    a_request,
    failure,
)
from tests.integration.wire import serving


def test_the_host_header_is_the_name_although_the_checked_address_is_called():
    names = Names("127.0.0.1")
    receiver = HttpTransport(LOOPBACK, resolve=names)

    with serving(OK) as wire:
        result = receiver.send(a_request(f"http://ci.example:{wire.port}/hook"))
        receiver.close()

    assert isinstance(result, Response)
    assert names.looked_up == ["ci.example"]
    assert f"host: ci.example:{wire.port}\r\n".encode() in wire.requests[0]


def test_an_address_that_is_not_allowed_is_never_connected_to():
    with serving(OK) as wire:
        result = HttpTransport().send(a_request(f"https://127.0.0.1:{wire.port}/"))

    assert failure(result) is Outcome.ADDRESS_NOT_ALLOWED
    assert wire.connections == 0


@pytest.mark.parametrize("answers", [("127.0.0.1", "10.0.0.1"), ("10.0.0.1", "127.0.0.1")])
def test_a_forbidden_address_among_allowed_ones_is_a_refusal(answers: tuple[str, str]):
    with a_receiver(*answers) as receiver, serving(OK) as wire:
        result = receiver.send(a_request(f"http://ci.example:{wire.port}/"))

    assert failure(result) is Outcome.ADDRESS_NOT_ALLOWED
    assert wire.connections == 0


def test_a_name_that_resolves_to_another_address_is_checked_again_though_a_connection_is_open(
    monkeypatch: pytest.MonkeyPatch,
):
    names = Names("127.0.0.1")
    receiver = HttpTransport(LOOPBACK, resolve=names)

    with serving(OK, OK) as wire:
        first = receiver.send(a_request(f"http://ci.example:{wire.port}/"))
        names.addresses = ("169.254.169.254",)
        a_moment_passes(monkeypatch)
        second = receiver.send(a_request(f"http://ci.example:{wire.port}/"))
        receiver.close()

    assert isinstance(first, Response)
    assert failure(second) is Outcome.ADDRESS_NOT_ALLOWED
    assert len(wire.requests) == 1


def test_a_connection_to_an_address_that_the_name_no_longer_has_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
):
    names = Names("127.0.0.1")
    receiver = HttpTransport(LOOPBACK, resolve=names)

    with serving(OK, OK) as wire:
        receiver.send(a_request(f"http://ci.example:{wire.port}/"))
        names.addresses = ("::1",)  # no server listens there
        a_moment_passes(monkeypatch)
        second = receiver.send(a_request(f"http://ci.example:{wire.port}/"))
        receiver.close()

    assert failure(second) is Outcome.REFUSED
    assert len(wire.requests) == 1


def test_after_a_refused_address_the_next_is_tried():
    with a_receiver("::1", "127.0.0.1") as receiver, serving(OK) as wire:
        result = receiver.send(a_request(f"http://ci.example:{wire.port}/"))

    assert isinstance(result, Response), result


@contextmanager
def nobody_at_home() -> Iterator[list[str]]:
    """Addresses that are connected to; each refuses."""
    connected: list[str] = []

    def create_connection(to: tuple[str, int], **_: object) -> socket.socket:
        connected.append(to[0])
        raise ConnectionRefusedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "create_connection", create_connection)
        yield connected


addresses = st.ip_addresses().map(str) | st.sampled_from(["8.8.8.8", "127.0.0.1", "64:ff9b::a00:1"])


NAMES = Names()
HOSTS = (f"ci-{number}.example" for number in count())  # each is looked up
NAMING = HttpTransport(LOOPBACK, resolve=NAMES)


@given(st.lists(addresses, max_size=5))
def test_an_address_is_connected_to_only_if_all_of_its_name_are_allowed(answers: list[str]):
    NAMES.addresses = answers

    with nobody_at_home() as connected:
        result = NAMING.send(a_request(f"https://{next(HOSTS)}/"))

    allowed = all(check_address(answer, allowed_networks=LOOPBACK).allowed for answer in answers)
    assert sorted(connected) == (sorted(answers) if allowed else [])
    assert failure(result) is (
        Outcome.DNS_FAILED
        if not answers
        else Outcome.REFUSED
        if allowed
        else Outcome.ADDRESS_NOT_ALLOWED
    )


@pytest.mark.parametrize(
    ("addresses", "first", "expected"),
    [
        (["a:1", "a:2", "a:3", "1.1", "1.2"], "", ["a:1", "1.1", "a:2", "1.2", "a:3"]),
        (["1.1", "a:1", "a:2"], "", ["1.1", "a:1", "a:2"]),
        (["1.1", "1.2", "1.3"], "1.2", ["1.2", "1.3", "1.1"]),
        (["1.1", "1.2"], "9.9", ["1.1", "1.2"]),
    ],
)
def test_addresses_of_both_families_are_tried_by_turns(
    addresses: list[str], first: str, expected: list[str]
):
    assert in_turn(addresses, first=first) == expected


def test_an_address_that_answers_is_found_behind_many_that_do_not():
    with a_receiver(*["::1"] * 8, "127.0.0.1") as receiver, serving(OK) as wire:
        result = receiver.send(a_request(f"http://ci.example:{wire.port}/"))

    assert isinstance(result, Response), result


def test_a_closed_port_is_a_refused_connection(receiver: HttpTransport):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    result = receiver.send(a_request(f"http://127.0.0.1:{port}/"))

    assert result == NoResponse(Outcome.REFUSED, "Connection refused")


def test_a_name_without_an_address_is_an_error_that_says_so():
    def resolve(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    result = HttpTransport(resolve=resolve).send(a_request("https://nobody.invalid/"))

    assert failure(result) is Outcome.DNS_FAILED


@pytest.mark.parametrize("host", ["a_b", "-a", "a-", "1.2.3", "1e3", "xn--"])
def test_an_attempt_ends_with_an_outcome_for_any_spelling_of_a_host(host: str):
    with a_receiver("127.0.0.1") as receiver, serving(OK) as wire:
        result = receiver.send(a_request(f"http://{host}:{wire.port}/"))

    assert isinstance(result, Response)
    assert f"host: {host}:{wire.port}\r\n".encode() in wire.requests[0]


CURIOUS = HttpTransport()


@given(st.ip_addresses(v=4))
@example(IPv4Address("127.0.0.1"))
@example(IPv4Address("169.254.169.254"))
@example(IPv4Address("8.8.8.8"))
def test_the_resolved_address_is_checked_and_called_for_any_spelling(
    address: IPv4Address,
):
    number, (a, b, c, d) = int(address), address.packed
    spellings = [
        f"{number}",
        f"{number:#x}",
        f"0{number:o}",
        f"{a}.{number & 0xFFFFFF}",
        f"{a:#x}.0{b:o}.{number & 0xFFFF}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"[::ffff:{address}]",
    ]

    with nobody_at_home() as connected:
        results = [CURIOUS.send(a_request(f"https://{spelling}/")) for spelling in spellings]

    allowed = check_address(str(address)).allowed
    outcome = Outcome.REFUSED if allowed else Outcome.ADDRESS_NOT_ALLOWED
    assert [failure(result) for result in results] == [outcome] * len(spellings)
    assert connected == ([str(address)] * 6 + [f"::ffff:{address}"] if allowed else [])
