"""DevLake's own REST API, read page by page.

https://github.com/apache/incubator-devlake/blob/main/backend/server/api/pipelines/pipelines.go
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from http import HTTPStatus
from threading import Thread

from urllib3 import PoolManager
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as WaitedTooLong

from lakehook.domain.devlake.api_address import ApiAddress
from lakehook.domain.document import Document, read_document
from lakehook.domain.errors import BadInput, DevlakeAway, NoDevlake

PAGE_SIZE = 50  # DevLake's own; the plan of each pipeline comes along
MOST_BYTES = 32 * 1024 * 1024
DEADLINE_SECONDS = 30.0

Answer = tuple[int, bytes]


class RestDevlake:
    """Follows no redirect, takes no proxy, and waits for each answer until a deadline."""

    def __init__(
        self,
        address: ApiAddress,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._address, self._http = address, PoolManager()
        self._deadline_seconds, self._most_bytes = deadline_seconds, most_bytes

    def page(self, number: int) -> Sequence[Document]:
        path = "/pipelines"
        status, body = self._get(f"{path}?page={number}&pageSize={PAGE_SIZE}")
        _refuse(status, path)
        listed = _document(body, path).get("pipelines")
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise NoDevlake(f"devlake: the answer to GET {path} lists no pipelines")
        return listed

    def project_of(self, blueprint_id: int) -> str:
        path = f"/blueprints/{blueprint_id}"
        status, body = self._get(path)
        if status == HTTPStatus.NOT_FOUND:
            return ""
        _refuse(status, path)
        name = _document(body, path).get("projectName")
        if not isinstance(name, str):
            raise NoDevlake(f"devlake: the answer to GET {path} is no blueprint")
        return name

    def _get(self, target: str) -> Answer:
        try:
            return _within(self._deadline_seconds, lambda: self._ask(target))
        except (HTTPError, OSError) as error:
            raise DevlakeAway(f"DevLake is away: {_fault(error)}") from None

    def _ask(self, target: str) -> Answer:
        with self._http.request(
            "GET",
            self._address.url + target,
            headers=dict(self._address.headers),
            timeout=self._deadline_seconds,
            retries=False,  # nor redirects
            preload_content=False,
        ) as response:
            body = response.read(self._most_bytes + 1)
            if len(body) > self._most_bytes:
                raise NoDevlake(f"devlake: an answer has more than {self._most_bytes} bytes")
            return response.status, body


def _within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """Names and dripping answers know no timeout of a socket's; a daemon holds up no exit."""
    answered: Future[Answer] = Future()
    Thread(target=_settle, args=(answered, ask), name="devlake", daemon=True).start()
    return answered.result(seconds)


def _settle(answered: "Future[Answer]", ask: Callable[[], Answer]) -> None:
    try:
        answered.set_result(ask())
    except Exception as error:  # noqa: BLE001  it is raised where the answer is awaited
        answered.set_exception(error)


def _refuse(status: int, path: str) -> None:
    what = f"DevLake answered {status} to GET {path}"
    match status:
        case HTTPStatus.OK:
            return
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            raise BadInput(f"{what}: --header or --header-file must say who may read it")
        case HTTPStatus.TOO_MANY_REQUESTS:
            raise DevlakeAway(f"{what}: try again later")
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise DevlakeAway(what)
        case _ if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            raise NoDevlake(f"{what}: redirects are not followed; give the address itself")
    raise NoDevlake(f"{what}; behind its config UI, the API is at /api or /api/rest")


def _document(body: bytes, path: str) -> Document:
    try:
        return read_document(body.decode())
    except UnicodeDecodeError:
        complaint = "not UTF-8"
    except ValueError as error:
        complaint = str(error)
    raise NoDevlake(
        f"devlake: the answer to GET {path} is none of DevLake's ({complaint});"
        " behind its config UI, the API is at /api or /api/rest"
    )


def _fault(error: Exception) -> str:
    match error:
        case SSLError():
            return f"TLS: {error}"
        case NameResolutionError():
            return "nobody knows its name"
        case NewConnectionError():
            return "no connection"
        case TimeoutError() | WaitedTooLong():
            return "no whole answer in time"
    return "the answer broke off"
