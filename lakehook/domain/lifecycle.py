"""The life of a pipeline in rounds, made whole from notices that race, repeat and get lost.

::

              CREATED ¹           RUNNING             an end ²
    waiting ────────────▶ created ────────▶ running ──────────▶ ended
       ▲                     │               │   ▲                ▲ │
       │                     │     RUNNING ³ └───┘                │ │
       │                     └──────────────────── an end ² ──────┘ │
       │                  a notice of a later round                 │
       └────────────────────────────────────────────────────────────┘

    ¹ inferred before any other state    ² infers RUNNING where it is known when the round began
    ³ with a later beginning: the run was interrupted and resumed, and is not told again

A round is one run of a pipeline; a rerun is the next. A notice is of a later round, of this one or
of an earlier one:

- of a *later* round, only if ours has ended: if its ``began_at`` is later than ours; or, lacking a
  later one, if it says another state than our end, and at a later time. It opens the round.
- of an *earlier* round, if it began before ours, or happened before ours could: it is stale.
- else of *this* round. If it leads on, it is told; if the round has told the same, it is absorbed;
  if it leads back to a state that the round went past without telling, it is stale, too.

A round that runs, and is said to have begun later than we knew, goes on: a restart of the source
resumed it. Our ``began_at`` moves on with it, so an end of the earlier beginning is stale.

So each round tells CREATED, RUNNING and one end at most once, in this order, and none follows on a
round without an end. Tasks neither open nor end rounds. A stall is told once, while the round is
still in the state that stalls.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from lakehook.domain.event import Event, EventType
from lakehook.domain.inference import infer_created, infer_running
from lakehook.domain.instant import is_later, is_not_later

CREATED, RUNNING = EventType.PIPELINE_CREATED, EventType.PIPELINE_RUNNING
STALLED = EventType.PIPELINE_STALLED


class Stage(StrEnum):
    WAITING = "waiting"
    CREATED = "created"
    RUNNING = "running"
    ENDED = "ended"

    @property
    def place(self) -> int:
        return list(Stage).index(self)


UNENDED = (Stage.CREATED, Stage.RUNNING)


class Fate(StrEnum):
    """Why a notice is not sent."""

    ABSORBED = "absorbed"  # its round has told the same
    STALE = "stale"  # it comes too late for its place
    MOVED_ON = "moved_on"  # a stall that is over


@dataclass(frozen=True, kw_only=True)
class Round:
    """What was told of the present round, and what of the earlier ones still matters."""

    number: int = 0  # 0 before the first
    told: tuple[EventType, ...] = ()  # its states, in order
    began_at: str | None = None
    changed_at: str | None = None  # when it came to the newest of these states
    earlier_began_at: str | None = None
    earlier_ended_at: str | None = None
    stalled: bool = False  # and told so, in its present state

    @property
    def stage(self) -> Stage:
        return _stage_of(self.told[-1]) if self.told else Stage.WAITING

    def take(self, event: Event) -> "Step | Skip":
        if event.type is STALLED:
            return self._stall(event)
        if not is_state(event.type):
            return Step(self, (event,))
        if self._is_left_behind_by(event):
            return _advanced(self._next(), event)
        if self._has_left_behind(event):
            return Skip(Fate.STALE, self)
        if _stage_of(event.type).place > self.stage.place:
            return _advanced(self, event)
        return self._repeat(event)

    def _repeat(self, event: Event) -> "Skip":
        """A state that leads nowhere; but a run that is said to run again was resumed."""
        if event.type not in self.told:
            return Skip(Fate.STALE, self)
        is_resumed = event.type is RUNNING and self.stage is Stage.RUNNING
        if is_resumed and is_later(event.began_at, self.began_at):
            return Skip(Fate.ABSORBED, replace(self, began_at=event.began_at))
        return Skip(Fate.ABSORBED, self)

    def _stall(self, event: Event) -> "Step | Skip":
        """Who says no state or no round means the present one."""
        about = event.document.get("data") or {}
        is_of_now = (about.get("round", self.number), about.get("state", self.stage)) == (
            self.number,
            self.stage,
        )
        if not is_of_now or self.stage not in UNENDED:
            return Skip(Fate.MOVED_ON, self)
        if self.stalled:
            return Skip(Fate.ABSORBED, self)
        return Step(replace(self, stalled=True), (event,))

    def _is_left_behind_by(self, event: Event) -> bool:
        if self.number == 0:
            return True
        if self.stage is not Stage.ENDED:
            return False
        if is_later(event.began_at, self.began_at or self.changed_at):
            return True
        if _says_its_beginning(event) or event.type is self.told[-1]:
            return False
        return is_later(event.at, self.changed_at)

    def _has_left_behind(self, event: Event) -> bool:
        if _says_its_beginning(event):
            return is_later(self.began_at, event.began_at) or is_not_later(
                event.began_at, self.earlier_began_at
            )
        if _stage_of(event.type) is Stage.ENDED and is_later(self.began_at, event.at):
            return True
        return is_not_later(event.at, self.earlier_ended_at)

    def _next(self) -> Self:
        return type(self)(
            number=self.number + 1,
            earlier_began_at=self.began_at or self.earlier_began_at,
            earlier_ended_at=self.changed_at or self.earlier_ended_at,
        )


@dataclass(frozen=True)
class Step:
    """What a notice comes to: events to tell, inferred ones first, and the round after them."""

    after: Round
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Skip:
    """A notice that is not sent, and the round after it: it may have told of a later beginning."""

    fate: Fate
    after: Round


def is_state(event_type: EventType) -> bool:
    return event_type.is_of_pipeline and event_type is not STALLED


def _advanced(round_: Round, event: Event) -> Step:
    events = (*_inferred(round_, event), event)
    after = replace(
        round_,
        told=(*round_.told, *(one.type for one in events)),
        began_at=event.began_at if _says_its_beginning(event) else round_.began_at,
        changed_at=event.at,
        stalled=False,
    )
    return Step(after, events)


def _inferred(round_: Round, event: Event) -> Iterator[Event]:
    """What must have been before the event, though nobody has said so."""
    if round_.stage is Stage.WAITING and event.type is not CREATED:
        yield infer_created(
            event, round_number=round_.number, earlier_ended_at=round_.earlier_ended_at
        )
    skips_running = round_.stage.place < Stage.RUNNING.place < _stage_of(event.type).place
    if skips_running and event.began_at:
        yield infer_running(event, round_number=round_.number, began_at=event.began_at)


def _stage_of(event_type: EventType) -> Stage:
    return {CREATED: Stage.CREATED, RUNNING: Stage.RUNNING}.get(event_type, Stage.ENDED)


def _says_its_beginning(event: Event) -> bool:
    """What waits has not begun: a beginning it names is that of an earlier round."""
    return event.began_at is not None and event.type is not CREATED
