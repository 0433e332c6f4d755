"""A pipeline as the journal knows it: how many events it had, and where it stands in its life."""

from dataclasses import dataclass, field, replace
from typing import Self

from lakehook.domain.delivery import NumberedEvent
from lakehook.domain.event import Event
from lakehook.domain.lifecycle import Fate, Round, Skip


@dataclass(frozen=True, kw_only=True)
class Label:
    """What an event of ours needs to be one of the pipeline's: as the newest notice said it."""

    pipeline_id: str | int
    trigger_source: str
    project_name: str | None = None
    source: str | None = None

    @classmethod
    def of(cls, event: Event) -> Self:
        said = event.document
        return cls(
            pipeline_id=said["pipeline_id"],
            trigger_source=said["trigger_source"],
            project_name=said.get("project_name"),
            source=said.get("source"),
        )


@dataclass(frozen=True)
class Pipeline:
    id: str
    sequence: int = 0  # of the newest event; 0 before the first
    event_type: str | None = None  # of the newest event
    round: Round = field(default_factory=Round)
    label: Label | None = None
    entered_at: float | None = None  # unix seconds, when its present state was accepted

    def take(self, event: Event) -> "Advance | EventSkip":
        step = self.round.take(event)
        if isinstance(step, Skip):
            return EventSkip(step.fate, self, replace(self, round=step.after))
        numbered: list[NumberedEvent] = []
        previous = self.event_type
        for sequence, one in enumerate(step.events, start=self.sequence + 1):
            numbered.append(NumberedEvent(one, sequence, previous))
            previous = str(one.type)
        return Advance(self, step.after, tuple(numbered))

    def may_be_half_sent(self, numbered: NumberedEvent) -> bool:
        """Only the newest event can be: the group lets none past that was not sent whole."""
        return numbered.sequence == self.sequence


@dataclass(frozen=True)
class EventSkip:
    """An event that a pipeline is not told of, and what the pipeline has still learnt from it."""

    fate: Fate
    before: Pipeline
    after: Pipeline

    @property
    def changes_pipeline(self) -> bool:
        return self.after != self.before


@dataclass(frozen=True)
class Advance:
    """A pipeline takes a step: the events it tells are written together, or not at all."""

    before: Pipeline
    round: Round
    numbered: tuple[NumberedEvent, ...]  # those inferred from the last one, and the last one

    @property
    def newest(self) -> NumberedEvent:
        return self.numbered[-1]

    def after(self, *, now: float) -> Pipeline:
        before, event = self.before, self.newest.event
        is_entered = (self.round.number, self.round.stage) != (
            before.round.number,
            before.round.stage,
        )
        label = Label.of(event)
        if label.project_name is None and before.label:
            label = replace(label, project_name=before.label.project_name)
        return Pipeline(
            before.id,
            self.newest.sequence,
            str(event.type),
            self.round,
            label,
            now if is_entered else before.entered_at,
        )
