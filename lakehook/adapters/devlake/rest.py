"""DevLake's REST API: its paths, and the meaning of its responses, for any HTTP client.

https://github.com/apache/incubator-devlake/blob/main/backend/server/api/router.go
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Thread
from typing import Any, TypeVar

from lakehook import __version__
from lakehook.domain.errors import DevlakeUnavailable, InvalidInput, NotDevlake
from lakehook.domain.json_document import Document, parse_json_object

PAGE_SIZE = 50  # DevLake's default; each pipeline includes its plan
OWN_HEADERS = {"accept": "application/json", "user-agent": f"Lakehook/{__version__}"}
HEADER_OPTIONS = "--header or --header-file must give the credentials"
"""Remedy of 401 and 403 for the operator's command."""

_WHERE = "behind its config UI, the API is at /api or /api/rest"
Read = TypeVar("Read")


@dataclass(frozen=True)
class ApiResponse:
    status: int
    body: bytes = field(default=b"", repr=False)


Fetch = Callable[[str], ApiResponse]
"""GET a path with its query, below the API's URL.

``DevlakeUnavailable``, ``NotDevlake`` if too large.
"""


class RestDevLake:
    """``DevLakePipelines`` over HTTP. Errors are one line without the response's text."""

    def __init__(
        self, fetch: Fetch, *, page_size: int = PAGE_SIZE, remedy: str = HEADER_OPTIONS
    ) -> None:
        self._fetch, self._page_size, self._remedy = fetch, page_size, remedy

    def page(self, number: int, *, status: str = "") -> Sequence[Document]:
        query = f"page={number}&pageSize={self._page_size}" + (
            f"&status={status}" if status else ""
        )
        path = "/pipelines"
        return _listed(self._document(path, query), "pipelines", path)

    def pipeline(self, pipeline_id: int) -> Document | None:
        path = f"/pipelines/{pipeline_id}"
        document = self._document_if_any(path)
        if document is not None:
            _reject_other(document, "id", pipeline_id, path)
        return document

    def tasks_of(self, pipeline_id: int) -> Sequence[Document]:
        path = f"/pipelines/{pipeline_id}/tasks"
        document = self._document_if_any(path)
        tasks = () if document is None else _listed(document, "tasks", path)
        for task in tasks:
            _reject_other(task, "pipelineId", pipeline_id, path)
        return tasks

    def project_of(self, blueprint_id: int) -> str:
        path = f"/blueprints/{blueprint_id}"
        document = self._document_if_any(path)
        if document is None:
            return ""
        _reject_other(document, "id", blueprint_id, path)
        return _text(document, "projectName", f"the answer to GET {path} is not a blueprint")

    def version(self) -> str:
        path = "/version"
        return _text(self._document(path), "version", f"the answer to GET {path} has no version")

    def _document(self, path: str, query: str = "") -> Document:
        response = self._fetch(f"{path}?{query}" if query else path)
        self._raise_for_status(response.status, path)
        return _document(response.body, path)

    def _document_if_any(self, path: str) -> Document | None:
        """Return None for DevLake's own 404; another server's 404 means an incorrect address."""
        response = self._fetch(path)
        if response.status == HTTPStatus.NOT_FOUND and _is_refusal(response.body):
            return None
        self._raise_for_status(response.status, path)
        return _document(response.body, path)

    def _raise_for_status(self, status: int, path: str) -> None:
        what = f"DevLake answered {status} to GET {path}"
        match status:
            case HTTPStatus.OK:
                return
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                raise InvalidInput(f"{what}: {self._remedy}")
            case HTTPStatus.TOO_MANY_REQUESTS:
                raise DevlakeUnavailable(f"{what}: try again later")
            case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise DevlakeUnavailable(what)
            case _ if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
                raise NotDevlake(f"{what}: redirects are not followed; give the address itself")
        raise NotDevlake(f"{what}; {_WHERE}")


def read_body(chunks: Iterable[bytes], *, max_bytes: int) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            raise NotDevlake(f"devlake: a response has more than {max_bytes} bytes")
    return bytes(body)


def within(seconds: float, read: Callable[[], Read]) -> Read:
    """Read within a time limit, or raise ``TimeoutError``; a daemon thread does not delay an exit.

    A socket's timeout bounds neither a DNS look-up nor a response that trickles in.
    """
    reading: Future[Read] = Future()
    Thread(target=_settle, args=(reading, read), name="devlake", daemon=True).start()
    return reading.result(seconds)


def _settle(reading: "Future[Read]", read: Callable[[], Read]) -> None:
    try:
        reading.set_result(read())
    except Exception as error:  # noqa: BLE001  it is raised where the result is awaited
        reading.set_exception(error)


def _document(body: bytes, path: str) -> Document:
    try:
        return parse_json_object(body.decode())
    except UnicodeDecodeError:
        complaint = "not UTF-8"
    except ValueError as error:
        complaint = str(error)
    raise NotDevlake(
        f"devlake: the response to GET {path} is not one of DevLake's ({complaint}); {_WHERE}"
    )


def _is_refusal(body: bytes) -> bool:
    """Whether DevLake wrote the body: see ``ApiBody`` in ``server/api/shared/api_output.go``."""
    try:
        return parse_json_object(body.decode()).get("success") is False
    except ValueError:
        return False


def _listed(document: Document, name: str, path: str) -> Sequence[Document]:
    """Return a list; Go writes an empty slice as null, such as an unknown pipeline's tasks."""
    listed: Any = document.get(name, "missing") or []
    if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
        raise NotDevlake(f"devlake: the response to GET {path} lists no {name}")
    return listed


def _reject_other(document: Document, name: str, number: int, path: str) -> None:
    """Reject a document of another id, which a proxy or a cache may have mixed up.

    A text in its place is not repeated: a server may echo the credentials that it got.
    """
    if (value := document.get(name, number)) != number:
        shown = value if isinstance(value, int) else "of another kind"
        raise NotDevlake(f"devlake: the response to GET {path} has another {name}: {shown}")


def _text(document: Document, name: str, complaint: str) -> str:
    text = document.get(name)
    if not isinstance(text, str):
        raise NotDevlake(f"devlake: {complaint}")
    return text
