"""Ping: a test message to an endpoint, outside the order of its lanes."""

from dataclasses import dataclass
from datetime import datetime

from lakehook.domain.attempt import Attempt
from lakehook.domain.delivery import Lane
from lakehook.domain.json_document import to_json

PREFIX = "ping-"
GOOD_FOR_SECONDS = 5 * 60.0
"""Seconds after which a ping is dropped, since its caller no longer waits."""


@dataclass(frozen=True)
class Ping:
    """Test message. The endpoint must return ``challenge``, if set, as the whole response body."""

    subscription_id: str
    token: str
    timestamp: str  # RFC 3339, time of the request
    challenge: str | None = None

    @property
    def event_id(self) -> str:
        return PREFIX + self.token

    @property
    def lane(self) -> Lane:
        """A lane of its own, so a ping neither waits for pipelines nor delays them."""
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
        """Whether a response body is the challenge; a trailing line break is allowed."""
        return self.challenge is not None and answer.strip() == self.challenge.encode()


@dataclass(frozen=True)
class PingResult:
    """Result of a ping. The attempt contains the start of the response, also of a success."""

    attempt: Attempt
    echoed: bool  # a successful response contained the challenge
