"""TLS verifies the host's name, whatever address is called."""

from errno import EPIPE
from ipaddress import ip_address
from socket import socket
from ssl import SSLSocket

import pytest
from cryptography import x509

from lakehook.adapters.http.client import HttpTransport
from lakehook.domain.attempt import Outcome, Response
from lakehook.ports.outbound import NoResponse
from tests.integration.authority import Authority
from tests.integration.posting import OK, a_receiver, a_request, failure
from tests.integration.wire import Wire, serving


@pytest.mark.parametrize("host", ["ci.example", "CI.example", "ci.example."])
def test_the_name_is_what_the_certificate_must_say(authority: Authority, host: str):
    context = authority.context(x509.DNSName("ci.example"))
    asked_for: list[str] = []
    context.sni_callback = lambda _, name, __: asked_for.append(name)  # type: ignore[assignment]

    with (
        a_receiver("127.0.0.1", authorities=authority.path) as receiver,
        serving(OK, OK, tls=context) as wire,
    ):
        url = f"https://{host}:{wire.port}/"
        results = [receiver.send(a_request(url)) for _ in range(2)]
        receiver.close()

    assert [isinstance(result, Response) for result in results] == [True, True], results
    assert asked_for == ["ci.example"]
    assert wire.connections == 1


def test_a_certificate_for_the_address_does_not_speak_for_the_name(authority: Authority):
    names = x509.DNSName("other.example"), x509.IPAddress(ip_address("127.0.0.1"))

    with (
        a_receiver("127.0.0.1", authorities=authority.path) as receiver,
        serving(OK, tls=authority.context(*names)) as wire,
    ):
        result = receiver.send(a_request(f"https://ci.example:{wire.port}/"))

    assert failure(result) is Outcome.TLS_FAILED
    assert wire.requests == []


def test_a_host_that_is_an_address_must_be_in_the_certificate(authority: Authority):
    context = authority.context(x509.IPAddress(ip_address("127.0.0.1")))

    with (
        a_receiver("127.0.0.1", authorities=authority.path) as receiver,
        serving(OK, tls=context) as wire,
    ):
        result = receiver.send(a_request(f"https://127.0.0.1:{wire.port}/"))

    assert isinstance(result, Response), result


def test_an_untrusted_certificate_is_refused(authority: Authority):
    context = authority.context(x509.DNSName("ci.example"))

    with a_receiver("127.0.0.1") as receiver, serving(OK, tls=context) as wire:
        result = receiver.send(a_request(f"https://ci.example:{wire.port}/?key=s3cret"))

    assert isinstance(result, NoResponse)
    assert result.outcome is Outcome.TLS_FAILED
    assert "an authority that is neither public nor in the CA bundle" in result.detail
    assert "s3cret" not in result.detail
    assert wire.requests == []


def test_a_server_without_tls_is_an_error_that_says_so(receiver: HttpTransport):
    def speak_plainly(wire, connection) -> None:  # noqa: ANN001
        connection.sendall(OK)

    with serving(at_once=speak_plainly) as wire:
        result = receiver.send(a_request(f"https://127.0.0.1:{wire.port}/"))

    assert failure(result) is Outcome.TLS_FAILED


def test_after_a_broken_handshake_no_response_is_read(
    monkeypatch: pytest.MonkeyPatch,
):
    """An attacker in between could otherwise answer 200 in plain for the receiver."""

    def speak_plainly(_: Wire, connection: socket) -> None:
        connection.sendall(OK)

    def break_off(_: SSLSocket) -> None:
        raise BrokenPipeError(EPIPE, "Broken pipe")

    monkeypatch.setattr(SSLSocket, "do_handshake", break_off)

    with a_receiver("127.0.0.1") as receiver, serving(at_once=speak_plainly) as wire:
        result = receiver.send(a_request(f"https://ci.example:{wire.port}/"))

    assert result == NoResponse(Outcome.DISCONNECTED, "Broken pipe")
