"""The receiver over HTTP against real servers on loopback, the ill-mannered too."""

import gzip
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from time import monotonic

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lakehook.adapters import http
from lakehook.adapters.http import MAX_ANSWER_BYTES, HttpReceiver
from lakehook.domain.address import parse_networks
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.outcome import Answer, Outcome
from lakehook.domain.webhook import Request
from lakehook.ports import NoAnswer
from tests.integration.wire import Behaviour, answer, dripping, reset, serving, silence

LOOPBACK = parse_networks(["127.0.0.0/8"])
OK = answer("200 OK")
PATIENCE_SECONDS = 0.3


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    receiver = HttpReceiver(opened=LOOPBACK)
    yield receiver
    receiver._adapter.close()


def a_request(url: str, body: bytes = b'{"a":1}', **headers: str) -> Request:
    return Request(
        endpoint=Endpoint.parse(url),
        headers={"content-type": "application/json", **headers},
        body=body,
        deadline_seconds=5,
    )


def an_impatient_request(url: str) -> Request:
    return Request(
        endpoint=Endpoint.parse(url), headers={}, body=b"{}", deadline_seconds=PATIENCE_SECONDS
    )


def failure(result: Answer | NoAnswer) -> Outcome:
    assert isinstance(result, NoAnswer), result
    return result.outcome


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let every name have these addresses, and tell which names were asked for."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return list(addresses)

    monkeypatch.setattr(http, "resolve", resolve)
    return asked


# --- what is sent, and what comes back ---


def test_the_very_bytes_are_posted_with_the_headers_given(receiver: HttpReceiver):
    body = '{"湖":  "\\u00e9" }'.encode()

    with serving(OK) as wire:
        receiver.post(a_request(wire.url, body, **{"webhook-id": "a#1#1"}))

    head, _, sent = wire.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert sent == body
    assert lines[0] == b"POST /hook?key=s3cret HTTP/1.1"
    assert f"host: 127.0.0.1:{wire.port}".encode() in lines
    assert b"webhook-id: a#1#1" in lines
    assert b"content-type: application/json" in lines


def test_an_answer_is_its_status_its_headers_in_lower_case_and_its_body(receiver: HttpReceiver):
    with serving(answer("500 Oh", b"broken\xff", "Retry-After: 7")) as wire:
        result = receiver.post(a_request(wire.url))

    assert isinstance(result, Answer)
    assert (result.status, result.body) == (500, b"broken\xff")
    assert result.headers["retry-after"] == "7"


def test_a_redirect_is_an_answer_and_is_not_followed(receiver: HttpReceiver):
    with (
        serving(OK) as elsewhere,
        serving(answer("302 Found", b"", f"location: {elsewhere.url}")) as wire,
    ):
        result = receiver.post(a_request(wire.url))

    assert isinstance(result, Answer)
    assert result.status == 302
    assert elsewhere.connections == 0


@pytest.mark.parametrize(
    "first",
    [
        OK,
        answer("200 OK", b"ok"),
        answer("500 Oh", b"broken"),
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
    ids=["empty", "body", "failure", "204", "chunked"],
)
def test_a_connection_is_used_again(receiver: HttpReceiver, first: bytes):
    with serving(first, OK) as wire:
        receiver.post(a_request(wire.url))
        result = receiver.post(a_request(wire.url))
        receiver._adapter.close()

    assert isinstance(result, Answer)
    assert (len(wire.requests), wire.connections) == (2, 1)


def test_a_cookie_is_never_sent_back(receiver: HttpReceiver):
    with serving(answer("200 OK", b"", "set-cookie: track=me; path=/"), OK) as wire:
        receiver.post(a_request(wire.url))
        receiver.post(a_request(wire.url))
        receiver._adapter.close()

    assert b"cookie" not in wire.requests[1].lower()


def test_neither_proxies_nor_netrc_of_the_environment_have_a_say(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))

    with serving(OK) as proxy, serving(OK) as wire:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        receiver.post(a_request(wire.url))

    assert (proxy.connections, wire.connections) == (0, 1)
    assert b"authorization" not in wire.requests[0].lower()


# --- where it may go ---


def test_a_host_is_named_although_its_judged_address_is_called(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
):
    asked = resolving(monkeypatch, "127.0.0.1")

    with serving(OK) as wire:
        result = receiver.post(a_request(f"http://ci.example:{wire.port}/hook"))

    assert isinstance(result, Answer)
    assert asked == ["ci.example"]
    assert f"host: ci.example:{wire.port}\r\n".encode() in wire.requests[0]


def test_an_address_that_is_not_allowed_is_never_connected_to(monkeypatch: pytest.MonkeyPatch):
    closed = HttpReceiver()

    with serving(OK) as wire:
        result = closed.post(a_request(f"https://127.0.0.1:{wire.port}/"))

    assert failure(result) is Outcome.ADDRESS_NOT_ALLOWED
    assert wire.connections == 0


def test_one_forbidden_address_among_good_ones_is_a_refusal(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
):
    resolving(monkeypatch, "127.0.0.1", "10.0.0.1")

    with serving(OK) as wire:
        result = receiver.post(a_request(f"http://ci.example:{wire.port}/"))

    assert failure(result) is Outcome.ADDRESS_NOT_ALLOWED
    assert wire.connections == 0


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "0177.0.0.1", "127.1"])
def test_an_odd_spelling_is_judged_by_what_it_resolves_to(host: str):
    result = HttpReceiver().post(a_request(f"https://{host}/"))

    assert isinstance(result, NoAnswer)
    assert result.outcome is Outcome.ADDRESS_NOT_ALLOWED
    assert "127.0.0.1" in result.detail


def test_a_name_without_an_address_is_told_as_such(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
):
    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(http, "resolve", resolve)

    assert failure(receiver.post(a_request("https://nobody.invalid/"))) is Outcome.DNS_FAILED


@pytest.mark.parametrize("host", ["ci..example", ".example", f"{'a' * 64}.example"])
def test_a_host_that_is_no_name_is_told_as_such(receiver: HttpReceiver, host: str):
    assert failure(receiver.post(a_request(f"https://{host}/"))) is Outcome.DNS_FAILED


@pytest.mark.parametrize("host", ["*.example", "a\\b", "%31", "a_b", "-a"])
def test_whatever_a_host_is_spelled_like_an_attempt_ends_with_an_outcome(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch, host: str
):
    resolving(monkeypatch, "127.0.0.1")

    with serving(OK) as wire:
        result = receiver.post(a_request(f"http://{host}:{wire.port}/"))

    assert isinstance(result, Answer | NoAnswer)


# --- what goes wrong ---


def test_nobody_listening_is_a_refusal(receiver: HttpReceiver):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert failure(receiver.post(a_request(f"http://127.0.0.1:{port}/"))) is Outcome.REFUSED


STATUS_LINE = b"HTTP/1.1 200 OK\r\n"
TOO_LONG = [
    pytest.param(silence, id="silence"),
    pytest.param(dripping(STATUS_LINE[:4], b"1"), id="status line"),
    pytest.param(dripping(STATUS_LINE, b"x"), id="header"),
    pytest.param(dripping(STATUS_LINE, b"a: b\r\n"), id="headers"),
    pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="continue"),
    pytest.param(dripping(STATUS_LINE + b"content-length: 9999\r\n\r\n", b"x"), id="body"),
    pytest.param(dripping(STATUS_LINE + b"\r\n", b"x"), id="body until close"),
    pytest.param(
        dripping(STATUS_LINE + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), id="chunks"
    ),
    pytest.param(
        dripping(STATUS_LINE + b"transfer-encoding: chunked\r\n\r\nfff\r\n", b"x"), id="chunk"
    ),
    pytest.param(
        dripping(STATUS_LINE + b"transfer-encoding: chunked\r\n\r\n", b"0"), id="chunk length"
    ),
]


@pytest.mark.parametrize("behaviour", TOO_LONG)
def test_one_deadline_bounds_the_whole_exchange(receiver: HttpReceiver, behaviour: Behaviour):
    began = monotonic()

    with serving(behaviour) as wire:
        result = receiver.post(an_impatient_request(wire.url))
        took = monotonic() - began

    assert failure(result) is Outcome.TIMED_OUT
    assert PATIENCE_SECONDS <= took < 10 * PATIENCE_SECONDS


def test_an_answer_is_read_up_to_its_cap(receiver: HttpReceiver):
    with serving(answer("500 Oh", b"x" * MAX_ANSWER_BYTES)) as wire:
        result = receiver.post(a_request(wire.url))

    assert isinstance(result, Answer)
    assert len(result.body) == MAX_ANSWER_BYTES


BOMB = gzip.compress(bytes(50_000_000))


@pytest.mark.parametrize(
    "large",
    [
        answer("200 OK", b"x" * (MAX_ANSWER_BYTES + 1)),
        answer("200 OK", BOMB, "content-encoding: gzip"),
        dripping(STATUS_LINE + b"\r\n", b"x" * 16_384),
    ],
    ids=["plain", "gzip", "endless"],
)
def test_more_than_the_cap_is_not_read(receiver: HttpReceiver, large: bytes | Behaviour):
    with serving(large) as wire:
        result = receiver.post(a_request(wire.url))

    assert failure(result) is Outcome.RESPONSE_TOO_LARGE


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00\xff" * 100 + b"\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\na: " + b"b" * 70_000 + b"\r\n\r\n",
        answer("200 OK", b"not gzip", "content-encoding: gzip"),
        reset,
    ],
    ids=["ssh", "binary", "nothing", "short", "chunk", "headers", "line", "gzip", "reset"],
)
def test_an_exchange_that_breaks_is_disconnected(
    receiver: HttpReceiver, garbage: bytes | Behaviour
):
    def break_off(wire, connection) -> None:  # noqa: ANN001
        connection.sendall(garbage)

    with serving(break_off if isinstance(garbage, bytes) else garbage) as wire:
        result = receiver.post(a_request(wire.url))

    assert failure(result) is Outcome.DISCONNECTED


def test_a_broken_answer_puts_no_url_in_the_log(
    receiver: HttpReceiver, caplog: pytest.LogCaptureFixture
):
    with serving(answer("200 OK", b"", "no colon here")) as wire:
        receiver.post(a_request(wire.url))

    assert "s3cret" not in caplog.text


# --- TLS ---


_SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """A certificate authority of our own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's authority")])
        root = (
            self._certificate(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_SIGNS_CERTIFICATES, critical=True)
        )
        self.path = folder / "authority.pem"
        self.path.write_bytes(_pem(root.sign(self._key, hashes.SHA256())))

    def context(self, *names: x509.GeneralName) -> ssl.SSLContext:
        """What a server needs to speak for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self._certificate(x509.Name([]), key).add_extension(
            x509.SubjectAlternativeName(names), critical=True
        )
        path = self._folder / "server.pem"
        path.write_bytes(_pem(leaf.sign(self._key, hashes.SHA256())) + _key_pem(key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)  # noqa: TID251  a certificate is checked by the wall clock
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(hours=1),
            not_valid_after=now + timedelta(hours=1),
            extensions=[self._key_identifier(key), self._issuer_identifier()],
        )

    def _key_identifier(
        self, key: ec.EllipticCurvePrivateKey
    ) -> x509.Extension[x509.ExtensionType]:
        """Python 3.13 asks for what RFC 5280 does: both identifiers."""
        value = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return x509.Extension(value.oid, critical=False, value=value)

    def _issuer_identifier(self) -> x509.Extension[x509.ExtensionType]:
        value = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return x509.Extension(value.oid, critical=False, value=value)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The authority, in the place of those that the world trusts."""
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(authority.path))
    return authority


@pytest.mark.parametrize("host", ["ci.example", "CI.example", "ci.example."])
def test_the_name_is_what_the_certificate_must_say(
    receiver: HttpReceiver, trusted: Authority, monkeypatch: pytest.MonkeyPatch, host: str
):
    resolving(monkeypatch, "127.0.0.1")
    context = trusted.context(x509.DNSName("ci.example"))
    asked_for: list[str] = []
    context.sni_callback = lambda _, name, __: asked_for.append(name)  # type: ignore[assignment]

    with serving(OK, OK, tls=context) as wire:
        results = [receiver.post(a_request(f"https://{host}:{wire.port}/")) for _ in range(2)]
        receiver._adapter.close()

    assert [isinstance(result, Answer) for result in results] == [True, True], results
    assert asked_for == ["ci.example"]
    assert wire.connections == 1


def test_a_certificate_for_the_address_does_not_speak_for_the_name(
    receiver: HttpReceiver, trusted: Authority, monkeypatch: pytest.MonkeyPatch
):
    resolving(monkeypatch, "127.0.0.1")
    names = x509.DNSName("other.example"), x509.IPAddress(ip_address("127.0.0.1"))

    with serving(OK, tls=trusted.context(*names)) as wire:
        result = receiver.post(a_request(f"https://ci.example:{wire.port}/"))

    assert failure(result) is Outcome.TLS_FAILED
    assert wire.requests == []


def test_where_the_host_is_an_address_its_certificate_must_say_so(
    receiver: HttpReceiver, trusted: Authority
):
    with serving(OK, tls=trusted.context(x509.IPAddress(ip_address("127.0.0.1")))) as wire:
        result = receiver.post(a_request(f"https://127.0.0.1:{wire.port}/"))

    assert isinstance(result, Answer), result


def test_a_certificate_that_nobody_trusts_is_refused(
    receiver: HttpReceiver, authority: Authority, monkeypatch: pytest.MonkeyPatch
):
    resolving(monkeypatch, "127.0.0.1")

    with serving(OK, tls=authority.context(x509.DNSName("ci.example"))) as wire:
        result = receiver.post(a_request(f"https://ci.example:{wire.port}/"))

    assert failure(result) is Outcome.TLS_FAILED
    assert wire.requests == []


def test_a_server_that_speaks_no_tls_is_told_as_such(receiver: HttpReceiver):
    def speak_plainly(wire, connection) -> None:  # noqa: ANN001
        connection.sendall(OK)

    with serving(speak_plainly) as wire:
        wire.speak = lambda connection: speak_plainly(wire, connection)  # type: ignore[method-assign]
        result = receiver.post(a_request(f"https://127.0.0.1:{wire.port}/"))

    assert failure(result) is Outcome.TLS_FAILED


def test_a_handshake_counts_towards_the_deadline(receiver: HttpReceiver):
    with serving() as wire:
        wire.speak = lambda connection: silence(wire, connection)  # type: ignore[method-assign]
        request = an_impatient_request(f"https://127.0.0.1:{wire.port}/")

        assert failure(receiver.post(request)) is Outcome.TIMED_OUT
