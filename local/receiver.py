"""A sample subscriber: takes webhooks over real HTTP, checks each signature, keeps what came."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any, Self

from standardwebhooks import Webhook, WebhookVerificationError

OK = 200


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """One request, as the receiver saw it."""

    at: float  # unix seconds
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    genuine: bool  # the public library has verified the signature

    @property
    def id(self) -> str:
        return self.headers.get("webhook-id", "")

    @property
    def pipeline(self) -> str:
        return str(self.body["pipeline_id"])

    @property
    def sequence(self) -> int:
        return int(self.body["sequence"])

    @property
    def event_type(self) -> str:
        return str(self.body["event_type"])


Behaviour = Callable[[Arrival], int]
"""Answers an arrival with an HTTP status, after as long as it likes."""


def polite(_: Arrival) -> int:
    return OK


@dataclass
class Receiver:
    """Context manager: inside, it listens on loopback at ``url``."""

    name: str
    behaviour: Behaviour = polite
    secret: str = field(default="", repr=False)  # known once the subscription has been made
    arrivals: list[Arrival] = field(default_factory=list)
    changed: Condition = field(default_factory=Condition)

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self._thread = Thread(target=self._server.serve_forever, name=self.name, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{self.name}"

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        arrival = Arrival(
            at=time.time(),
            headers=headers,
            body=json.loads(body),
            genuine=_is_genuine(self.secret, headers, body),
        )
        with self.changed:
            self.arrivals.append(arrival)
            self.changed.notify_all()
        return self.behaviour(arrival)

    def wait_for(self, count: int, *, within: float) -> bool:
        """Whether so many requests came in that many seconds."""
        with self.changed:
            return self.changed.wait_for(lambda: len(self.arrivals) >= count, within)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def _is_genuine(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers))
    except (WebhookVerificationError, RuntimeError):  # the latter for a secret not yet known
        return False
    return True


def _handler_of(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.take(headers, body)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: what came is in ``arrivals``."""

    return Handler
