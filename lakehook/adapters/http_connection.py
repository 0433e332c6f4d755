"""Connections of urllib3 that go to addresses which were judged, and are kept while they are good.

Whether a connection is still good is asked before a byte of the next request is sent over it, and
a bad one is replaced then. Later nobody can tell whether the receiver has acted on what it got, so
a POST is never repeated.
"""

import http.client
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket
from threading import Lock
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import create_connection
from urllib3.util.ssl_ import create_urllib3_context

from lakehook.adapters.http_deadline import Exchange, FinalResponse
from lakehook.adapters.http_moment import Moment
from lakehook.domain.endpoint import Endpoint

IDLE_SECONDS = 4.0
"""So long an idle connection is kept: less than receivers do (Node.js and Apache: 5 s), so that
they do not close it while a request is on its way; and when a frozen Lambda wakes, what it kept
is forgotten by every NAT and load balancer between. Lanes of a batch follow within milliseconds."""

_ADDRESSES_TRIED = 3
_ENDPOINTS = 50  # that have connections kept at a time; each as many as a batch has lanes
_RECORD_BYTES = 16 * 1024  # RFC 8446 section 5.1: what one write of TLS sends at most


class _Judged(HTTPConnection):
    exchange: Exchange
    address = ""
    _parts: list[bytes]
    _rests_since: Moment

    def begin(self, exchange: Exchange) -> None:
        """Take the next exchange, on a new connection unless the one there is good for it."""
        self.exchange = exchange
        if self.sock and not self._is_good():
            self.close()

    def _is_good(self) -> bool:
        """It goes where we may go, is fresh, and has neither ended nor said anything unasked."""
        allowed = self.address in self.exchange.addresses
        fresh = self._rests_since.age_seconds <= IDLE_SECONDS
        return allowed and fresh and self.is_connected

    def rest(self) -> None:
        self._rests_since = Moment()

    def _new_conn(self) -> socket:
        """To the first address that takes us; each has its share of the time that is left."""
        addresses = self.exchange.addresses[:_ADDRESSES_TRIED]
        failure: OSError | None = None
        for behind, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
            try:
                sock = self._connected(address, self.exchange.left() / (behind + 1))
            except OSError as error:
                failure = error
            else:
                self.address = address
                sock.settimeout(self.exchange.left())
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
        whole = b"".join(self._parts)
        for start in range(0, len(whole), _RECORD_BYTES):
            if self.sock:
                self.sock.settimeout(self.exchange.left())
            super().send(whole[start : start + _RECORD_BYTES])

    def send(self, data: Any) -> None:
        self._parts.append(data)

    def getresponse(self) -> http.client.HTTPResponse:  # type: ignore[override]
        """As it comes: what urllib3 wraps around it decodes and decompresses."""
        return http.client.HTTPConnection.getresponse(self)

    def response_class(self, sock: socket, **options: Any) -> FinalResponse:  # type: ignore[override]
        return FinalResponse(sock, self.exchange, **options)


class _JudgedTls(_Judged, HTTPSConnection):
    pass


class Connections:
    """Those that are kept, by endpoint; of each the one that was used last is taken first."""

    def __init__(self, authorities: str) -> None:
        self._tls = create_urllib3_context()  # once: to read the authorities takes longer than TLS
        self._tls.load_verify_locations(authorities)
        self._kept: OrderedDict[_Place, list[_Judged]] = OrderedDict()
        self._lock = Lock()

    @contextmanager
    def to(self, endpoint: Endpoint, exchange: Exchange) -> Iterator[_Judged]:
        """One that is nobody else's meanwhile; kept when all went well."""
        place = endpoint.scheme, endpoint.host, endpoint.port
        with self._lock:
            kept = self._kept.get(place)
            connection = kept.pop() if kept else self._new(*place)
        try:
            connection.begin(exchange)
            yield connection
        except BaseException:
            connection.close()
            raise
        connection.rest()
        self._keep(place, connection)

    def close(self) -> None:
        while self._kept:
            self._forget_one()

    def _new(self, scheme: str, host: str, port: int) -> _Judged:
        if scheme == "http":
            return _Judged(host, port)
        return _JudgedTls(host, port, ssl_context=self._tls)

    def _keep(self, place: "_Place", connection: _Judged) -> None:
        with self._lock:
            self._kept.setdefault(place, []).append(connection)
            self._kept.move_to_end(place)
            if len(self._kept) > _ENDPOINTS:
                self._forget_one()

    def _forget_one(self) -> None:
        _, connections = self._kept.popitem(last=False)
        for connection in connections:
            connection.close()


_Place = tuple[str, str, int]
