"""DevLake's REST API over its rows, and the config UI before it.

https://github.com/apache/incubator-devlake/blob/420e494/backend/server/api/router.go
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.devlake.rows import PENDING, Row, Tables, go_json

VERSION = "420e494@scratch"
OK, BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 200, 400, 401, 403, 404
PAGE_SIZE = 50
"""Where none is asked for (services/base.go)."""

Query = Mapping[str, list[str]]


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"


Answer = Callable[[str, str], Response]
"""By the target of a GET and its header ``authorization``, which may be empty."""


@dataclass
class RestApi:
    """``answer`` is DevLake itself, port 8080: below ``/rest`` it asks for an API key, else not."""

    tables: Tables
    api_key: str = ""
    allowed_path: str = ".*"
    version: str = VERSION
    targets: list[str] = field(default_factory=list)

    def answer(self, target: str, authorization: str = "") -> Response:
        self.targets.append(target)
        url = urlsplit(target)
        path = url.path
        if path.startswith("/rest"):  # api/middlewares.go RestAuthentication
            path = path.removeprefix("/rest")
            if refusal := self._refusal(path, authorization):
                return refusal
        return self._route(path, parse_qs(url.query))

    def _refusal(self, path: str, authorization: str) -> Response | None:
        """api/middlewares.go CheckAuthorizationHeader."""
        if not authorization:
            return _denied(UNAUTHORIZED, "token is missing")
        key = authorization.removeprefix("Bearer ")
        if key in ("", authorization):
            return _denied(UNAUTHORIZED, "token is not present or malformed")
        if not self.api_key or key != self.api_key:
            return _denied(FORBIDDEN, "api key is invalid")
        if not re.search(self.allowed_path, path):
            return _denied(FORBIDDEN, "path doesn't match api key's scope")
        return None

    def _route(self, path: str, query: Query) -> Response:
        match path.split("/")[1:]:
            case ["version"]:
                return _json(OK, {"version": self.version})
            case ["pipelines"]:
                return self._pipelines(query)
            case ["pipelines", number]:
                return _row(self.tables.pipelines, number, "pipeline", "pipelineID")
            case ["pipelines", number, "tasks"] if number.isdecimal():
                return self._tasks(int(number))
            case ["blueprints", number]:
                return _row(self.tables.blueprints, number, "blueprint", "blueprintId")
        return Response(NOT_FOUND, b"404 page not found", "text/plain")

    def _pipelines(self, query: Query) -> Response:
        """Newest first, with the count of all that match (services/pipeline_helper.go)."""
        matching = [row for row in list(self.tables.pipelines.values()) if _matches(row, query)]
        matching.sort(key=lambda row: -row["id"])
        size = max(_number(query, "pageSize"), 0) or PAGE_SIZE  # services/base.go
        first = (max(_number(query, "page"), 1) - 1) * size
        page = matching[first : first + size]
        return _json(OK, {"count": len(matching), "pipelines": page})

    def _tasks(self, pipeline_id: int) -> Response:
        """An unknown pipeline has a nil slice of tasks, and it is no error (services/task.go)."""
        tasks = self.tables.tasks_of(pipeline_id)
        return _json(OK, {"tasks": tasks or None, "count": len(tasks)})


def _matches(row: Row, query: Query) -> bool:
    """services/pipeline_helper.go: a pending one has never finished, so no rerun is pending."""
    blueprint, (status, label) = _number(query, "blueprint_id"), _texts(query, "status", "label")
    is_pending = row.get("finishedAt") is None and row.get("status") in PENDING
    return (
        (not blueprint or row["blueprintId"] == blueprint)
        and (not status or row["status"] == status)
        and (_number(query, "pending") <= 0 or is_pending)
        and (not label or label in row["labels"])
    )


def _number(query: Query, name: str) -> int:
    return int(query.get(name, ["0"])[0])


def _texts(query: Query, *names: str) -> list[str]:
    return [query.get(name, [""])[0] for name in names]


def _row(rows: Mapping[int, Row], number: str, kind: str, name: str) -> Response:
    """Answer with a row by its id, or with DevLake's error for a missing one (seen)."""
    if not number.isdecimal():
        return _error(
            BAD_REQUEST,
            f"bad {name} format supplied (400)"
            f'\nWraps: (2) strconv.ParseUint: parsing "{number}"\nWraps: (3) invalid syntax'
            "\nError types: (1) *hintdetail.withDetail (2) *strconv.NumError"
            " (3) *errors.errorString",
        )
    if int(number) not in rows:
        return _error(
            NOT_FOUND,
            f"error getting {kind} (404)\nWraps: (2) {kind} not found (404)"
            "\nError types: (1) *hintdetail.withDetail (2) *errors.errorString",
            f"{kind} not found (404)",
        )
    return _json(OK, rows[int(number)])


def _json(status: int, value: Any) -> Response:
    return Response(status, go_json(value).encode())


def _error(status: int, message: str, *causes: str) -> Response:
    """api/shared/api_output.go."""
    body = {"code": 0, "success": False, "message": message, "causes": list(causes) or None}
    return _json(status, body | {"data": None})


def _denied(status: int, message: str) -> Response:
    return _json(status, {"success": False, "message": message})


@dataclass
class SharedRest:
    """The rows of several servers behind one URL; no two of them have one pipeline's id."""

    servers: list[Tables] = field(default_factory=list)
    url: str = ""

    def answer(self, target: str, authorization: str = "") -> Response:
        return RestApi(self._merged()).answer(target, authorization)

    def _merged(self) -> Tables:
        """Tasks are counted from 1 by each server, and only ever found by their pipeline."""
        merged = Tables()
        for tables in list(self.servers):
            merged.pipelines |= tables.pipelines
            merged.blueprints |= tables.blueprints
            first = len(merged.tasks)
            merged.tasks |= {first + number: task for number, task in tables.tasks.items()}
        return merged


@dataclass
class ConfigUi:
    """nginx before DevLake (config-ui/nginx.conf): ``/api`` is the API, all else the pages.

    ``credentials`` are ``ADMIN_USER:ADMIN_PASS``; ``/api/rest`` goes past them.
    """

    rest: RestApi
    credentials: str = ""

    def answer(self, target: str, authorization: str = "") -> Response:
        if target.startswith("/api/rest/"):
            return self.rest.answer(target.removeprefix("/api"), authorization)
        if self.credentials and authorization != f"Basic {_base64(self.credentials)}":
            return _page(UNAUTHORIZED, "401 Authorization Required")
        if target.startswith("/api/"):
            return self.rest.answer(target.removeprefix("/api"), authorization)
        return _page(OK, "DevLake")


def _page(status: int, title: str) -> Response:
    html = f"<!doctype html><html><head><title>{title}</title></head><body></body></html>"
    return Response(status, html.encode(), "text/html")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """The URL at which it answers, for as long as the context lasts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(answer)) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serving_rest(rest: RestApi) -> Iterator[str]:
    """Yield the URL of DevLake itself."""
    with serving(rest.answer) as url:
        yield url


@contextmanager
def serving_config_ui(rest: RestApi, credentials: str = "") -> Iterator[str]:
    """Yield the URL of a config UI; DevLake's API is below ``/api``."""
    with serving(ConfigUi(rest, credentials).answer) as url:
        yield url


def _handler_of(answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            response = answer(self.path, self.headers.get("authorization", ""))
            self.send_response(response.status)
            self.send_header("content-type", response.content_type)
            self.send_header("content-length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        def log_message(self, *_: Any) -> None: ...

    return Handler
