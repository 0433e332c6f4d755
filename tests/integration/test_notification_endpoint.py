"""A test notice is sent within a deadline, and its result is one value whatever answers."""

import socket

import pytest
from cryptography import x509

from lakehook.adapters.devlake.session import MAX_NOTICE_RESPONSE_BYTES, post_notice
from lakehook.domain.devlake.setup_check import (
    EndpointAnswer,
    EndpointResponse,
    EndpointUnreachable,
)
from lakehook.domain.errors import InvalidInput
from tests.integration.authority import Authority
from tests.integration.wire import Behaviour, Wire, answer, dripping, flooding, serving, silence

pytestmark = pytest.mark.usefixtures("_no_proxies")

QUERY, BODY = "nouce=1-AAAA&sign=abc", b'{"PipelineID":0}'


def post(wire: Wire, *, deadline_seconds: float = 10.0) -> EndpointAnswer:
    url = f"http://127.0.0.1:{wire.port}/staging"
    result = post_notice(url, QUERY, BODY, deadline_seconds=deadline_seconds)
    wire.closing.set()
    return result


def test_a_test_notice_is_sent_as_devlake_sends_a_notice():
    with serving(answer("202 Accepted", b'{"test": true}')) as wire:
        assert post(wire) == EndpointResponse(202, b'{"test": true}')

    (request,) = wire.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /staging?nouce=1-AAAA&sign=abc HTTP/1.1\r\n")
    assert b"content-type: application/json" in head.lower()
    assert body == BODY


@pytest.mark.parametrize("status", [200, 401, 404, 429, 500, 503])
def test_every_status_is_a_result_and_the_notice_is_sent_once(status: int):
    with serving(answer(f"{status} Said", b"x")) as wire:
        assert post(wire) == EndpointResponse(status, b"x")

    assert len(wire.requests) == 1


def test_only_the_start_of_an_endless_response_is_read():
    with serving(flooding(b"HTTP/1.1 200 OK\r\n\r\n", b"<html>")) as wire:
        result = post(wire)

    assert isinstance(result, EndpointResponse)
    assert len(result.body) == MAX_NOTICE_RESPONSE_BYTES


def test_a_redirect_is_an_answer_and_not_followed():
    with serving(answer("200 OK")) as elsewhere:
        location = f"location: http://127.0.0.1:{elsewhere.port}/"
        with serving(answer("302 Found", b"", location)) as wire:
            assert post(wire) == EndpointResponse(302, b"")

    assert elsewhere.requests == []


@pytest.mark.parametrize(
    "hanging",
    [
        silence,
        dripping(b"", b"H"),
        dripping(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n", b" "),
    ],
    ids=["silence", "a dripping head", "a dripping body"],
)
def test_a_hanging_server_is_abandoned_at_the_deadline(hanging: Behaviour):
    with serving(hanging) as wire:
        result = post(wire, deadline_seconds=0.2)

    assert result == EndpointUnreachable("no complete response in time")


def test_a_closed_port_or_unknown_name_is_unreachable(monkeypatch: pytest.MonkeyPatch):
    with serving() as wire:
        pass
    unreachable = post(wire)

    def fail_to_resolve(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", fail_to_resolve)
    unknown_name = post_notice("http://ingress.example/", QUERY, BODY)

    assert unreachable == EndpointUnreachable("no connection")
    assert unknown_name == EndpointUnreachable("its name does not resolve")


def test_an_untrusted_certificate_is_named(authority: Authority):
    with serving(tls=authority.context(x509.DNSName("localhost"))) as wire:
        result = post_notice(f"https://localhost:{wire.port}/", QUERY, BODY)

    assert isinstance(result, EndpointUnreachable)
    assert result.fault.startswith("TLS: ")
    assert wire.requests == []


def test_the_companys_proxy_and_certificates_are_taken(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.path))
    tls = authority.context(x509.DNSName("localhost"))
    with serving(answer("202 Accepted", b"{}"), tls=tls) as wire:
        trusted = post_notice(f"https://localhost:{wire.port}/", QUERY, BODY)
    with serving(answer("202 Accepted", b"{}")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        proxied = post_notice("http://ingress.example/", QUERY, BODY)

    assert trusted == proxied == EndpointResponse(202, b"{}")
    assert proxy.requests[0].startswith(b"POST http://ingress.example/?nouce=")


def test_a_bundle_of_certificates_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")

    with pytest.raises(InvalidInput, match=r"REQUESTS_CA_BUNDLE: .*bundle\.pem"):
        post_notice("https://localhost:1/", QUERY, BODY)
