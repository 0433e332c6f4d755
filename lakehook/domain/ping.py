"""Ping: a test message to an endpoint, outside the order of its lanes."""

from dataclasses import dataclass
from datetime import datetime

from lakehook.domain.attempt import Attempt
from lakehook.domain.delivery import Lane
from lakehook.domain.json_document import to_json

PREFIX = "ping-"
GOOD_FOR_SECONDS = 5 * 60.0
"""The longest that anybody waits for an answer; after that nobody has asked."""


@dataclass(frozen=True)
class Ping:
    """``challenge`` is a word that whoever owns the endpoint sends back as the whole answer."""

    subscription_id: str
    token: str
    timestamp: str  # RFC 3339, when it was asked for
    challenge: str | None = None

    @property
    def event_id(self) -> str:
        return PREFIX + self.token

    @property
    def lane(self) -> Lane:
        """One of its own: it waits behind no pipeline, and none behind it."""
        return Lane(self.subscription_id, self.event_id)

    @property
    def id(self) -> str:
        return str(self.lane)

    @property
    def body(self) -> bytes:
        document = {
            "event_type": "PING",
            "event_id": self.event_id,
            "timestamp": self.timestamp,
            **({"challenge": self.challenge} if self.challenge else {}),
        }
        return to_json(document).encode()

    def is_stale(self, now: float) -> bool:
        asked_at = datetime.fromisoformat(self.timestamp).timestamp()
        return now - asked_at > GOOD_FOR_SECONDS

    def is_echoed_by(self, answer: bytes) -> bool:
        """Whether an answer is the challenge; a line's end behind it does no harm."""
        return self.challenge is not None and answer.strip() == self.challenge.encode()


@dataclass(frozen=True)
class PingResult:
    """What came of a ping. The attempt tells the start of the answer, also of a good one."""

    attempt: Attempt
    echoed: bool  # the challenge, in an answer that took it
