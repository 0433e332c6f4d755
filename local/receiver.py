"""Sample subscriber: receives webhooks over real HTTP, checks signatures, keeps the requests."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any, Self

from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from lakehook.adapters.http.server import OK, CannedResponse, ReceiverServer
from lakehook.domain.event import pipeline_key_of

__all__ = ["OK", "Arrival", "Behaviour", "CannedResponse", "Receiver", "polite"]

_SUCCESS = range(200, 300)
_LOOK_SECONDS = 0.1
"""Seconds between the server's checks whether to stop."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """One request, as the receiver got it."""

    at: float  # unix seconds
    headers: Mapping[str, str]  # names in lower case
    raw: bytes  # the signed bytes
    body: Mapping[str, Any]
    genuine: bool  # verified by the public library

    @property
    def id(self) -> str:
        return self.headers.get("webhook-id", "")

    @property
    def pipeline(self) -> str:
        """Key of the pipeline, ``staging/39`` of a named source; a PING has none."""
        return pipeline_key_of(dict(self.body)) if "pipeline_id" in self.body else ""

    @property
    def sequence(self) -> int:
        return int(self.body["sequence"])

    @property
    def event_type(self) -> str:
        return str(self.body["event_type"])


Behaviour = Callable[[Arrival], int | CannedResponse]
"""Returns a response, or only its HTTP status, after any time."""


def polite(_: Arrival) -> int:
    return OK


@dataclass
class Receiver:
    """Context manager that listens on loopback at ``url``."""

    name: str
    behaviour: Behaviour = polite
    secret: str = field(default="", repr=False)  # set once the subscription exists
    arrivals: list[Arrival] = field(default_factory=list)
    taken: list[Arrival] = field(default_factory=list)  # answered with success
    changed: Condition = field(default_factory=Condition)

    def __enter__(self) -> Self:
        self._server = ReceiverServer(self.take)
        self._thread = Thread(
            target=self._server.serve_forever, args=(_LOOK_SECONDS,), name=self.name, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{self.name}"

    def take(self, headers: Mapping[str, str], body: bytes) -> CannedResponse:
        arrival = Arrival(
            at=time.time(),
            headers=headers,
            raw=body,
            body=json.loads(body),
            genuine=_is_genuine(self.secret, headers, body),
        )
        with self.changed:
            self.arrivals.append(arrival)
            self.changed.notify_all()
        answer = self.behaviour(arrival)
        answer = answer if isinstance(answer, CannedResponse) else CannedResponse(answer)
        if answer.status in _SUCCESS:
            with self.changed:
                self.taken.append(arrival)
                self.changed.notify_all()
        return answer

    def wait_for(self, count: int, *, within: float) -> bool:
        """Whether this many requests came in this time."""
        with self.changed:
            return self.changed.wait_for(lambda: len(self.arrivals) >= count, within)

    def wait_until_taken(self, count: int, *, within: float) -> bool:
        """Whether this many deliveries were answered with success in this time."""
        with self.changed:
            return self.changed.wait_for(lambda: len(self.taken) >= count, within)


def _is_genuine(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers))
    except (EmptyWebhookSecretError, WebhookVerificationError, ValueError):
        return False  # no secret yet, another algorithm, or not a signature
    return True
