"""A pipeline as the journal knows it: how many events it had, and where it stands in its life."""

from dataclasses import dataclass, field, replace
from typing import Self

from lakehook.domain.delivery import NumberedEvent
from lakehook.domain.event import UNKNOWN_TRIGGER, Event
from lakehook.domain.lifecycle import Fate, Round, Skip


@dataclass(frozen=True, kw_only=True)
class Label:
    """What an event of ours needs to be one of the pipeline's: as the newest notice said it."""

    pipeline_id: str | int
    trigger_source: str
    project_name: str | None = None
    source: str | None = None
    pipeline_name: str | None = None
    pipeline_url: str | None = None

    @classmethod
    def of(cls, event: Event, *, before: "Label | None") -> Self:
        """What the event leaves out is as it was said before."""
        said = event.document
        names = {name: said.get(name) or getattr(before, name, None) for name in _REMEMBERED}
        return cls(
            pipeline_id=said["pipeline_id"],
            trigger_source=said["trigger_source"],
            source=event.source,
            **names,
        )


_REMEMBERED = ("project_name", "pipeline_name", "pipeline_url")


@dataclass(frozen=True)
class Pipeline:
    key: str  # see ``Event.pipeline_key``
    sequence: int = 0  # of the newest event; 0 before the first
    event_type: str | None = None  # of the newest event
    round: Round = field(default_factory=Round)
    label: Label | None = None
    entered_at: float | None = None  # unix seconds, when its present state was accepted

    def take(self, event: Event) -> "Advance | EventSkip":
        """An unknown trigger source is replaced by the one that earlier events gave."""
        event = self._with_known_trigger(event)
        step = self.round.take(event)
        if isinstance(step, Skip):
            after = replace(self, round=step.after, label=self._label_after(event))
            return EventSkip(step.fate, self, after)
        numbered: list[NumberedEvent] = []
        previous = self.event_type
        for sequence, one in enumerate(step.events, start=self.sequence + 1):
            numbered.append(NumberedEvent(one, sequence, previous))
            previous = str(one.type)
        return Advance(self, step.after, tuple(numbered))

    def _with_known_trigger(self, event: Event) -> Event:
        known = self.label.trigger_source if self.label else UNKNOWN_TRIGGER
        if known == UNKNOWN_TRIGGER or event.trigger_source != UNKNOWN_TRIGGER:
            return event
        return replace(event, document={**event.document, "trigger_source": known})

    def _label_after(self, event: Event) -> Label | None:
        """An event that is not sent may be the first that knows the trigger."""
        if self.label is None or self.label.trigger_source != UNKNOWN_TRIGGER:
            return self.label
        return replace(self.label, trigger_source=event.trigger_source)

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
        return Pipeline(
            before.key,
            self.newest.sequence,
            str(event.type),
            self.round,
            Label.of(event, before=before.label),
            now if is_entered else before.entered_at,
        )
