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
from urllib.parse import parse_qs, urlsplit

Said = tuple[int, Any]


@dataclass
class Rest:
    """``key``, if there is one, is the API key without which nobody is let in."""

    pipelines: Sequence[Mapping[str, Any]]
    projects: dict[int, str] = field(default_factory=dict)
    key: str = ""
    url: str = ""
    targets: list[str] = field(default_factory=list)

    def answer(self, target: str, authorization: str) -> Said:
        self.targets.append(target)
        url = urlsplit(target)
        if self.key and authorization != f"Bearer {self.key}":
            return 401, {"success": False, "message": "token is missing"}
        _, collection, *number = url.path.split("/")
        if collection == "pipelines" and not number:
            return 200, self._listed(parse_qs(url.query))
        if collection == "blueprints" and int(number[0]) in self.projects:
            return 200, {"id": int(number[0]), "projectName": self.projects[int(number[0])]}
        return 404, {"success": False, "message": "not found", "data": None}

    def _listed(self, query: Mapping[str, list[str]]) -> Any:
        page, size = int(query.get("page", ["1"])[0]), int(query.get("pageSize", ["50"])[0])
        newest_first = sorted(self.pipelines, key=lambda one: -one["id"])
        shown = newest_first[(page - 1) * size : page * size]
        return {"count": len(self.pipelines), "pipelines": shown}


@contextmanager
def serving_rest(
    pipelines: Sequence[Mapping[str, Any]], projects: dict[int, str] | None = None, key: str = ""
) -> Iterator[Rest]:
    rest = Rest(pipelines, projects or {}, key)
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
