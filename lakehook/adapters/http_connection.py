"""A connection of urllib3 that goes to an address which was judged, and serves while it is good.

Whether a connection is still good is asked before a byte of the next request is sent over it, and
a bad one is replaced then. Later nobody can tell whether the receiver has acted on what it got, so
a POST is never repeated.
"""

import http.client
import ssl
from collections.abc import Sequence
from contextlib import suppress
from itertools import compress, zip_longest
from operator import not_
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

MAX_ADDRESSES_TRIED = 20
_FAIR_SECONDS = 0.25  # who had less may have had too little: the next attempt begins there
_SHARE = 3
"""An address that says nothing costs a third of what is left, so that there is time for others."""

_RECORD_BYTES = 16 * 1024  # RFC 8446 section 5.1: what one write of TLS sends at most


class JudgedConnection(HTTPConnection):
    exchange: Exchange
    address = ""
    starts_at = ""  # the address to try first, if it is still one of the endpoint's
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
        if self._answer.said_more or self._answer.will_close:
            self.close()
        self._rests_since = Moment()

    def _new_conn(self) -> socket:
        """To the first address that takes us; each has its share of the time that is left."""
        addresses = in_turn(self.exchange.addresses, first=self.starts_at)[:MAX_ADDRESSES_TRIED]
        failure: OSError | None = None
        for behind, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
            seconds = self.exchange.left() / min(behind + 1, _SHARE)
            try:
                sock = self._connected(address, seconds)
            except OSError as error:
                failure = error
                if behind and seconds >= _FAIR_SECONDS:
                    self.starts_at = addresses[-behind]
            else:
                self.address = self.starts_at = address
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
        # Whoever hears no more may have answered before: 410, 413 and 429 need no body.
        with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            self._send(b"".join(self._parts))
        self._parts = []

    def _send(self, whole: bytes) -> None:
        for start in range(0, len(whole), _RECORD_BYTES):
            self.sock.settimeout(self.exchange.left())
            super().send(whole[start : start + _RECORD_BYTES])

    def send(self, data: Any) -> None:
        self._parts.append(data)

    def getresponse(self) -> FinalResponse:  # type: ignore[override]
        """As it comes: what urllib3 wraps around it decodes and decompresses."""
        http.client.HTTPConnection.getresponse(self)
        return self._answer

    def response_class(self, sock: socket, **options: Any) -> FinalResponse:  # type: ignore[override]
        self._answer = FinalResponse(sock, self.exchange, **options)
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


class JudgedTlsConnection(JudgedConnection, HTTPSConnection):
    pass
