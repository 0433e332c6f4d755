"""Delivery: one event for one subscription, in its lane; and the parsing of its id."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from lakehook.domain.errors import InvalidInput
from lakehook.domain.event import Event, split_pipeline_key

_ID = re.compile(r"(?P<lane>[^#]+#[^#]+)#(?P<sequence>[1-9][0-9]{0,9})", re.ASCII)
MAX_SHOWN = 80


@dataclass(frozen=True)
class Lane:
    """All deliveries of one (subscription, pipeline): the unit of order."""

    subscription_id: str
    pipeline_key: str  # see ``Event.pipeline_key``

    @classmethod
    def parse(cls, text: str) -> Self:
        subscription_id, _, pipeline_key = text.partition("#")
        return cls(subscription_id, pipeline_key)

    @property
    def source(self) -> str | None:
        return split_pipeline_key(self.pipeline_key)[0]

    @property
    def pipeline_id(self) -> str:
        """Id of the pipeline in its source, as its events have it."""
        return split_pipeline_key(self.pipeline_key)[1]

    def __str__(self) -> str:
        return f"{self.subscription_id}#{self.pipeline_key}"


@dataclass(frozen=True)
class SequencedEvent:
    """An event and its sequence number in its pipeline: 1, 2, 3 … without gaps."""

    event: Event
    sequence: int
    previous_event_type: str | None


@dataclass(frozen=True)
class Delivery:
    lane: Lane
    sequenced: SequencedEvent
    late: bool = False  # redriven after later deliveries were sent
    replayed: bool = False  # sent by a replay, again or for the first time

    @property
    def id(self) -> str:
        """Id, the same on every attempt: subscription, pipeline and sequence."""
        return f"{self.lane}#{self.sequence}"

    @property
    def event(self) -> Event:
        return self.sequenced.event

    @property
    def sequence(self) -> int:
        return self.sequenced.sequence


def deduplication_id(*parts: object) -> str:
    """Return a deduplication id: 64 characters, the same for the same parts."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def parse_delivery_id(text: str) -> tuple[Lane, int]:
    """Return the lane and the sequence; raises ``InvalidInput`` if the id is not valid."""
    match = _ID.fullmatch(text)
    if not match:
        raise InvalidInput(
            f"delivery id: {text[:MAX_SHOWN]!a} is not <subscription>#<pipeline>#<sequence>"
        )
    return Lane.parse(match["lane"]), int(match["sequence"])
