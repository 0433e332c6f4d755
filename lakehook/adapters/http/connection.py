"""Connections of urllib3 to a checked address, and the pool that keeps them for each endpoint.

A kept connection is checked before a byte of the next request is sent, and replaced if it is not
usable. After that it is unknown whether the endpoint has acted on the request, so a POST is never
repeated.
"""

import http.client
import ssl
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import compress, zip_longest
from operator import not_
from socket import socket
from threading import Lock
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import create_connection

from lakehook.adapters.http.dns import SuspendAwareTimer
from lakehook.adapters.http.response import RequestDeadline, StrictHTTPResponse
from lakehook.adapters.http.tls import TlsContext, TlsKey
from lakehook.domain.destination import Endpoint

IDLE_SECONDS = 4.0
"""Maximum idle time, shorter than that of receivers (Node.js, Apache: 5 s), which could otherwise
close a connection while a request is on its way. When a frozen Lambda continues, NAT gateways and
load balancers have dropped its connections. Lanes of a batch follow within milliseconds."""

MAX_ADDRESSES_TRIED = 20
_FAIR_SECONDS = 0.25  # an address that had less may be good: the next attempt starts with it
_SHARE = 3
"""Share of the remaining time for each address, so that a silent one leaves time for others."""

_RECORD_BYTES = 16 * 1024  # RFC 8446 section 5.1: maximum of one TLS record
_ENDPOINTS = 50  # with kept connections, each up to as many as a batch has lanes
_PoolKey = tuple[str, str, int, TlsKey | None]
"""A connection is lent only to requests that trust and present the same certificates."""


class PinnedConnection(HTTPConnection):
    deadline: RequestDeadline
    address = ""
    starts_at = ""  # the address to try first, if the endpoint still has it
    _parts: list[bytes]
    _answer: StrictHTTPResponse
    _idle_since: SuspendAwareTimer

    def prepare(self, exchange: RequestDeadline) -> None:
        """Prepare the next exchange: keep the connection if it is usable, else open a new one."""
        self.deadline = exchange
        if self.sock and not self._is_good():
            self.close()

    def _is_good(self) -> bool:
        """Whether the address is allowed, and the connection fresh, open, and without input."""
        allowed = self.address in self.deadline.addresses
        fresh = self._idle_since.age_seconds <= IDLE_SECONDS
        return allowed and fresh and self.is_connected

    def release(self) -> None:
        """Keep the connection, or close it if unread data may arrive."""
        if self._answer.has_trailing_bytes or self._answer.will_close:
            self.close()
        self._idle_since = SuspendAwareTimer()

    def _new_conn(self) -> socket:
        """Connect to the first address that accepts; each gets a share of the remaining time."""
        addresses = in_turn(self.deadline.addresses, first=self.starts_at)[:MAX_ADDRESSES_TRIED]
        failure: OSError | None = None
        for behind, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
            seconds = self.deadline.remaining() / min(behind + 1, _SHARE)
            try:
                sock = self._connected(address, seconds)
            except OSError as error:
                failure = error
                if behind and seconds >= _FAIR_SECONDS:
                    self.starts_at = addresses[-behind]
            else:
                self.address = self.starts_at = address
                sock.settimeout(self.deadline.remaining())
                return sock
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, "timed out") from failure
        raise NewConnectionError(self, "no connection") from failure

    def _connected(self, address: str, seconds: float) -> socket:
        return create_connection(
            (address, self.port), timeout=seconds, socket_options=self.socket_options
        )

    def request(self, *args: Any, **options: Any) -> None:
        """Send head and body together: one write, one TLS record, one segment if they fit."""
        self._parts = []
        super().request(*args, **options)
        if not self.sock:
            self.connect()
        # A receiver that stops reading may have responded: 410, 413 and 429 need no body.
        with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            self._send(b"".join(self._parts))
        self._parts = []

    def _send(self, whole: bytes) -> None:
        for start in range(0, len(whole), _RECORD_BYTES):
            self.sock.settimeout(self.deadline.remaining())
            super().send(whole[start : start + _RECORD_BYTES])

    def send(self, data: Any) -> None:
        """Keep a part of the request, as the library writes it: ``request`` sends them at once."""
        self._parts.append(data)

    def getresponse(self) -> StrictHTTPResponse:  # type: ignore[override]
        """Return the raw response: urllib3's wrapper decodes and decompresses."""
        http.client.HTTPConnection.getresponse(self)
        return self._answer

    def response_class(self, sock: socket, **options: Any) -> StrictHTTPResponse:  # type: ignore[override]
        self._answer = StrictHTTPResponse(sock, self.deadline, **options)
        return self._answer


def in_turn(addresses: Sequence[str], *, first: str) -> list[str]:
    """Alternate between the address families, starting at ``first``.

    One family may be unreachable: https://www.rfc-editor.org/rfc/rfc8305#section-4.
    """
    is_of_first_family = [(":" in address) == (":" in addresses[0]) for address in addresses]
    one_family = list(compress(addresses, is_of_first_family))
    other_family = list(compress(addresses, map(not_, is_of_first_family)))
    mixed = [
        address for pair in zip_longest(one_family, other_family) for address in pair if address
    ]
    start = mixed.index(first) if first in mixed else 0
    return mixed[start:] + mixed[:start]


class PinnedTlsConnection(PinnedConnection, HTTPSConnection):
    pass


def _new_connection(endpoint: Endpoint, tls: TlsContext | None) -> PinnedConnection:
    if tls is None:
        return PinnedConnection(endpoint.host, endpoint.port)
    return PinnedTlsConnection(endpoint.host, endpoint.port, ssl_context=tls.context)


class ConnectionPool:
    """Pool of kept connections by endpoint; the one used last is taken first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_PoolKey, list[PinnedConnection]] = OrderedDict()
        self._starts_at: OrderedDict[_PoolKey, str] = OrderedDict()
        self._lock = Lock()

    @contextmanager
    def connection_for(
        self, endpoint: Endpoint, exchange: RequestDeadline, tls: TlsContext | None
    ) -> Iterator[PinnedConnection]:
        """Lend a connection to one caller; it is kept if the exchange succeeded."""
        key = endpoint.scheme, endpoint.host, endpoint.port, tls.key if tls else None
        with self._lock:
            kept = self._kept.get(key)
            connection = kept.pop() if kept else _new_connection(endpoint, tls)
            connection.starts_at = self._starts_at.get(key, "")
        try:
            connection.prepare(exchange)
            yield connection
        except BaseException:
            connection.close()
            raise
        finally:
            self._remember(key, connection.starts_at)
        connection.release()
        self._keep(key, connection)

    def close(self) -> None:
        while self._kept:
            self._evict_one()

    def _keep(self, key: _PoolKey, connection: PinnedConnection) -> None:
        with self._lock:
            self._kept.setdefault(key, []).append(connection)
            self._kept.move_to_end(key)
            if len(self._kept) > _ENDPOINTS:
                self._evict_one()

    def _remember(self, key: _PoolKey, address: str) -> None:
        """Remember the address that the next connection to this endpoint tries first."""
        with self._lock:
            self._starts_at[key] = address
            self._starts_at.move_to_end(key)
            if len(self._starts_at) > _ENDPOINTS:
                self._starts_at.popitem(last=False)

    def _evict_one(self) -> None:
        _, connections = self._kept.popitem(last=False)
        for connection in connections:
            connection.close()
