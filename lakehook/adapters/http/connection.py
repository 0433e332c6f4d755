"""Connections of urllib3 to a checked address, and the pool that keeps them for each endpoint.

A kept connection is checked before a byte of the next request is sent, and replaced if it is not
good. Afterwards nobody can tell whether the endpoint has acted on the request, so a POST is never
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
from urllib3.util.ssl_ import create_urllib3_context

from lakehook.adapters.http.dns import SuspendAwareTimer
from lakehook.adapters.http.response import RequestDeadline, StrictHTTPResponse
from lakehook.domain.destination import Endpoint

IDLE_SECONDS = 4.0
"""So long an idle connection is kept: less than receivers do (Node.js and Apache: 5 s), so that
they do not close it while a request is on its way; and when a frozen Lambda wakes, what it kept
is forgotten by every NAT and load balancer between. Lanes of a batch follow within milliseconds."""

MAX_ADDRESSES_TRIED = 20
_FAIR_SECONDS = 0.25  # who had less may have had too little: the next attempt begins there
_SHARE = 3
"""An address that says nothing costs a third of what is left, so that there is time for others."""

_RECORD_BYTES = 16 * 1024  # RFC 8446 section 5.1: what one write of TLS sends at most
_ENDPOINTS = 50  # that have connections kept at a time; each as many as a batch has lanes
_PoolKey = tuple[str, str, int]


class PinnedConnection(HTTPConnection):
    deadline: RequestDeadline
    address = ""
    starts_at = ""  # the address to try first, if it is still one of the endpoint's
    _parts: list[bytes]
    _answer: StrictHTTPResponse
    _idle_since: SuspendAwareTimer

    def prepare(self, exchange: RequestDeadline) -> None:
        """Take the next exchange, on a new connection unless the one there is good for it."""
        self.deadline = exchange
        if self.sock and not self._is_good():
            self.close()

    def _is_good(self) -> bool:
        """It goes where we may go, is fresh, and has neither ended nor said anything unasked."""
        allowed = self.address in self.deadline.addresses
        fresh = self._idle_since.age_seconds <= IDLE_SECONDS
        return allowed and fresh and self.is_connected

    def release(self) -> None:
        """Be kept, unless nobody knows what is on its way here."""
        if self._answer.has_trailing_bytes or self._answer.will_close:
            self.close()
        self._idle_since = SuspendAwareTimer()

    def _new_conn(self) -> socket:
        """To the first address that takes us; each has its share of the time that is left."""
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
        """Head and body leave together: one write, one record of TLS, one segment if they fit."""
        self._parts = []
        super().request(*args, **options)
        if not self.sock:
            self.connect()
        # Whoever hears no more may have answered before: 410, 413 and 429 need no body.
        with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            self._send(b"".join(self._parts))
        self._parts = []

    def _send(self, whole: bytes) -> None:
        for start in range(0, len(whole), _RECORD_BYTES):
            self.sock.settimeout(self.deadline.remaining())
            super().send(whole[start : start + _RECORD_BYTES])

    def enqueue_deliveries(self, data: Any) -> None:
        self._parts.append(data)

    def getresponse(self) -> StrictHTTPResponse:  # type: ignore[override]
        """As it comes: what urllib3 wraps around it decodes and decompresses."""
        http.client.HTTPConnection.getresponse(self)
        return self._answer

    def response_class(self, sock: socket, **options: Any) -> StrictHTTPResponse:  # type: ignore[override]
        self._answer = StrictHTTPResponse(sock, self.deadline, **options)
        return self._answer


def in_turn(addresses: Sequence[str], *, first: str) -> list[str]:
    """Addresses of the two families by turns, on from ``first``.

    One family may lead nowhere from here: https://www.rfc-editor.org/rfc/rfc8305#section-4.
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


class ConnectionPool:
    """Those that are kept, by endpoint; of each the one that was used last is taken first."""

    def __init__(self, authorities: str) -> None:
        self._tls = create_urllib3_context()  # once: to read the authorities takes longer than TLS
        self._tls.load_verify_locations(authorities)
        self._kept: OrderedDict[_PoolKey, list[PinnedConnection]] = OrderedDict()
        self._starts_at: OrderedDict[_PoolKey, str] = OrderedDict()
        self._lock = Lock()

    @contextmanager
    def connection_for(
        self, endpoint: Endpoint, exchange: RequestDeadline
    ) -> Iterator[PinnedConnection]:
        """One that is nobody else's meanwhile; kept when all went well."""
        place = endpoint.scheme, endpoint.host, endpoint.port
        with self._lock:
            kept = self._kept.get(place)
            connection = kept.pop() if kept else self._new(*place)
            connection.starts_at = self._starts_at.get(place, "")
        try:
            connection.prepare(exchange)
            yield connection
        except BaseException:
            connection.close()
            raise
        finally:
            self._remember(place, connection.starts_at)
        connection.release()
        self._keep(place, connection)

    def close(self) -> None:
        while self._kept:
            self._evict_one()

    def _new(self, scheme: str, host: str, port: int) -> PinnedConnection:
        if scheme == "http":
            return PinnedConnection(host, port)
        return PinnedTlsConnection(host, port, ssl_context=self._tls)

    def _keep(self, place: "_PoolKey", connection: PinnedConnection) -> None:
        with self._lock:
            self._kept.setdefault(place, []).append(connection)
            self._kept.move_to_end(place)
            if len(self._kept) > _ENDPOINTS:
                self._evict_one()

    def _remember(self, place: "_PoolKey", address: str) -> None:
        """The address that the next connection to this place begins with."""
        with self._lock:
            self._starts_at[place] = address
            self._starts_at.move_to_end(place)
            if len(self._starts_at) > _ENDPOINTS:
                self._starts_at.popitem(last=False)

    def _evict_one(self) -> None:
        _, connections = self._kept.popitem(last=False)
        for connection in connections:
            connection.close()
