"""Requests to loopback, and the transport that sends them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from lakehook.adapters.http import dns
from lakehook.adapters.http.client import HttpTransport
from lakehook.adapters.http.dns import SHARED_SECONDS
from lakehook.domain.attempt import Outcome, Response
from lakehook.domain.client_certificate import ClientCertificate
from lakehook.domain.destination import Endpoint, Request
from lakehook.domain.ssrf_policy import parse_networks
from lakehook.ports.outbound import NoResponse
from tests.integration.wire import answer

LOOPBACK = parse_networks(["127.0.0.0/8", "::1/128"])
OK = answer("200 OK")
PATIENCE_SECONDS = 0.3


def a_request(
    url: str,
    body: bytes = b'{"a":1}',
    *,
    client_certificate: ClientCertificate | None = None,
    **headers: str,
) -> Request:
    return Request(
        endpoint=Endpoint.parse(url),
        headers={"content-type": "application/json", **headers},
        body=body,
        deadline_seconds=60,
        client_certificate=client_certificate,
    )


def an_impatient_request(
    url: str, body: bytes = b"{}", *, deadline_seconds: float = PATIENCE_SECONDS
) -> Request:
    """A request with a short deadline."""
    return Request(
        endpoint=Endpoint.parse(url), headers={}, body=body, deadline_seconds=deadline_seconds
    )


def failure(result: Response | NoResponse) -> Outcome:
    assert isinstance(result, NoResponse), result
    return result.outcome


class Names:
    """A resolver for which every name has these addresses; it records the names looked up."""

    def __init__(self, *addresses: str) -> None:
        self.addresses: Sequence[str] = addresses
        self.looked_up: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.looked_up.append(host)
        return self.addresses


@contextmanager
def a_receiver(*addresses: str, **options: Any) -> Iterator[HttpTransport]:
    """A transport for which every name has these addresses."""
    receiver = HttpTransport(LOOPBACK, resolve=Names(*addresses), **options)
    try:
        yield receiver
    finally:
        receiver.close()


def a_moment_passes(monkeypatch: pytest.MonkeyPatch, seconds: float = 2 * SHARED_SECONDS) -> None:
    """Let the cached look-ups expire."""
    now = dns.monotonic
    monkeypatch.setattr(dns, "monotonic", lambda: now() + seconds)
