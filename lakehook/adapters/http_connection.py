"""A connection to an address that was judged, kept while it is good.

Whether a connection is still good is asked before a byte of the next request is sent over it, and
a bad one is replaced then. Later nobody can tell whether the receiver has acted on what it got, so
a POST is never repeated.
"""

import re
import select
from collections.abc import Mapping
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection, socket
from ssl import SSLContext
from time import monotonic, time

from lakehook.adapters.http_deadline import Exchange, FinalResponse

IDLE_SECONDS = 4.0
"""So long an idle connection is kept: less than receivers do (Node.js and Apache: 5 s), so that
they do not close it while a request is on its way; and when a frozen Lambda wakes, what it kept
is forgotten by every NAT and load balancer between. Lanes of a batch follow within milliseconds."""

_ADDRESSES_TRIED = 3
_RECORD_BYTES = 16 * 1024  # RFC 8446 section 5.1: what one write of TLS sends at most


_PLAIN = re.compile(r"[\t!-~][\t -~]*")  # nothing that could begin another line


class Unreachable(OSError):
    """No address has taken us."""


class Connection:
    sock: socket | None = None
    _exchange: Exchange
    _address = ""
    _rests_since = (0.0, 0.0)

    def __init__(self, host: str, port: int, *, tls: SSLContext | None) -> None:
        self._host, self._port, self._tls = host, port, tls

    def begin(self, exchange: Exchange) -> None:
        """Take the next exchange, on a new connection unless the one there is good for it."""
        self._exchange = exchange
        if self.sock and not self._is_good(self.sock):
            self.close()

    def post(self, target: str, headers: Mapping[str, str], body: bytes) -> FinalResponse:
        """Head and body leave together: one write, one record of TLS, one segment if they fit."""
        whole = _head(target, {**headers, "content-length": str(len(body))}) + body
        sock = self.sock = self.sock or self._secured(self._connected())
        for start in range(0, len(whole), _RECORD_BYTES):
            sock.settimeout(self._exchange.left())
            sock.sendall(whole[start : start + _RECORD_BYTES])
        response = FinalResponse(sock, self._exchange)
        response.begin()
        if response.will_close:
            self.close()  # the response reads on
        return response

    def rest(self) -> bool:
        """Begin to wait for the next exchange; false if this connection will see none."""
        self._rests_since = monotonic(), time()
        return self.sock is not None

    def close(self) -> None:
        if self.sock:
            self.sock.close()
        self.sock = None

    def _secured(self, sock: socket) -> socket:
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        sock.settimeout(self._exchange.left())
        if self._tls is None:
            return sock
        try:
            return self._tls.wrap_socket(sock, server_hostname=self._host.rstrip("."))
        except BaseException:
            sock.close()
            raise

    def _connected(self) -> socket:
        """To the first address that takes us; each has its share of the time that is left."""
        addresses = self._exchange.addresses[:_ADDRESSES_TRIED]
        failure: OSError | None = None
        for behind, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
            seconds = self._exchange.left() / (behind + 1)
            try:
                connected = create_connection((address, self._port), timeout=seconds)
            except OSError as error:
                failure = error
            else:
                self._address = address
                return connected
        if isinstance(failure, TimeoutError):
            raise failure
        raise Unreachable(*(failure.args if failure else ())) from failure

    def _is_good(self, sock: socket) -> bool:
        return (
            self._address in self._exchange.addresses
            and self._age() <= IDLE_SECONDS
            and not _says_something(sock)
        )

    def _age(self) -> float:
        """Seconds of rest by the clock that shows more: one stands still in a frozen Lambda."""
        by_monotonic, by_wall = self._rests_since
        return max(monotonic() - by_monotonic, abs(time() - by_wall))


def _says_something(sock: socket) -> bool:
    """Before anything was asked: that is the end of the connection, or no answer to us."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _head(target: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if not all(map(_PLAIN.fullmatch, lines)):
        raise ValueError("a line of the head that would be two")
    return "\r\n".join([*lines, "\r\n"]).encode("ascii")
