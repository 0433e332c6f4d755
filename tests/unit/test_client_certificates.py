"""Client certificates: which are refused, and what is shown of an active one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

from lakehook.adapters import client_certificates
from lakehook.domain.client_certificate import ClientCertificate
from tests.fakes import NOON
from tests.fakes_ops import FakeStack
from tests.integration.authority import Authority
from tests.terminal import Terminal, add, stored_subscription
from tests.unit.test_api import ApiOverFakes

SET = ("subscriptions", "set-client-certificate", "ci")
Pair = tuple[str, str]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, now=NOON)


def a_pair(authority: Authority, name: str = "lakehook", **options: Any) -> Pair:
    certificate, key = authority.client(name, **{"days": 90, **options})
    return certificate.decode(), key.decode()


def files(tmp_path: Path, pair: Pair) -> list[str]:
    certificate, key = tmp_path / "client.pem", tmp_path / "key.pem"
    certificate.write_text(pair[0])
    key.write_text(pair[1])
    return ["--certificate", str(certificate), "--key", str(key)]


def test_an_active_certificate_is_shown_and_its_key_encrypted_and_never_shown(
    terminal: Terminal, authority: Authority, tmp_path: Path
) -> None:
    add(terminal)
    certificate, key = a_pair(authority)

    options = files(tmp_path, (certificate + authority.pem, key))
    certificate_view = terminal.json(*SET, *options)["client_certificate"]

    assert certificate_view["subject"] == "CN=lakehook"
    assert (certificate_view["expires_at"], len(certificate_view["fingerprint"])) == (
        "2026-04-01T12:00:00.000+00:00",
        64,
    )
    subscription = stored_subscription(terminal)
    in_force = subscription.client_certificate
    assert in_force
    assert in_force.certificates == certificate + authority.pem
    opened = terminal.stack.encryptor.unseal(
        in_force.encrypted_key, subscription_id=subscription.id
    )
    assert opened.decode() == key
    assert terminal("subscriptions", "show", "ci") == 0
    assert "CN=lakehook" in terminal.out
    for line in (*key.splitlines(), "encrypted_key"):
        assert line not in terminal.out + str(subscription)


def test_a_client_certificate_is_replaced_and_removed(
    terminal: Terminal, authority: Authority, tmp_path: Path
) -> None:
    add(terminal)
    for name in ("old", "new"):
        pair = a_pair(authority, name, usages=[Usage.CLIENT_AUTH])
        assert terminal(*SET, *files(tmp_path, pair)) == 0, terminal.err
    in_force = stored_subscription(terminal).client_certificate
    assert in_force
    assert in_force.facts.subject == "CN=new"

    removed = terminal.json("subscriptions", "remove-client-certificate", "ci")

    assert removed["client_certificate"] is None
    assert stored_subscription(terminal).client_certificate is None


def _encrypted(authority: Authority) -> Pair:
    certificate, key = a_pair(authority)
    private = serialization.load_pem_private_key(key.encode(), None)
    sealed = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
    return certificate, sealed.decode()


def _of_another(authority: Authority) -> Pair:
    return a_pair(authority)[0], a_pair(authority)[1]


def _chain_first(authority: Authority) -> Pair:
    certificate, key = a_pair(authority)
    return authority.pem + certificate, key


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda a: ("no PEM", a_pair(a)[1]), "certificate: not one or more certificates in PEM"),
        (lambda a: (a_pair(a)[1], a_pair(a)[1]), "certificate: not one or more certificates"),
        (lambda a: (a_pair(a)[0], "no PEM"), "key: not a private key in PEM"),
        (lambda a: (a_pair(a)[0], a_pair(a)[0]), "key: not a private key in PEM"),
        (_encrypted, "key: it is encrypted; openssl pkey -in FILE decrypts it"),
        (_of_another, "key: it is not that of the certificate, which must come first"),
        (_chain_first, "key: it is not that of the certificate, which must come first"),
        (lambda a: a_pair(a, days=-1), "certificate: it expired at 2025-12-31T12:00:00.000+00:00"),
        (
            lambda a: a_pair(a, usages=[Usage.SERVER_AUTH]),
            "certificate: its extended key usage does not include the authentication of clients",
        ),
        (lambda a: (a_pair(a)[0] + "x" * 65536, "k"), "certificate: more than 65536 bytes"),
    ],
)
def test_an_invalid_certificate_or_key_is_refused_in_one_line(
    terminal: Terminal,
    authority: Authority,
    tmp_path: Path,
    make: Callable[[Authority], Pair],
    complaint: str,
) -> None:
    add(terminal)
    pair = make(authority)

    code = terminal(*SET, *files(tmp_path, pair))

    assert (code, terminal.err.count("\n")) == (2, 1), terminal.err
    assert complaint in terminal.err
    assert stored_subscription(terminal).client_certificate is None
    secret = "".join(pair[1].splitlines()[1:-1])[:20]
    assert not secret or secret not in terminal.err


def test_a_certificate_not_yet_valid_or_too_large_for_kms_is_refused(
    terminal: Terminal, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(terminal)
    future = Authority(tmp_path, now=NOON + 3 * 86400)
    assert terminal(*SET, *files(tmp_path, a_pair(future))) == 2
    assert "certificate: it is valid from 2026-01-02T12:00:00.000+00:00 on" in terminal.err
    monkeypatch.setattr(client_certificates, "MAX_KEY_BYTES", 200)  # a larger key takes seconds

    assert terminal(*SET, *files(tmp_path, a_pair(authority))) == 2
    assert "key: more than the 200 bytes that KMS encrypts" in terminal.err


@pytest.mark.parametrize("url", ["http://laptop.example:8080/", "mailto:me@team.example"])
def test_a_client_certificate_needs_a_channel_with_https(
    capsys: pytest.CaptureFixture[str], authority: Authority, tmp_path: Path, url: str
) -> None:
    terminal = Terminal(FakeStack(opened=["127.0.0.0/8"]), capsys)
    channel = ["--channel", "email"] if url.startswith("mailto") else []
    terminal.json("subscriptions", "add", "--name", "ci", "--url", url, *channel)

    assert terminal(*SET, *files(tmp_path, a_pair(authority))) == 2
    assert "is not https, which a client certificate needs" in terminal.err


def test_a_client_certificate_does_not_stay_with_another_receiver(
    terminal: Terminal, authority: Authority, tmp_path: Path
) -> None:
    """A certificate would otherwise authenticate whoever may change the URL."""
    id_ = add(terminal)["subscription_id"]
    terminal(*SET, *files(tmp_path, a_pair(authority)))

    assert terminal("subscriptions", "update", "ci", "--url", "https://ci.example/v2") == 0
    assert terminal("subscriptions", "update", "ci", "--url", "https://new.example/hook") == 2
    assert f"first type lakehook subscriptions remove-client-certificate {id_}" in terminal.err


def test_a_certificate_is_reported_a_month_before_it_expires(
    terminal: Terminal, authority: Authority, tmp_path: Path
) -> None:
    add(terminal)
    terminal(*SET, *files(tmp_path, a_pair(authority, days=31)))
    assert terminal("status") == 0
    assert "ok: ci" in terminal.out

    terminal.stack.clock.sleep(86400)

    assert terminal("status") == 6
    assert "its client certificate expires in 30 d" in terminal.out
    command = "lakehook subscriptions set-client-certificate ci --certificate FILE --key FILE"
    assert f"→ {command}" in terminal.out


def test_by_the_api_as_by_the_command(authority: Authority) -> None:
    api = ApiOverFakes()
    path = f"/subscriptions/{api.subscribe()}/client-certificate"
    certificate, key = a_pair(authority)

    stored_response = api.call("PUT", path, {"certificate": certificate, "key": key})
    mixed_up = api.call("PUT", path, {"certificate": certificate, "key": a_pair(authority)[1]})
    no_text = api.call("PUT", path, {"certificate": certificate, "key": [key]})
    removed = api.call("DELETE", path)

    assert stored_response.document["client_certificate"]["subject"] == "CN=lakehook"
    assert (mixed_up.status, no_text.status) == (422, 422)
    assert removed.document["client_certificate"] is None
    assert key.splitlines()[1] not in str([stored_response, mixed_up, no_text, removed])


def test_a_certificate_alone_does_not_make_two_the_same() -> None:
    """A shared digest would let a copy of the certificate reuse its owner's connection."""
    original, copied = (
        ClientCertificate(b"public", b"key"),
        ClientCertificate(b"public", b"another"),
    )

    assert original.digest != copied.digest
