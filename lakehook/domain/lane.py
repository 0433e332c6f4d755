"""A held lane: its head has failed, nothing overtakes it, the others wait in the ledger.

::

                    head fails                     head fails, budget left
      flowing ───────────────────▶ held, due ◀──────────────────────────┐
         ▲                          │  │  ▲ └──────── attempt ───────────┘
         │   last one delivered     │  │  │
         └──────────────────────────┘  │  └── a letter is redriven
                                       │ budget spent
                                       ▼
                                 held by a dead letter

A flowing lane has no record at all: that is what makes it cheap.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.outcome import Attempt, Outcome

LOOK_AGAIN_SECONDS = 3600.0  # a blocked lane is looked at within the hour, so none is forgotten
LEASE_SECONDS = 300.0  # a resume that is lost is sent again after this
EXPIRES_AFTER_SECONDS = 30 * 24 * 3600.0  # of waiting for a subscription that is blocked
PLACE_SECONDS = 15.0
MOST_ATTEMPTS_KEPT = 20
MOST_ANNOUNCEMENTS = 3  # without an outcome: what was announced so often brings workers down


class Status(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"
    DISCARDED = "discarded"
    ABORTED = "aborted"  # by the receiver's word

    @property
    def is_final(self) -> bool:
        return self in (Status.DELIVERED, Status.DISCARDED, Status.ABORTED)


class SuspendedReason(StrEnum):
    """Why a lane waits for its endpoint, or for others, and not for its own retry."""

    CIRCUIT_OPEN = "circuit_open"  # the endpoint is down; its probe's success resumes the lane
    CONCURRENCY_LIMIT = "concurrency_limit"  # the endpoint is slow, and has enough workers
    RATE_LIMIT = "rate_limit"  # every send time that may be reserved is taken


@dataclass(frozen=True, kw_only=True)
class HeldLane:
    """The record of a lane that holds something. Each write is conditional on ``version``."""

    lane: Lane
    head: int  # the sequence that nothing overtakes
    due_at: float  # unix seconds; no look before, one soon after
    held_since: float
    attempts: int = 0  # of the head, within its budget
    dead: bool = False  # the head is a dead letter
    suspended_reason: SuspendedReason | None = None  # none: it is not suspended
    retry_at: float = 0.0  # the head's own next attempt; one that a probe makes before is free
    hinted_until: float = 0.0  # no attempt of the head before, by its receiver's wish
    place: float = 0.0  # of the head's next attempt in the subscription's pace
    version: int

    @classmethod
    def at(cls, lane: Lane, head: int, *, now: float) -> Self:
        """A lane held anew. Its versions begin at the time, above all of an earlier hold."""
        version = round(now * 1000)
        return cls(lane=lane, head=head, due_at=now, held_since=now, version=version)

    @property
    def suspended(self) -> bool:
        """A success elsewhere may resume it before it is due."""
        return self.suspended_reason is not None

    @property
    def token(self) -> int:
        """The due time in milliseconds, as a resume carries it."""
        return round(self.due_at * 1000)

    def is_due(self, now: float) -> bool:
        return self.due_at <= now

    def has_place_after(self, now: float) -> bool:
        return now < self.place

    def has_place_at(self, now: float) -> bool:
        """Whoever comes much too late has lost it: others may be going by now."""
        return self.place <= now < self.place + PLACE_SECONDS

    def would_be_early(self, time: float) -> bool:
        """Before the head's own time; whole seconds count, as in the queue."""
        return time < self.retry_at - 1

    def head_failed(self, *, due_at: float, hinted_until: float = 0.0) -> Self:
        return self._moved(
            attempts=self.attempts + 1,
            due_at=due_at,
            retry_at=due_at,
            hinted_until=hinted_until,
        )

    def failed_early(self, *, hinted_until: float) -> Self:
        """Before its time: that tells of the endpoint, and costs the head nothing."""
        hinted_until = max(hinted_until, self.hinted_until)
        return self._moved(due_at=max(self.retry_at, hinted_until), hinted_until=hinted_until)

    def joined_by(self, sequence: int) -> Self:
        """Another delivery has begun to wait; behind the head, unless it should have been it."""
        if sequence < self.head:
            moved = self.moved_on(sequence, now=self.due_at)
            return replace(moved, suspended_reason=self.suspended_reason, place=self.place)
        return self._moved(suspended_reason=self.suspended_reason, place=self.place)

    def announced(self) -> Self:
        """An attempt of the head is about to begin: whoever else holds the lane has lost it."""
        return self._moved()

    def revived(self, sequence: int, *, now: float) -> Self:
        """A redriven letter goes next, at once and with a fresh budget, or waits its turn."""
        if sequence > self.head:
            return self._moved(suspended_reason=self.suspended_reason, place=self.place)
        return self.moved_on(sequence, now=now)

    def replayed(self, lowest: int, *, due_at: float) -> Self:
        """Deliveries of the past wait anew; the head is theirs unless they all come behind it.

        An endpoint that is down or slow, and a receiver's wish, put them off as they did before.
        """
        if lowest > self.head:
            return self._moved(suspended_reason=self.suspended_reason)
        due_at = self.due_at if self.suspended else max(due_at, self.hinted_until)
        moved = self.moved_on(lowest, now=due_at)
        return replace(
            moved, suspended_reason=self.suspended_reason, hinted_until=self.hinted_until
        )

    def moved_on(self, head: int, *, now: float) -> Self:
        return self._moved(
            head=head, attempts=0, due_at=now, dead=False, retry_at=0.0, hinted_until=0.0
        )

    def blocked(self, *, now: float) -> Self:
        return self._moved(due_at=now + LOOK_AGAIN_SECONDS)

    def died(self, *, now: float) -> Self:
        return self._moved(due_at=now + LOOK_AGAIN_SECONDS, dead=True)

    def suspended_until(self, time: float, *, reason: SuspendedReason) -> Self:
        return self._moved(due_at=time, suspended_reason=reason)

    def placed(self, place: float, *, due_at: float) -> Self:
        """The head goes when its place has come."""
        return self._moved(due_at=due_at, place=place)

    def roused(self, *, now: float) -> Self:
        return self._moved(due_at=max(now, self.hinted_until))

    def _moved(
        self,
        *,
        suspended_reason: SuspendedReason | None = None,
        place: float = 0.0,
        **changes: Any,
    ) -> Self:
        """A place that was given serves once: whatever else is written, it is gone."""
        return replace(
            self,
            version=self.version + 1,
            suspended_reason=suspended_reason,
            place=place,
            **changes,
        )


@dataclass(frozen=True, kw_only=True)
class DeliveryRecord:
    """What the ledger knows of one delivery. Its event stays with it until it is final."""

    lane: Lane
    sequence: int
    event_id: str
    event_type: str
    status: Status
    attempts: int = 0  # in all, over every budget
    log: tuple[Attempt, ...] = ()  # the latest
    announced: int = 0  # attempts begun, one after the other, of which no outcome is known
    reason: str = ""  # why it is dead or discarded
    replayed_by: str = ""  # the last replay that sent it, or is to
    delivery: Delivery | None = None
    version: int = field(default=0, compare=False)  # as it was read; 0 is that of a new one
    changed_at: float = field(default=0.0, compare=False)  # unix seconds, when it was written

    @classmethod
    def waiting(cls, delivery: Delivery) -> Self:
        return cls(
            lane=delivery.lane,
            sequence=delivery.sequence,
            event_id=delivery.event.id,
            event_type=delivery.event.type,
            status=Status.WAITING,
            delivery=delivery,
        )

    def tried(self, attempt: Attempt) -> Self:
        log = (*self.log, attempt)[-MOST_ATTEMPTS_KEPT:]
        settled = _SETTLED.get(attempt.outcome)
        return replace(
            self,
            attempts=self.attempts + 1,
            log=log,
            announced=0,
            status=settled or self.status,
            delivery=None if settled else self.delivery,
        )

    def announce(self) -> Self:
        return replace(self, announced=self.announced + 1)

    def revived(self, *, late: bool) -> Self:
        """A dead letter that is redriven; ``late`` when others have gone by meanwhile."""
        assert self.delivery, f"{self.lane}#{self.sequence} is dead without its event"
        delivery = replace(self.delivery, late=late)
        return replace(self, status=Status.WAITING, reason="", announced=0, delivery=delivery)

    def replayed(self, delivery: Delivery, *, by: str) -> Self:
        """It is to be sent, whatever became of it; a replay's mark tells it to the receiver."""
        return replace(
            self,
            status=Status.WAITING,
            reason="",
            announced=0,
            delivery=replace(delivery, replayed=True),
            replayed_by=by,
        )

    def dead(self, reason: str) -> Self:
        return replace(self, status=Status.DEAD, reason=reason)

    def crashed(self) -> Self:
        """Dead of attempts without an outcome. They count: so no two deaths look alike."""
        return replace(self.dead("crashed"), attempts=self.attempts + self.announced)

    def discarded(self, reason: str) -> Self:
        return replace(self, status=Status.DISCARDED, reason=reason, delivery=None)


_SETTLED = {Outcome.DELIVERED: Status.DELIVERED, Outcome.ABORTED: Status.ABORTED}
