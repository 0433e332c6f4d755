"""Look-ups of names, limited in time and in the threads that hang."""

import socket
from collections.abc import Iterator, Sequence
from threading import Event, Thread
from threading import enumerate as threads
from time import monotonic, sleep

import pytest

from lakehook.adapters.http import dns
from lakehook.adapters.http.dns import (
    ANSWERS_KEPT,
    LOOKUPS_OF_A_DOMAIN,
    SHARED_SECONDS,
    DnsResolver,
    domain_of,
)
from lakehook.domain.errors import InfrastructureError

SOON, LONG = 0.02, 120.0


class Resolver:
    """A resolver that answers at once, except for hosts that hang until ``let_go``."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.addresses: Sequence[str] = ["192.0.2.1"]
        self.let_go = Event()

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.hosts.append(host)
        if host.startswith("hung"):
            self.let_go.wait()
        return self.addresses


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    resolver = Resolver()
    yield resolver
    resolver.let_go.set()


def hangs(lookups: DnsResolver, host: str) -> bool:
    try:
        lookups(host, 443, seconds=SOON)
    except socket.gaierror as error:
        return error.errno == socket.EAI_AGAIN
    return False


@pytest.mark.parametrize("clock", ["monotonic", "time"])
@pytest.mark.parametrize(("elapsed", "times"), [(0.5, 1), (1.5, 2)])
def test_a_look_up_is_repeated_after_its_lifetime_by_either_clock(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch, clock: str, elapsed: float, times: int
):
    lookups = DnsResolver(resolver)
    monkeypatch.setattr(dns, clock, lambda: 0.0)
    lookups("ci.example", 443, seconds=LONG)

    resolver.addresses = ["192.0.2.2"]
    monkeypatch.setattr(dns, clock, lambda: elapsed * SHARED_SECONDS)

    (address,) = lookups("ci.example", 443, seconds=LONG)
    assert address == f"192.0.2.{times}"
    assert resolver.hosts == ["ci.example"] * times


def test_an_answer_is_shared_for_its_own_host_and_port_and_those_of_many_are_not_kept(
    resolver: Resolver,
):
    lookups = DnsResolver(resolver)
    for host, port in (("ci.example", 443), ("ci.example", 8443), ("cd.example", 443)):
        lookups(host, port, seconds=LONG)
    assert resolver.hosts == ["ci.example", "ci.example", "cd.example"]

    for number in range(ANSWERS_KEPT + 10):
        lookups(f"ci-{number}.example", 443, seconds=LONG)

    assert len(lookups._lookups) <= ANSWERS_KEPT


def test_a_resolver_that_hangs_is_waited_for_no_longer_than_allowed(resolver: Resolver):
    began = monotonic()

    assert hangs(DnsResolver(resolver), "hung.example")
    assert SOON <= monotonic() - began < LONG


def test_no_address_is_an_error(resolver: Resolver):
    resolver.addresses = []

    with pytest.raises(socket.gaierror, match="no address"):
        DnsResolver(resolver)("ci.example", 443, seconds=LONG)


@pytest.mark.parametrize(
    "error", [socket.gaierror(socket.EAI_NONAME, "no such"), OSError("no such")], ids=repr
)
def test_any_failure_of_the_resolver_is_a_resolution_error(error: Exception):
    def resolve(host: str, port: int) -> Sequence[str]:
        raise error

    with pytest.raises(socket.gaierror, match="no such"):
        DnsResolver(resolve)("ci.example", 443, seconds=LONG)


def test_a_host_that_hangs_holds_one_thread_however_often_it_is_asked_for(resolver: Resolver):
    lookups = DnsResolver(resolver)
    before = set(threads())

    assert all(hangs(lookups, "hung.example") for _ in range(10))

    assert resolver.hosts == ["hung.example"]
    assert len(set(threads()) - before) == 1


def test_hosts_that_hang_hold_so_many_threads_until_the_resolver_answers(resolver: Resolver):
    lookups = DnsResolver(resolver, at_a_time=3)
    before = set(threads())

    assert all(hangs(lookups, f"hung-{n}.example") for n in range(3))
    with pytest.raises(InfrastructureError, match="no thread is free"):
        lookups("hung-3.example", 443, seconds=SOON)

    assert len(set(threads()) - before) == 3
    assert len(resolver.hosts) == 3
    resolver.let_go.set()
    for host in ("hung-1.example", "ci.example"):
        assert lookups(host, 443, seconds=LONG) == ["192.0.2.1"]


def test_names_of_one_domain_that_hang_leave_threads_to_the_others(resolver: Resolver):
    lookups = DnsResolver(resolver)

    assert all(hangs(lookups, f"hung-{n}.evil.example") for n in range(LOOKUPS_OF_A_DOMAIN + 5))

    assert len(resolver.hosts) == LOOKUPS_OF_A_DOMAIN
    assert lookups("ci.example", 443, seconds=LONG) == ["192.0.2.1"]


def test_names_of_one_domain_wait_for_each_other(resolver: Resolver):
    lookups = DnsResolver(resolver)

    for number in range(3 * LOOKUPS_OF_A_DOMAIN):
        assert lookups(f"ci-{number}.corp.example", 443, seconds=LONG)

    assert not lookups._under_way


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("ci.example.com", "example.com"),
        ("a.b.example.com.", "example.com"),
        ("a.example.co.uk", "example.co.uk"),
        ("EXAMPLE.ORG", "example.org"),
        ("localhost", "localhost"),
        ("co.uk", "co.uk"),
    ],
)
def test_a_domain_is_what_is_registered(host: str, domain: str):
    assert domain_of(host) == domain


def test_after_a_failure_to_start_a_thread_the_next_look_up_tries_again(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
):
    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    lookups = DnsResolver(resolver)
    with monkeypatch.context() as patch:
        patch.setattr(Thread, "start", refuse)
        with pytest.raises(InfrastructureError, match="can't start new thread"):
            lookups("ci.example", 443, seconds=LONG)

    assert lookups("ci.example", 443, seconds=LONG) == ["192.0.2.1"]


def test_concurrent_look_ups_of_a_host_share_an_answer(resolver: Resolver):
    lookups = DnsResolver(resolver)
    answers: list[Sequence[str]] = []
    threads = [
        Thread(target=lambda: answers.append(lookups("hung.example", 443, seconds=LONG)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()

    assert hangs(lookups, "hung.example")
    resolver.let_go.set()
    for thread in threads:
        thread.join()

    assert answers == [["192.0.2.1"]] * 3


def test_callers_that_wait_for_a_thread_share_the_look_up_of_a_host(resolver: Resolver):
    lookups = DnsResolver(resolver, at_a_time=2)
    assert all(hangs(lookups, f"hung-{n}.example") for n in range(2))
    callers = [
        Thread(target=lookups, args=("ci.example", 443), kwargs={"seconds": LONG}) for _ in range(3)
    ]
    for caller in callers:
        caller.start()
    while len(lookups._changed._waiters) < len(callers):  # type: ignore[attr-defined]
        sleep(SOON)

    resolver.let_go.set()
    for caller in callers:
        caller.join()

    assert resolver.hosts.count("ci.example") == 1
