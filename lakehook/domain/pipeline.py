"""A pipeline as the journal knows it: its newest event and how many there were."""

from dataclasses import dataclass

from lakehook.domain.delivery import NumberedEvent
from lakehook.domain.event import Event


@dataclass(frozen=True)
class Pipeline:
    id: str
    sequence: int = 0  # of the newest event; 0 before the first
    event_type: str | None = None  # of the newest event

    def next(self, event: Event) -> NumberedEvent:
        return NumberedEvent(event, self.sequence + 1, self.event_type)

    def may_be_half_sent(self, numbered: NumberedEvent) -> bool:
        """Only the newest event can be: the group lets none past that was not sent whole."""
        return numbered.sequence == self.sequence
