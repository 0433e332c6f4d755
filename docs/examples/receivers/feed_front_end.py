"""The backend of a page that shows pipelines: it takes events, and pages ask it.

    lakehook subscriptions add --name page --url https://page.example/hook

``GET /pipelines`` is the newest state of each; browsers poll it, or it is behind your own socket.
"""

import json
from collections.abc import Mapping
from typing import Any

from receiver import Door, serve

OK = 200
SHOWN = ("pipeline_id", "project_name", "event_type", "timestamp", "sequence")
newest: dict[str, dict[str, Any]] = {}


def recall(event: Mapping[str, Any]) -> None:
    pipeline = str(event["pipeline_id"])
    if event["sequence"] > newest.get(pipeline, {"sequence": 0})["sequence"]:
        newest[pipeline] = {name: event.get(name) for name in SHOWN}


def remember(_: str, event: Mapping[str, Any]) -> None:
    recall(event)


class Page(Door):
    def do_GET(self) -> None:
        body = json.dumps(list(newest.values()), ensure_ascii=False).encode()
        self.send_response(OK)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    serve(remember, recall=recall, door=Page)
