"""Connections between two requests: kept for the next to the same host, the newest first."""

import ssl
from collections import OrderedDict
from threading import Lock

import certifi

from lakehook.adapters.http_connection import Connection
from lakehook.domain.endpoint import Endpoint

_MOST_HOSTS = 50  # that have connections kept; of each no more than there are lanes at a time

_Host = tuple[str, str, int]


class Pool:
    """Whoever takes a connection has it alone until it is given back."""

    def __init__(self, authorities: str | None = None) -> None:
        # Once: to read the authorities takes longer than a handshake.
        self._tls = ssl.create_default_context(cafile=authorities or certifi.where())
        self._tls.hostname_checks_common_name = False
        self._resting: OrderedDict[_Host, list[Connection]] = OrderedDict()
        self._lock = Lock()

    def take(self, endpoint: Endpoint) -> Connection:
        with self._lock:
            if resting := self._resting.get(_host(endpoint)):
                return resting.pop()
        tls = self._tls if endpoint.scheme == "https" else None
        return Connection(endpoint.host, endpoint.port, tls=tls)

    def give_back(self, endpoint: Endpoint, connection: Connection) -> None:
        if not connection.rest():
            return
        forgotten: list[Connection] = []
        with self._lock:
            self._resting.setdefault(_host(endpoint), []).append(connection)
            self._resting.move_to_end(_host(endpoint))
            if len(self._resting) > _MOST_HOSTS:
                _, forgotten = self._resting.popitem(last=False)
        for one in forgotten:
            one.close()

    def close(self) -> None:
        with self._lock:
            resting = [one for several in self._resting.values() for one in several]
            self._resting.clear()
        for one in resting:
            one.close()


def _host(endpoint: Endpoint) -> _Host:
    return endpoint.scheme, endpoint.host, endpoint.port
