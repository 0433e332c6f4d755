"""DevLake's REST API for the functions: one exchange at a time, over urllib3.

Its connection is kept between the exchanges of one invocation. It takes no proxy and follows no
redirect, which would carry the credentials elsewhere.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from socket import SHUT_RDWR
from ssl import SSLError as TlsError
from urllib.parse import urlsplit

from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.exceptions import TimeoutError as WaitedTooLong

from lakehook.adapters.devlake_rest import (
    OWN_HEADERS,
    PAGE_SIZE,
    ApiResponse,
    RestDevLake,
    refuse_too_large,
    within,
)
from lakehook.adapters.http_moment import Moment
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.document import Document
from lakehook.domain.errors import DevlakeAway, NoDevlake
from lakehook.ports.devlake import ApiCredentials
from lakehook.ports.ingress import Now

MAX_BYTES = 4 * 1024 * 1024  # the plan of a pipeline comes along
DEADLINE_SECONDS = 1.0
IDLE_SECONDS = 4.0
"""What was kept longer, proxies and a frozen Lambda's network may have forgotten."""

_CHUNK_BYTES = 64 * 1024
_HEADERS = {**OWN_HEADERS, "accept-encoding": "identity"}
_REMEDY = "the secret of the output DevlakeApiSecretArn must hold the header that lets us in"
_DENIED = frozenset((HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))


def connect(
    url: str,
    credentials: ApiCredentials,
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
    max_bytes: int = MAX_BYTES,
    page_size: int = PAGE_SIZE,
) -> RestDevLake:
    """DevLake's REST API at a URL; the deadline is that of each request."""
    fetch = ApiFetch(url, credentials, deadline_seconds=deadline_seconds, max_bytes=max_bytes)
    return RestDevLake(fetch, page_size=page_size, remedy=_REMEDY)


class ApiFetch:
    """GET by a deadline from the look-up of the name to the last byte of the response."""

    def __init__(
        self,
        url: str,
        credentials: ApiCredentials,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._url, self._credentials = urlsplit(url.rstrip("/")), credentials
        self._deadline_seconds, self._max_bytes = deadline_seconds, max_bytes
        self._kept: tuple[HTTPConnection, Moment] | None = None

    def __call__(self, target: str) -> ApiResponse:
        headers = self._credentials.headers()
        response = self._exchange(target, headers)
        if response.status in _DENIED:
            changed = self._credentials.headers(fresh=True)
            return response if changed == headers else self._exchange(target, changed)
        return response

    def close(self) -> None:
        """End the connection that is kept."""
        if self._kept:
            self._kept[0].close()
            self._kept = None

    def _exchange(self, target: str, headers: Mapping[str, str]) -> ApiResponse:
        try:
            with suppress(ConnectionError):  # it ended just now: a GET may be said again
                if kept := self._take_kept():
                    return self._exchange_over(kept, target, headers)
            return self._exchange_over(self._connection(), target, headers)
        except (HTTPError, HTTPException, OSError) as error:
            raise DevlakeAway(f"DevLake is away: {_fault(error)}") from None

    def _exchange_over(
        self, connection: HTTPConnection, target: str, headers: Mapping[str, str]
    ) -> ApiResponse:
        try:
            response = within(
                self._deadline_seconds, lambda: self._get(connection, target, headers)
            )
        except (HTTPError, HTTPException, OSError, NoDevlake):
            _break_off(connection)
            raise
        self._kept = (connection, Moment())
        return response

    def _take_kept(self) -> HTTPConnection | None:
        kept, self._kept = self._kept, None
        if kept is None:
            return None
        connection, since = kept
        if since.age_seconds <= IDLE_SECONDS and connection.is_connected:
            return connection
        connection.close()
        return None

    def _connection(self) -> HTTPConnection:
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        return kind(self._url.hostname or "", self._url.port, timeout=self._deadline_seconds)

    def _get(
        self, connection: HTTPConnection, target: str, headers: Mapping[str, str]
    ) -> ApiResponse:
        """Nothing is decompressed, although somebody may compress unasked."""
        path = self._url.path + target
        connection.request("GET", path, headers={**_HEADERS, **headers}, preload_content=False)
        with closing(connection.getresponse()) as response:
            body = bytearray()
            while chunk := response.read(_CHUNK_BYTES, decode_content=False):
                body += chunk
                if len(body) > self._max_bytes:
                    refuse_too_large(self._max_bytes)
            return ApiResponse(response.status, bytes(body))


def _break_off(connection: HTTPConnection) -> None:
    """End what another thread may still read, and that thread with it."""
    sock = connection.sock
    with suppress(OSError):
        if sock:
            sock.shutdown(SHUT_RDWR)
    connection.close()


def _fault(error: Exception) -> str:
    match error:
        case TlsError():
            return f"TLS: {error}"
        case NameResolutionError():
            return "nobody knows its name"
        case NewConnectionError():
            return "no connection"
        case TimeoutError() | WaitedTooLong():
            return "no whole answer in time"
    return "the answer broke off"


QUIET_FOR_SECONDS = 30.0
"""After a failure nobody asks: DevLake waits for us meanwhile, and its pipelines for it."""

MOST_KNOWN = 1000
OK, NOT_FOUND = 200, 404


class NotYet(Exception):
    """DevLake may tell of a pipeline before it has committed it."""


@dataclass
class DevlakeApi:
    """Never fatal and never longer than its deadline, names too: that is why it has a thread."""

    url: str
    now: Now
    deadline_seconds: float = 1.0
    _known: OrderedDict[int, int | None] = field(default_factory=OrderedDict)
    _quiet_until: float = float("-inf")
    _http: PoolManager = field(default_factory=PoolManager)
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "devlake"))

    def of_pipeline(self, pipeline_id: int) -> int | None:
        if pipeline_id not in self._known and self.now() >= self._quiet_until:
            self._look_up(pipeline_id)
        return self._known.get(pipeline_id)

    def close(self) -> None:
        """Return when nothing is under way any more."""
        self._worker.shutdown(cancel_futures=True)
        self._http.clear()

    def _look_up(self, pipeline_id: int) -> None:
        asking = self._worker.submit(self._ask, pipeline_id)
        try:
            self._remember(pipeline_id, asking.result(self.deadline_seconds))
        except NotYet:
            return
        except (NotInTime, HTTPError, OSError, ValueError):
            asking.cancel()
            self._quiet_until = self.now() + QUIET_FOR_SECONDS

    def _ask(self, pipeline_id: int) -> int | None:
        """The blueprint's id; 0 stands for none. ``ValueError`` for what is no such answer."""
        with self._http.request(
            "GET",
            f"{self.url.rstrip('/')}/pipelines/{pipeline_id}",
            timeout=self.deadline_seconds,
            retries=False,  # nor redirects
            preload_content=False,
        ) as response:
            if response.status == NOT_FOUND:
                raise NotYet
            if response.status != OK:
                raise ValueError(f"DevLake answered {response.status}")
            return _blueprint_id(response.read(MAX_BYTES))

    def _remember(self, pipeline_id: int, blueprint_id: int | None) -> None:
        self._known[pipeline_id] = blueprint_id
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)


@dataclass
class BlueprintDetails:
    """Plays ``PipelineDetails``: the blueprint of a pipeline, by the API of its source."""

    now: Now
    apis: dict[str | None, DevlakeApi] = field(default_factory=dict)

    def of_event(self, source: DevLakeSource, document: Document) -> Document:
        number = document["pipeline_id"]
        if source.api_url is None or not isinstance(number, int):
            return {}
        if source.name not in self.apis:
            self.apis[source.name] = DevlakeApi(source.api_url, self.now)
        blueprint_id = self.apis[source.name].of_pipeline(number)
        return {} if blueprint_id is None else {"trigger_source": f"blueprint:{blueprint_id}"}

    def close(self) -> None:
        for api in self.apis.values():
            api.close()


def _blueprint_id(body: bytes) -> int | None:
    answer = json.loads(body)
    blueprint_id = answer.get("blueprintId") if isinstance(answer, dict) else None
    if type(blueprint_id) is not int or blueprint_id < 0:
        raise ValueError("no pipeline of DevLake's")
    return blueprint_id or None
