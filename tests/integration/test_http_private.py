"""Private receivers: a private authority signs their certificates, and they verify the client's.

Both may change while the sender runs.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from ssl import TLSVersion

import pytest
from cryptography import x509

from lakehook.adapters.secrets_manager import CaBundle
from lakehook.domain.attempt import Outcome, Response
from lakehook.domain.client_certificate import ClientCertificate
from lakehook.domain.errors import InfrastructureError
from lakehook.ports.outbound import NoResponse
from tests.fakes import FakeClock
from tests.integration.authority import Authority
from tests.integration.posting import OK, a_receiver, a_request
from tests.integration.wire import Wire, serving

NAME = x509.DNSName("ci.internal")
MINUTES = 60


@pytest.fixture
def other_authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "another authority")


@pytest.fixture
def clients(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "the authority of clients")


class Store:
    """A bundle that an operator keeps in AWS; None while AWS is away."""

    def __init__(self, text: str | None) -> None:
        self.text = text
        self.clock = FakeClock()
        self.reported: list[str] = []
        self.reads = 0
        self.bundle = CaBundle(self._read, self.clock.now, self._report)

    def _read(self) -> str:
        self.reads += 1
        if self.text is None:
            raise InfrastructureError("SSM is away")
        return self.text

    def _report(self, error: Exception) -> None:
        self.reported.append(str(error))

    def becomes(self, text: str | None) -> None:
        self.text = text
        self.clock.sleep(5 * MINUTES)


@contextmanager
def a_transport(store: Store) -> Iterator[Callable[..., Response | NoResponse]]:
    with a_receiver("127.0.0.1", ca_bundle=store.bundle.current) as sender:

        def send(wire: Wire, certificate: ClientCertificate | None = None) -> Response | NoResponse:
            url = f"https://ci.internal:{wire.port}/"
            return sender.send(a_request(url, client_certificate=certificate))

        yield send


def test_an_authority_is_trusted_and_replaced_while_the_sender_runs(
    authority: Authority, other_authority: Authority
):
    store = Store(authority.pem)
    with (
        serving(OK, OK, tls=authority.context(NAME)) as old,
        serving(OK, tls=other_authority.context(NAME)) as new,
        a_transport(store) as send,
    ):
        assert isinstance(send(old), Response)

        store.becomes(other_authority.pem)
        assert isinstance(send(new), Response)
        refused = send(old)  # not by the connection that was kept

    assert refused == NoResponse(
        Outcome.TLS_FAILED,
        "the receiver's certificate is signed by an authority that is neither public nor in the CA"
        " bundle, or the receiver does not send its intermediate certificates",
    )
    assert len(old.requests) == 1


def test_the_bundle_is_read_every_five_minutes_and_one_that_works_outlives_an_outage(
    authority: Authority,
):
    store = Store(authority.pem)
    with serving(OK, OK, OK, tls=authority.context(NAME)) as wire, a_transport(store) as send:
        send(wire)
        store.clock.sleep(5 * MINUTES - 1)
        send(wire)
        assert store.reads == 1

        store.becomes(None)
        assert isinstance(send(wire), Response)

    assert (store.reads, store.reported) == (2, ["SSM is away"])


@pytest.mark.parametrize("broken", ["", "-", "no certificate", "half of one", "中文"])
def test_a_broken_bundle_is_reported_and_the_last_valid_one_stays(
    authority: Authority, other_authority: Authority, broken: str
):
    store = Store(authority.pem)
    text = (
        authority.pem + other_authority.pem[: len(other_authority.pem) // 2]
        if broken == "half of one"
        else broken
    )
    with serving(OK, OK, tls=authority.context(NAME)) as wire, a_transport(store) as send:
        send(wire)
        store.becomes(text)

        assert isinstance(send(wire), Response)

    assert store.reported == [
        "the CA bundle: not one or more certificates in PEM; the last valid one stays in force"
    ]


def test_while_no_bundle_could_be_read_its_receivers_spend_no_budget(authority: Authority):
    store = Store(None)
    with serving(OK, tls=authority.context(NAME)) as wire, a_transport(store) as send:
        assert send(wire) == NoResponse(
            Outcome.THROTTLED,
            "the stage's CA bundle could not be read, and no public authority is the receiver's",
        )
        assert send(wire).outcome is Outcome.THROTTLED
        assert store.reads == 1

        store.text = authority.pem
        store.clock.sleep(10)
        assert isinstance(send(wire), Response)


@pytest.mark.parametrize("version", [TLSVersion.TLSv1_2, TLSVersion.TLSv1_3])
def test_only_the_owner_of_the_client_certificate_is_admitted(
    authority: Authority, clients: Authority, version: TLSVersion
):
    context = authority.context(NAME, clients_of=clients)
    context.maximum_version = context.minimum_version = version
    with serving(OK, OK, tls=context) as wire, a_transport(Store(authority.pem)) as send:
        assert isinstance(send(wire, ClientCertificate(*clients.client("one"))), Response)
        without = send(wire)
        unknown = send(wire, ClientCertificate(*authority.client("stranger")))

    assert wire.clients == ["one"]
    for refused, detail in ((without, "client certificate"), (unknown, "does not know the auth")):
        assert isinstance(refused, NoResponse)
        assert refused.outcome is Outcome.TLS_FAILED
        assert detail in refused.detail


def test_no_connection_is_lent_to_another_client_or_kept_after_a_rotation(
    authority: Authority, clients: Authority
):
    context = authority.context(NAME, clients_of=clients)
    first, second, rotated = (
        ClientCertificate(*clients.client(name)) for name in ("1", "2", "1 new")
    )
    with serving(*[OK] * 5, tls=context) as wire, a_transport(Store(authority.pem)) as send:
        for certificate in (first, first, second, rotated, first):
            assert isinstance(send(wire, certificate), Response)

    assert wire.clients == ["1", "2", "1 new"]


def test_a_certificate_with_the_key_of_another_is_not_presented(
    authority: Authority, clients: Authority
):
    (certificate, _), (_, key) = clients.client("one"), clients.client("two")
    context = authority.context(NAME, clients_of=clients)
    with serving(OK, tls=context) as wire, a_transport(Store(authority.pem)) as send:
        refused = send(wire, ClientCertificate(certificate, key))

    assert refused == NoResponse(Outcome.TLS_FAILED, "the client certificate has another key")
    assert wire.connections == 0


def test_an_expired_certificate_of_either_side_is_named(authority: Authority, clients: Authority):
    store = Store(authority.pem)
    expired = ClientCertificate(*clients.client("one", days=-1))
    with (
        serving(OK, tls=authority.context(NAME, clients_of=clients)) as strict,
        serving(OK, tls=authority.context(NAME, days=-1)) as old,
        a_transport(store) as send,
    ):
        results = send(strict, expired), send(old)

    assert results == (
        NoResponse(Outcome.TLS_FAILED, "the receiver says that the client certificate has expired"),
        NoResponse(Outcome.TLS_FAILED, "the receiver's certificate has expired"),
    )


def test_a_private_key_is_in_no_file_when_the_handshake_begins(
    authority: Authority, clients: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(os, "memfd_create", raising=False)  # as on a system that is not Linux
    (folder := tmp_path / "files").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    context = authority.context(NAME, clients_of=clients)
    with serving(OK, tls=context) as wire, a_transport(Store(authority.pem)) as send:
        assert isinstance(send(wire, ClientCertificate(*clients.client("one"))), Response)

    assert list(folder.iterdir()) == []
