"""Messages of the deliveries queue: a delivery, a resume of a lane, or a ping; acked or nacked.

Messages carry a version; a release reads its own and the one before.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lakehook.domain.attempt import Attempt
from lakehook.domain.delivery import Delivery, Lane, SequencedEvent
from lakehook.domain.errors import InvalidEvent, InvalidMessage
from lakehook.domain.event import Event
from lakehook.domain.json_document import (
    MAX_LEVELS,
    Document,
    parse_json_object,
    to_ascii_json,
    to_json,
)
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus

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


VERSION = 1
MAX_SEQUENCE = 10**10 - 1  # the ledger's keys have ten digits
MAX_TOKEN = 10**14 - 1  # milliseconds, up to the year 5138
MAX_REASON_CHARACTERS = 200
MAX_LANE = 128  # characters, SQS's limit for a MessageGroupId
_LANE = re.compile(r"[A-Za-z0-9_-]{1,60}#(?:[A-Za-z0-9_-]{1,32}/)?[A-Za-z0-9_:-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Resume:
    """Resume a held lane. ``token`` is the due time that the scheduler gave it."""

    lane: Lane
    token: int
    probe: bool = False  # tests whether the endpoint is up; it passes an open breaker


Message = Delivery | Resume | Ping


@dataclass(frozen=True)
class ReceivedMessage:
    """A message, and how it was received."""

    message: Message
    redelivered: bool = False  # not its first receive: it may have crashed a worker
    redriven: bool = False  # from the dead-letter queue, recognized by its reason attribute
    attempts_at_death: int | None = None  # if it was dead-lettered, and the message says it

    def revives(self, record: DeliveryRecord) -> bool:
        """Whether this message gives a dead letter its fresh budget.

        One redrive gives one fresh budget. A delivery that is dead again needs another redrive,
        even if the first one's message is received again.
        """
        return (
            self.redriven
            and record.status is DeliveryStatus.DEAD
            and self.attempts_at_death in (None, record.attempts)
        )


@dataclass(frozen=True)
class Ack:
    """Result: the message is processed and can be deleted."""


@dataclass(frozen=True)
class Nack:
    """Result: the message must be received again, after this many seconds and no sooner."""

    delay_seconds: float = 0.0


Disposition = Ack | Nack


def encode(message: Message) -> str:
    if isinstance(message, Resume):
        body: Document = {"kind": "resume", "token": message.token, "probe": message.probe}
    elif isinstance(message, Ping):
        body = {"kind": "ping", "timestamp": message.timestamp, "challenge": message.challenge}
    else:
        return _delivery_text(message)
    return to_ascii_json({"version": VERSION, "lane": str(message.lane), **body})


def _delivery_text(delivery: Delivery) -> str:
    """Serialize a delivery; the event's text is cached, since only the fields around it differ."""
    fields = {
        "version": VERSION,
        "lane": str(delivery.lane),
        "kind": "delivery",
        "sequence": delivery.sequence,
        "previous_event_type": delivery.sequenced.previous_event_type,
        "event_id": delivery.event.id,
    }
    surroundings = to_ascii_json(fields | ({"late": True} if delivery.late else {}))
    return f'{surroundings[:-1]},"event":{delivery.event.as_ascii}}}'


def decode(text: str) -> Message:
    """Parse a message; ``InvalidMessage`` says why it is not valid.

    Every accepted message can be processed; others would be received again for ever.
    """
    try:
        # The event inside may use all levels.
        body = parse_json_object(text, max_depth=MAX_LEVELS + 1)
        read = _READERS[body["version"], body["kind"]]
        return read(body)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidEvent) as error:
        why = repr(error)[:MAX_REASON_CHARACTERS]
        raise InvalidMessage(f"not a delivery, a resume or a ping: {why}") from None


def _resume(body: Document) -> Resume:
    token = _number(body["token"], at_most=MAX_TOKEN)
    return Resume(_lane(body["lane"]), token, probe=body.get("probe") is True)


def _ping(body: Document) -> Ping:
    lane, challenge = _lane(body["lane"]), body["challenge"]
    if not lane.pipeline_key.startswith(PREFIX):
        raise ValueError("a ping of no lane of its own")
    return Ping(
        lane.subscription_id,
        lane.pipeline_key.removeprefix(PREFIX),
        _time(body["timestamp"]),
        challenge=challenge and _text(challenge),
    )


def _delivery(body: Document) -> Delivery:
    lane, document = _lane(body["lane"]), body["event"]
    if Event.from_document(document).pipeline_key != lane.pipeline_key:
        raise ValueError("an event of another pipeline")
    event = Event.restored(_text(body["event_id"]), document)
    sequence = _number(body["sequence"], at_most=MAX_SEQUENCE)
    previous = body["previous_event_type"]
    sequenced = SequencedEvent(event, sequence, previous and _text(previous))
    return Delivery(lane, sequenced, late=body.get("late") is True)


_READERS: dict[tuple[int, str], Callable[[Document], Message]] = {
    (1, "delivery"): _delivery,
    (1, "resume"): _resume,
    (1, "ping"): _ping,
}


def _lane(value: Any) -> Lane:
    if not _LANE.fullmatch(value) or len(value) > MAX_LANE:
        raise ValueError("no lane")
    return Lane.parse(value)


def _number(value: Any, *, at_most: int) -> int:
    if type(value) is not int or not 0 < value <= at_most:
        raise ValueError(f"no number from 1 to {at_most}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _time(value: Any) -> str:
    if datetime.fromisoformat(value).tzinfo is None:
        raise ValueError("no offset")
    return _text(value)
