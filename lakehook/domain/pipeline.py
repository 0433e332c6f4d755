"""Life cycle of a pipeline in runs, restored from notifications that race, repeat and get lost.

::

              CREATED ¹           RUNNING             an end ²
    waiting ────────────▶ created ────────▶ running ──────────▶ ended
       ▲                     │               │   ▲                ▲ │
       │                     │     RUNNING ³ └───┘                │ │
       │                     └──────────────────── an end ² ──────┘ │
       │               a notification of a later run                │
       └────────────────────────────────────────────────────────────┘

    ¹ inferred before any other state    ² infers RUNNING where the run's beginning is known
    ³ with a later beginning: the run was interrupted and resumed, and is not emitted again

A rerun of a pipeline is its next run. A notification is of a later run, of this one or of an
earlier one:

- of a *later* run, only if ours has ended: if its ``began_at`` is later than ours; or, lacking a
  later one, if it has another state than our end, and a later time. It opens the run.
- of an *earlier* run, if it began before ours, or happened before ours could: it is stale.
- else of *this* run. If it advances the state, it is emitted; if the run has emitted the same, it
  is a duplicate; if it leads back to a state that the run skipped, it is stale, too.

A run that is said to have begun later than we knew goes on: a restart of the source resumed it. Our
``began_at`` moves on with it, so an end of the earlier beginning is stale.

So each run emits CREATED, RUNNING and one end at most once, in this order, and no run follows one
without an end. Tasks neither open nor end runs. Events that were lost and must have happened are
filled in, and marked ``inferred``.

A pipeline that stays in one state for longer than its project allows is stalled: one event, while
the run is still in that state.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from lakehook.domain.delivery import SequencedEvent
from lakehook.domain.errors import InvalidInput
from lakehook.domain.event import UNKNOWN_TRIGGER, Event, EventType, derive_event_id
from lakehook.domain.json_document import Document, parse_json_object
from lakehook.domain.time import (
    format_duration,
    format_rfc3339,
    is_later,
    is_not_later,
    parse_duration,
)

_CARRIED = (
    "pipeline_id",
    "source",
    "trigger_source",
    "project_name",
    "pipeline_name",
    "labels",
    "created_at",
    "pipeline_url",
)
CREATED, RUNNING = EventType.PIPELINE_CREATED, EventType.PIPELINE_RUNNING
STALLED = EventType.PIPELINE_STALLED
_REMEMBERED = ("project_name", "pipeline_name", "pipeline_url")
MAX_SECONDS = 365 * 24 * 3600.0
_PROJECTS = "projects"
_EXAMPLE = '{"created": "15m", "running": "24h", "projects": {"payments": {"running": "2h"}}}'


class PipelineState(StrEnum):
    WAITING = "waiting"
    CREATED = "created"
    RUNNING = "running"
    ENDED = "ended"

    @property
    def order(self) -> int:
        return list(PipelineState).index(self)


ACTIVE_STATES = (PipelineState.CREATED, PipelineState.RUNNING)
Limits = Mapping[PipelineState, float]  # seconds


class SkipReason(StrEnum):
    """Reason why an event is not sent."""

    DUPLICATE = "duplicate"  # its run has emitted the same
    STALE = "stale"  # the pipeline has passed this state
    STALL_OVER = "stall_over"  # the pipeline is no longer stalled


@dataclass(frozen=True, kw_only=True)
class PipelineRun:
    """The present run's emitted events, and what still matters of earlier runs."""

    number: int = 0  # 0 before the first run
    emitted: tuple[EventType, ...] = ()  # its states, in order
    began_at: str | None = None
    changed_at: str | None = None  # time of the latest of these states
    earlier_began_at: str | None = None
    earlier_ended_at: str | None = None
    stalled: bool = False  # whether it stalled in its present state, and that was emitted

    @property
    def state(self) -> PipelineState:
        return _state_after(self.emitted[-1]) if self.emitted else PipelineState.WAITING

    def apply(self, event: Event) -> "Transition | Skip":
        if event.type is STALLED:
            return self._stall(event)
        if not is_state(event.type):
            return Transition(self, (event,))
        if self._is_left_behind_by(event):
            return _advanced(self._next_run(), event)
        if self._has_left_behind(event):
            return Skip(SkipReason.STALE, self)
        if _state_after(event.type).order > self.state.order:
            return _advanced(self, event)
        return self._repeat(event)

    def _repeat(self, event: Event) -> "Skip":
        """Handle a state that does not advance; RUNNING with a later start means a resumed run."""
        if event.type not in self.emitted:
            return Skip(SkipReason.STALE, self)
        is_resumed = event.type is RUNNING and self.state is PipelineState.RUNNING
        if is_resumed and is_later(event.began_at, self.began_at):
            return Skip(SkipReason.DUPLICATE, replace(self, began_at=event.began_at))
        return Skip(SkipReason.DUPLICATE, self)

    def _stall(self, event: Event) -> "Transition | Skip":
        """Handle a stall. Without a state or a run it concerns the present one."""
        about = event.document.get("data") or {}
        is_of_now = (about.get("round", self.number), about.get("state", self.state)) == (
            self.number,
            self.state,
        )
        if not is_of_now or self.state not in ACTIVE_STATES:
            return Skip(SkipReason.STALL_OVER, self)
        if self.stalled:
            return Skip(SkipReason.DUPLICATE, self)
        return Transition(replace(self, stalled=True), (event,))

    def _is_left_behind_by(self, event: Event) -> bool:
        if self.number == 0:
            return True
        if self.state is not PipelineState.ENDED:
            return False
        if is_later(event.began_at, self.began_at or self.changed_at):
            return True
        if _has_start_time(event) or event.type is self.emitted[-1]:
            return False
        return is_later(event.at, self.changed_at)

    def _has_left_behind(self, event: Event) -> bool:
        if _has_start_time(event):
            return is_later(self.began_at, event.began_at) or is_not_later(
                event.began_at, self.earlier_began_at
            )
        if _state_after(event.type) is PipelineState.ENDED and is_later(self.began_at, event.at):
            return True
        return is_not_later(event.at, self.earlier_ended_at)

    def _next_run(self) -> Self:
        return type(self)(
            number=self.number + 1,
            earlier_began_at=self.began_at or self.earlier_began_at,
            earlier_ended_at=self.changed_at or self.earlier_ended_at,
        )


@dataclass(frozen=True)
class Transition:
    """Events to emit, inferred ones first, and the run after them."""

    after: PipelineRun
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Skip:
    """An event that is not sent, and the run after it: the event may contain a later start."""

    reason: SkipReason
    after: PipelineRun


@dataclass(frozen=True, kw_only=True)
class PipelineInfo:
    """Facts that our own events repeat, as the newest notification gave them."""

    pipeline_id: str | int
    trigger_source: str
    project_name: str | None = None
    source: str | None = None
    pipeline_name: str | None = None
    pipeline_url: str | None = None

    @classmethod
    def from_event(cls, event: Event, *, before: "PipelineInfo | None") -> Self:
        """Build the facts; what the event leaves out is kept from before."""
        document = event.document
        names = {name: document.get(name) or getattr(before, name, None) for name in _REMEMBERED}
        return cls(
            pipeline_id=document["pipeline_id"],
            trigger_source=document["trigger_source"],
            source=event.source,
            **names,
        )


@dataclass(frozen=True)
class AcceptedEvent:
    """An event of a pipeline, and the time of its acceptance."""

    sequenced: SequencedEvent
    at: float


@dataclass(frozen=True)
class Pipeline:
    key: str  # see ``Event.pipeline_key``
    sequence: int = 0  # of the newest event; 0 before the first one
    event_type: str | None = None  # of the newest event
    run: PipelineRun = field(default_factory=PipelineRun)
    info: PipelineInfo | None = None
    entered_at: float | None = None  # unix seconds, when its present state was accepted
    version: int = field(default=0, compare=False)  # of its record
    recent: tuple[AcceptedEvent, ...] = field(default=(), compare=False)
    """Its newest events, in order; its record has them, so that one write accepts an event."""

    def apply(self, event: Event) -> "PipelineTransition | EventSkip":
        """Advance by an event; an unknown trigger is replaced by that of earlier events."""
        received, event = event, self._with_known_trigger(event)
        step = self.run.apply(event)
        if isinstance(step, Skip):
            info = self._info_after(event)
            after = replace(self, run=step.after, info=info, version=self.version + 1)
            return EventSkip(received, step.reason, self, after)
        sequenced: list[SequencedEvent] = []
        previous = self.event_type
        for sequence, event in enumerate(step.events, start=self.sequence + 1):
            sequenced.append(SequencedEvent(event, sequence, previous))
            previous = str(event.type)
        return PipelineTransition(self, step.after, tuple(sequenced))

    def _with_known_trigger(self, event: Event) -> Event:
        trigger = self.info.trigger_source if self.info else UNKNOWN_TRIGGER
        if trigger == UNKNOWN_TRIGGER or event.trigger_source != UNKNOWN_TRIGGER:
            return event
        return Event.restored(event.id, {**event.document, "trigger_source": trigger})

    def _info_after(self, event: Event) -> PipelineInfo | None:
        """Return the facts; even a skipped event may be the first with the trigger."""
        if self.info is None or self.info.trigger_source != UNKNOWN_TRIGGER:
            return self.info
        return replace(self.info, trigger_source=event.trigger_source)

    def recent_transitions(self) -> Iterator[tuple[AcceptedEvent, ...]]:
        """Yield the recent events, each behind those that were inferred from it."""
        events: list[AcceptedEvent] = []
        for accepted in self.recent:
            events.append(accepted)
            if not accepted.sequenced.event.is_inferred:
                yield tuple(events)
                events = []

    def find_recent(self, event: Event) -> Sequence[SequencedEvent]:
        """Return a recent event, behind those that were inferred from it; empty if it is none."""
        for transition in self.recent_transitions():
            events = [accepted.sequenced for accepted in transition]
            if events[-1].event.id == event.id:
                return events
            if inferred := [sequenced for sequenced in events if sequenced.event.id == event.id]:
                return inferred
        return ()

    def may_be_partially_sent(self, sequenced: SequencedEvent) -> bool:
        """Whether fan-out may have stopped half-way: only at the newest event of a FIFO group."""
        return sequenced.sequence == self.sequence


@dataclass(frozen=True)
class EventSkip:
    """An event that is not emitted, and the facts that the pipeline still learns from it."""

    event: Event
    reason: SkipReason
    before: Pipeline
    after: Pipeline

    @property
    def changes_pipeline(self) -> bool:
        return self.after != self.before


@dataclass(frozen=True)
class PipelineTransition:
    """Events of one step, written together or not at all."""

    before: Pipeline
    run: PipelineRun
    sequenced: tuple[SequencedEvent, ...]  # the inferred events and the one that implied them

    @property
    def newest(self) -> SequencedEvent:
        return self.sequenced[-1]

    def after(self, *, now: float) -> Pipeline:
        before, newest = self.before, self.newest.event
        is_entered = (self.run.number, self.run.state) != (
            before.run.number,
            before.run.state,
        )
        return Pipeline(
            before.key,
            self.newest.sequence,
            str(newest.type),
            self.run,
            PipelineInfo.from_event(newest, before=before.info),
            now if is_entered else before.entered_at,
            before.version + 1,
            (*before.recent, *(AcceptedEvent(event, now) for event in self.sequenced)),
        )


@dataclass(frozen=True)
class StallThresholds:
    limits: Limits = field(
        default_factory=lambda: {
            PipelineState.CREATED: 15 * 60.0,
            PipelineState.RUNNING: 24 * 3600.0,
        }
    )
    projects: Mapping[str, Limits] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse JSON; what is missing has its default. ``InvalidInput`` names the wrong value."""
        try:
            limits = parse_json_object(text)
            projects = {name: _limits(limit) for name, limit in limits.pop(_PROJECTS, {}).items()}
            return cls({**cls().limits, **_limits(limits)}, projects)
        except (ValueError, TypeError, AttributeError, InvalidInput) as error:
            raise InvalidInput(f"stall thresholds: {error}; write {_EXAMPLE}") from None

    def min_seconds(self, state: PipelineState) -> float:
        """Return the shortest limit of all projects."""
        own = [limits[state] for limits in self.projects.values() if state in limits]
        return min([self.limits[state], *own])

    def has_stalled(self, pipeline: Pipeline, *, now: float) -> bool:
        project = pipeline.info.project_name if pipeline.info else None
        limits = {**self.limits, **self.projects.get(project or "", {})}
        limit = limits.get(pipeline.run.state)
        return limit is not None and now - _entered_at(pipeline) >= limit


def infer_created(event: Event, *, run_number: int, earlier_ended_at: str | None) -> Event:
    """Build CREATED at the source's time, but for a rerun no earlier than the previous end."""
    created_at = event.document.get("created_at")
    if created_at is None or is_not_later(created_at, earlier_ended_at):
        created_at = event.began_at or event.at
    return _infer(EventType.PIPELINE_CREATED, event, run_number=run_number, at=created_at)


def infer_running(event: Event, *, run_number: int, began_at: str) -> Event:
    running = _infer(EventType.PIPELINE_RUNNING, event, run_number=run_number, at=began_at)
    running.document["began_at"] = began_at
    return running


def _infer(event_type: EventType, event: Event, *, run_number: int, at: str) -> Event:
    """Build an event. Its id contains the run, so it is the same however often it is inferred."""
    document = {name: event.document[name] for name in _CARRIED if name in event.document}
    document |= {"event_type": str(event_type), "timestamp": at, "updated_at": at, "inferred": True}
    return Event.restored(
        derive_event_id(event.pipeline_key, event_type, "round", run_number), document
    )


def is_state(event_type: EventType) -> bool:
    return event_type.is_of_pipeline and event_type is not STALLED


def _advanced(run: PipelineRun, event: Event) -> Transition:
    events = (*_inferred(run, event), event)
    after = replace(
        run,
        emitted=(*run.emitted, *(added.type for added in events)),
        began_at=event.began_at if _has_start_time(event) else run.began_at,
        changed_at=event.at,
        stalled=False,
    )
    return Transition(after, events)


def _inferred(run: PipelineRun, event: Event) -> Iterator[Event]:
    """Yield the events that must have happened before this one but were not reported."""
    if run.state is PipelineState.WAITING and event.type is not CREATED:
        yield infer_created(event, run_number=run.number, earlier_ended_at=run.earlier_ended_at)
    skips_running = run.state.order < PipelineState.RUNNING.order < _state_after(event.type).order
    if skips_running and event.began_at:
        yield infer_running(event, run_number=run.number, began_at=event.began_at)


def _state_after(event_type: EventType) -> PipelineState:
    return {CREATED: PipelineState.CREATED, RUNNING: PipelineState.RUNNING}.get(
        event_type, PipelineState.ENDED
    )


def _has_start_time(event: Event) -> bool:
    """Whether the event has its run's start; a waiting pipeline has that of the run before."""
    return event.began_at is not None and event.type is not CREATED


def stalled_event(pipeline: Pipeline, *, now: float) -> Event:
    """Build the stall's event. Its id contains run and state, so each stall is emitted once."""
    info, run = pipeline.info, pipeline.run
    assert info, f"pipeline {pipeline.key} is unfinished, and no event has described it"
    seconds = int(now - _entered_at(pipeline))
    stall = EventType.PIPELINE_STALLED
    document = {
        "pipeline_id": info.pipeline_id,
        "source": info.source,
        "event_type": str(stall),
        "trigger_source": info.trigger_source,
        "timestamp": format_rfc3339(now),
        "event_id": derive_event_id(pipeline.key, stall, "round", run.number, run.state),
        "project_name": info.project_name,
        "pipeline_name": info.pipeline_name,
        "pipeline_url": info.pipeline_url,
        "message": (
            f"{run.state} for {format_duration(seconds)}, and no change of state was reported"
        ),
        "data": _data(pipeline, seconds),
    }
    fields = {name: value for name, value in document.items() if value is not None}
    return Event.from_document(fields)


def _data(pipeline: Pipeline, seconds: int) -> Document:
    return {
        "state": str(pipeline.run.state),
        "since": format_rfc3339(_entered_at(pipeline)),
        "seconds": seconds,
        "round": pipeline.run.number,
    }


def _limits(thresholds: Mapping[str, Any]) -> Limits:
    if unknown := thresholds.keys() - set(ACTIVE_STATES):
        raise InvalidInput(f"{min(unknown)!a} is not a state that stalls")
    return {
        PipelineState(name): parse_duration(str(value), what=name, longest=MAX_SECONDS)
        for name, value in thresholds.items()
    }


def _entered_at(pipeline: Pipeline) -> float:
    assert pipeline.entered_at is not None, (
        f"pipeline {pipeline.key} is unfinished, and in no state"
    )
    return pipeline.entered_at
