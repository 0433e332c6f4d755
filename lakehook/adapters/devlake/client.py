"""DevLake's REST API for the functions: one request at a time, over urllib3.

The connection is kept between the requests of one invocation. Proxies are not used, and redirects
not followed, which would send the credentials elsewhere.
"""

from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from socket import SHUT_RDWR
from ssl import SSLError as TlsError
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.exceptions import TimeoutError as WaitedTooLong

from lakehook.adapters.devlake.rest import (
    OWN_HEADERS,
    PAGE_SIZE,
    ApiResponse,
    RestDevLake,
    read_body,
    within,
)
from lakehook.adapters.http.dns import SuspendAwareTimer
from lakehook.domain.devlake.notification import PipelineRow
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.errors import (
    DevlakeUnavailable,
    InvalidNotification,
    LakehookError,
    NotDevlake,
)
from lakehook.domain.json_document import Document
from lakehook.ports.ingress import ApiCredentials, DevLakePipelines, Now

MAX_BYTES = 4 * 1024 * 1024  # a pipeline's plan is part of the response
DEADLINE_SECONDS = 1.0  # for all reads of one notification
IDLE_SECONDS = 4.0
"""Maximum idle time: proxies, and the network of a frozen Lambda, drop older connections."""

_CHUNK_BYTES = 64 * 1024
_HEADERS = {**OWN_HEADERS, "accept-encoding": "identity"}
_REMEDY = "the secret of the output DevlakeApiSecretArn must hold the header that authorizes us"
_DENIED = frozenset((HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))

QUIET_SECONDS = 10.0
"""Pause after a failure: pipelines wait for DevLake, and DevLake for our response."""

Connect = Callable[[DevLakeSource], DevLakePipelines]
Warn = Callable[[str | None, str], None]
"""Reports that a source's API was not read, and why."""


def connect(
    url: str,
    credentials: ApiCredentials,
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
    max_bytes: int = MAX_BYTES,
    page_size: int = PAGE_SIZE,
) -> RestDevLake:
    """Return DevLake's REST API at a URL; the deadline applies to each request."""
    fetch = ApiFetch(url, credentials, deadline_seconds=deadline_seconds, max_bytes=max_bytes)
    return RestDevLake(fetch, page_size=page_size, remedy=_REMEDY)


class ApiFetch:
    """GET within a deadline, from the DNS look-up to the last byte of the response."""

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
        self._kept: tuple[HTTPConnection, SuspendAwareTimer] | None = None

    def __call__(self, target: str) -> ApiResponse:
        headers = self._credentials.headers()
        response = self._exchange(target, headers)
        if response.status in _DENIED:
            changed = self._credentials.headers(fresh=True)
            return response if changed == headers else self._exchange(target, changed)
        return response

    def close(self) -> None:
        """Close the kept connection."""
        if self._kept:
            self._kept[0].close()
            self._kept = None

    def _exchange(self, target: str, headers: Mapping[str, str]) -> ApiResponse:
        try:
            with suppress(ConnectionError):  # it was closed just now, and a GET may be repeated
                if kept := self._take_kept():
                    return self._exchange_over(kept, target, headers)
            return self._exchange_over(self._connection(), target, headers)
        except (HTTPError, HTTPException, OSError) as error:
            raise DevlakeUnavailable(f"DevLake is unavailable: {_fault(error)}") from None

    def _exchange_over(
        self, connection: HTTPConnection, target: str, headers: Mapping[str, str]
    ) -> ApiResponse:
        try:
            response = within(
                self._deadline_seconds, lambda: self._get(connection, target, headers)
            )
        except (HTTPError, HTTPException, OSError, NotDevlake):
            _break_off(connection)
            raise
        self._kept = (connection, SuspendAwareTimer())
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
        """Send a GET. Nothing is decompressed, even if the server compresses unasked."""
        path = self._url.path + target
        connection.request("GET", path, headers={**_HEADERS, **headers}, preload_content=False)
        with closing(connection.getresponse()) as response:
            chunks = iter(lambda: response.read(_CHUNK_BYTES, decode_content=False), b"")
            return ApiResponse(response.status, read_body(chunks, max_bytes=self._max_bytes))


def _break_off(connection: HTTPConnection) -> None:
    """Close a connection that another thread may be reading, which ends that thread."""
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
            return "its name does not resolve"
        case NewConnectionError():
            return "no connection"
        case TimeoutError() | WaitedTooLong():
            return "no complete response in time"
    return "the response was cut off"


@dataclass
class DevLakeDetails:
    """``PipelineDetails`` from the API: never raises, and returns what was read by the deadline."""

    connect: Connect
    now: Now
    warn: Warn
    deadline_seconds: float = DEADLINE_SECONDS
    _apis: dict[str | None, DevLakePipelines] = field(default_factory=dict)
    _quiet_until: dict[str | None, float] = field(default_factory=dict)

    def of_event(self, source: DevLakeSource, document: Document) -> Document:
        is_pipeline = type(document["pipeline_id"]) is int  # the oldest form names a task
        if source.api_url is None or not is_pipeline or self._is_quiet(source):
            return {}
        return self._read_in_time(source, document)

    def _is_quiet(self, source: DevLakeSource) -> bool:
        return self.now() < self._quiet_until.get(source.name, float("-inf"))

    def _read_in_time(self, source: DevLakeSource, document: Document) -> Document:
        learnt: list[Document] = [{}]  # each contains the one before
        try:
            within(self.deadline_seconds, lambda: self._read(source, document, learnt))
        except Exception as error:  # noqa: BLE001  no notice is lost for what only adds detail
            self._quiet_until[source.name] = self.now() + QUIET_SECONDS
            self.warn(source.name, _reason(error))
        return learnt[-1]

    def _read(self, source: DevLakeSource, document: Document, learnt: list[Document]) -> None:
        """Read the row; for a failed pipeline without a later run, its tasks, too."""
        api = self._api(source)
        number = document["pipeline_id"]
        shown = api.pipeline(number)
        if shown is None:  # DevLake may notify before it has committed the pipeline
            return
        row = PipelineRow.parse(shown)
        learnt.append(row.details(document))
        if row.has_failed_tasks and row.is_state_of(document):
            learnt.append(row.details(document, api.tasks_of(number)))

    def _api(self, source: DevLakeSource) -> DevLakePipelines:
        if source.name not in self._apis:
            self._apis[source.name] = self.connect(source)
        return self._apis[source.name]


def _reason(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "DevLake is unavailable: no complete response in time"
        case InvalidNotification():
            return f"its response is not a pipeline of DevLake: {error}"
        case LakehookError():
            return str(error)
    return f"unexpected: {type(error).__name__}"
