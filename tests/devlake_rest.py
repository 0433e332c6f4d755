"""The REST API of the tests' DevLake, on loopback.

Its own words and its own paging: newest first, ``pageSize`` or 50, a null where Go has none.
https://github.com/apache/incubator-devlake/blob/main/backend/server/services/pipeline_helper.go
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from tests.fakes_devlake import VERSION, is_pending

Said = tuple[int, Any]

NOT_FOUND: Said = (404, {"code": 0, "success": False, "message": "not found", "data": None})


@dataclass
class Rest:
    """``key``, if there is one, is the API key without which nobody is let in."""

    pipelines: Sequence[Mapping[str, Any]]
    projects: dict[int, str] = field(default_factory=dict)
    tasks: dict[int, list[Any]] = field(default_factory=dict)  # by pipeline
    key: str = ""
    url: str = ""
    targets: list[str] = field(default_factory=list)

    def answer(self, target: str, authorization: str) -> Said:
        self.targets.append(target)
        url = urlsplit(target)
        if self.key and authorization != f"Bearer {self.key}":
            return 401, {"success": False, "message": "token is missing"}
        if url.path == "/version":
            return 200, {"version": VERSION}
        return self._found(url)

    def _found(self, url: SplitResult) -> Said:
        match url.path.split("/")[1:]:
            case ["pipelines"]:
                return 200, self._listed(parse_qs(url.query))
            case ["pipelines", number]:
                return self._shown(int(number))
            case ["pipelines", number, "tasks"]:
                tasks = self.tasks.get(int(number), [])
                return 200, {"tasks": tasks, "count": len(tasks)}
            case ["blueprints", number] if int(number) in self.projects:
                return 200, {"id": int(number), "projectName": self.projects[int(number)]}
        return NOT_FOUND

    def _shown(self, number: int) -> Said:
        rows = [row for row in self.pipelines if row["id"] == number]
        return (200, rows[0]) if rows else NOT_FOUND

    def _listed(self, query: Mapping[str, list[str]]) -> Any:
        page, size = int(query.get("page", ["1"])[0]), int(query.get("pageSize", ["50"])[0])
        pending = int(query.get("pending", ["0"])[0]) > 0
        rows = [row for row in self.pipelines if not pending or is_pending(row)]
        newest_first = sorted(rows, key=lambda row: -row["id"])
        shown = newest_first[(page - 1) * size : page * size]
        return {"count": len(rows), "pipelines": shown}


@contextmanager
def serving_rest(
    pipelines: Sequence[Mapping[str, Any]], projects: dict[int, str] | None = None, key: str = ""
) -> Iterator[Rest]:
    rest = Rest(pipelines, projects or {}, key=key)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(rest)) as server:
        rest.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield rest
        finally:
            server.shutdown()
            thread.join()


def _handler_of(rest: Rest) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, said = rest.answer(self.path, self.headers.get("authorization", ""))
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    return Handler
