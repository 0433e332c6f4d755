"""Delivery: one event on its way to one subscription, in its lane; and its id, parsed."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from lakehook.domain.errors import InvalidInput
from lakehook.domain.event import Event
from lakehook.domain.pipeline_key import split_pipeline_key

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
        """What its source calls the pipeline, as its events say it."""
        return split_pipeline_key(self.pipeline_key)[1]

    def __str__(self) -> str:
        return f"{self.subscription_id}#{self.pipeline_key}"


@dataclass(frozen=True)
class SequencedEvent:
    """An event and its place in its pipeline: 1, 2, 3 … without gaps."""

    event: Event
    sequence: int
    previous_event_type: str | None


@dataclass(frozen=True)
class Delivery:
    lane: Lane
    sequenced: SequencedEvent
    late: bool = False  # redriven after others had gone by
    replayed: bool = False  # sent again, or for the first time, by a replay

    @property
    def id(self) -> str:
        """The same on every attempt; it says subscription, pipeline and sequence."""
        return f"{self.lane}#{self.sequence}"

    @property
    def event(self) -> Event:
        return self.sequenced.event

    @property
    def sequence(self) -> int:
        return self.sequenced.sequence


def deduplication_id(*parts: object) -> str:
    """A deduplication id: 64 characters, the same for the same parts."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def parse_delivery_id(text: str) -> tuple[Lane, int]:
    """Its lane and its place there; ``InvalidInput`` when it is no delivery's id."""
    match = _ID.fullmatch(text)
    if not match:
        raise InvalidInput(
            f"delivery id: {text[:MAX_SHOWN]!a} is not <subscription>#<pipeline>#<sequence>"
        )
    return Lane.parse(match["lane"]), int(match["sequence"])
