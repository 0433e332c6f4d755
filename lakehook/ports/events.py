"""What fan-out needs: the journal of events, and where what it takes in may go."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from lakehook.domain.delivery import Delivery, NumberedEvent
from lakehook.domain.event import Event
from lakehook.domain.pipeline import Advance, EventSkip, Pipeline


class Journal(Protocol):
    """Every event of every pipeline, once, with its sequence."""

    def open(self, event: Event) -> tuple[Pipeline, Sequence[NumberedEvent]]:
        """Where the event's pipeline stands; and the event itself if it is already in.

        It comes last then, after those that were inferred from it.
        """

    def append(self, advance: Advance) -> None:
        """Write counter and events together; ``OwnTrouble`` if the pipeline has moved on."""

    def set_aside(self, event: Event, skip: EventSkip) -> None:
        """Record a notice that is not sent, and why; with it what the pipeline has learnt.

        ``OwnTrouble`` if the pipeline has moved on meanwhile.
        """


class Outbox(Protocol):
    def send(self, deliveries: Sequence[Delivery]) -> Collection[str]:
        """Put deliveries on their lanes, at most one of each lane; the ids that did not go."""


@dataclass(frozen=True)
class Notice:
    """A message of the events queue, as it came."""

    id: str
    group: str
    body: str


class Siding(Protocol):
    def park(self, notice: Notice, reason: str) -> None:
        """Put a bad message aside, whole, with the reason."""
