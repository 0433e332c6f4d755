"""The connections that are kept for the next request to the same endpoint."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from urllib3.util.ssl_ import create_urllib3_context

from lakehook.adapters.http_connection import JudgedConnection, JudgedTlsConnection
from lakehook.adapters.http_deadline import Exchange
from lakehook.domain.endpoint import Endpoint

_ENDPOINTS = 50  # that have connections kept at a time; each as many as a batch has lanes


class Connections:
    """Those that are kept, by endpoint; of each the one that was used last is taken first."""

    def __init__(self, authorities: str) -> None:
        self._tls = create_urllib3_context()  # once: to read the authorities takes longer than TLS
        self._tls.load_verify_locations(authorities)
        self._kept: OrderedDict[_Place, list[JudgedConnection]] = OrderedDict()
        self._starts_at: OrderedDict[_Place, str] = OrderedDict()
        self._lock = Lock()

    @contextmanager
    def to(self, endpoint: Endpoint, exchange: Exchange) -> Iterator[JudgedConnection]:
        """One that is nobody else's meanwhile; kept when all went well."""
        place = endpoint.scheme, endpoint.host, endpoint.port
        with self._lock:
            kept = self._kept.get(place)
            connection = kept.pop() if kept else self._new(*place)
            connection.starts_at = self._starts_at.get(place, "")
        try:
            connection.begin(exchange)
            yield connection
        except BaseException:
            connection.close()
            raise
        finally:
            self._remember(place, connection.starts_at)
        connection.rest()
        self._keep(place, connection)

    def close(self) -> None:
        while self._kept:
            self._forget_one()

    def _new(self, scheme: str, host: str, port: int) -> JudgedConnection:
        if scheme == "http":
            return JudgedConnection(host, port)
        return JudgedTlsConnection(host, port, ssl_context=self._tls)

    def _keep(self, place: "_Place", connection: JudgedConnection) -> None:
        with self._lock:
            self._kept.setdefault(place, []).append(connection)
            self._kept.move_to_end(place)
            if len(self._kept) > _ENDPOINTS:
                self._forget_one()

    def _remember(self, place: "_Place", address: str) -> None:
        """The address that the next connection to this place begins with."""
        with self._lock:
            self._starts_at[place] = address
            self._starts_at.move_to_end(place)
            if len(self._starts_at) > _ENDPOINTS:
                self._starts_at.popitem(last=False)

    def _forget_one(self) -> None:
        _, connections = self._kept.popitem(last=False)
        for connection in connections:
            connection.close()


_Place = tuple[str, str, int]
