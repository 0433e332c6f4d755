"""A connection of urllib3 that goes to an address which was judged, and serves while it is good.

Whether a connection is still good is asked before a byte of the next request is sent over it, and
a bad one is replaced then. Later nobody can tell whether the receiver has acted on what it got, so
a POST is never repeated.
"""

import http.client
from contextlib import suppress
from socket import socket
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import create_connection

from lakehook.adapters.http_answer import FinalResponse
from lakehook.adapters.http_deadline import Exchange
from lakehook.adapters.http_moment import Moment

IDLE_SECONDS = 4.0
"""So long an idle connection is kept: less than receivers do (Node.js and Apache: 5 s), so that
they do not close it while a request is on its way; and when a frozen Lambda wakes, what it kept
is forgotten by every NAT and load balancer between. Lanes of a batch follow within milliseconds."""

_ADDRESSES_TRIED = 3
_RECORD_BYTES = 16 * 1024  # RFC 8446 section 5.1: what one write of TLS sends at most


class JudgedConnection(HTTPConnection):
    exchange: Exchange
    address = ""
    _parts: list[bytes]
    _answer: FinalResponse
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
        """Be kept, unless nobody knows what is on its way here."""
        if self._answer.said_more:
            self.close()
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
        if not self.sock:
            self.connect()
        with suppress(BrokenPipeError):  # whoever hears no more may have answered before
            self._send(b"".join(self._parts))
        self._parts = []

    def _send(self, whole: bytes) -> None:
        for start in range(0, len(whole), _RECORD_BYTES):
            self.sock.settimeout(self.exchange.left())
            super().send(whole[start : start + _RECORD_BYTES])

    def send(self, data: Any) -> None:
        self._parts.append(data)

    def getresponse(self) -> http.client.HTTPResponse:  # type: ignore[override]
        """As it comes: what urllib3 wraps around it decodes and decompresses."""
        return http.client.HTTPConnection.getresponse(self)

    def response_class(self, sock: socket, **options: Any) -> FinalResponse:  # type: ignore[override]
        self._answer = FinalResponse(sock, self.exchange, **options)
        return self._answer


class JudgedTlsConnection(JudgedConnection, HTTPSConnection):
    pass
