"""Held lane: its head has failed, nothing overtakes it, the others wait in the ledger.

::

                    head fails                     head fails, budget left
      flowing ───────────────────▶ held, due ◀──────────────────────────┐
         ▲                          │  │  ▲ └──────── attempt ───────────┘
         │   last one delivered     │  │  │
         └──────────────────────────┘  │  └── a dead letter is redriven
                                       │ budget spent
                                       ▼
                                 held by a dead letter

A flowing lane has no record at all: that is what makes it cheap.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.delivery import Delivery, Lane

LEASE_SECONDS = 300.0  # a lost resume is sent again after this
EXPIRES_AFTER_SECONDS = 30 * 24 * 3600.0  # waiting time for a blocked subscription
RESERVATION_SECONDS = 15.0
MAX_ATTEMPTS_KEPT = 20
MOVED_BY_SQS = "moved_by_sqs"  # reason of a dead letter without attributes or record
MAX_UNFINISHED_ATTEMPTS = 3  # without an outcome: such a delivery seems to crash its workers


class DeliveryStatus(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"
    DISCARDED = "discarded"
    ABORTED = "aborted"  # as the endpoint's response requested

    @property
    def is_final(self) -> bool:
        return self in (DeliveryStatus.DELIVERED, DeliveryStatus.DISCARDED, DeliveryStatus.ABORTED)


_SETTLED = {Outcome.DELIVERED: DeliveryStatus.DELIVERED, Outcome.ABORTED: DeliveryStatus.ABORTED}


class SuspendedReason(StrEnum):
    """Reason why a lane waits for something its subscription shares, instead of its own retry."""

    CIRCUIT_OPEN = "circuit_open"  # the endpoint is down; a successful probe resumes the lane
    CONCURRENCY_LIMIT = "concurrency_limit"  # the endpoint is slow, and all its permits are taken
    RATE_LIMIT = "rate_limit"  # all send times within the horizon are reserved
    BLOCKED = "blocked"  # the subscription is paused or disabled


@dataclass(frozen=True, kw_only=True)
class HeldLane:
    """The record of a lane that holds deliveries. Each write is conditional on ``version``.

    A suspended lane, and one behind a dead letter, has no due time: it costs nothing while it
    waits. What it waits for resumes it, and ``delivery/scheduler.py`` if that was lost.
    """

    lane: Lane
    head: int  # the sequence of the delivery that nothing overtakes
    due_at: float | None  # unix seconds; the scheduler resumes the lane at this time
    held_since: float
    attempts: int = 0  # of the head, in its present budget
    head_is_dead: bool = False  # the head is a dead letter
    suspended_reason: SuspendedReason | None = None  # None if it is not suspended
    retry_at: float = 0.0  # the head's own next attempt; an earlier probe spends no budget
    retry_after_until: float = 0.0  # no attempt of the head before this, by Retry-After
    reserved_at: float = 0.0  # reserved send time of the head's next attempt
    version: int

    @classmethod
    def held_at(cls, lane: Lane, head: int, *, now: float) -> Self:
        """A newly held lane. Its versions start from the clock, above those of earlier records."""
        version = round(now * 1000)
        return cls(lane=lane, head=head, due_at=now, held_since=now, version=version)

    def __post_init__(self) -> None:
        waits_for_another = self.suspended or self.head_is_dead
        assert waits_for_another or self.due_at is not None, f"{self.lane} waits for nothing"

    @property
    def suspended(self) -> bool:
        """Whether the lane has no time of its own, and its subscription resumes it."""
        return self.suspended_reason is not None

    @property
    def due_token(self) -> int:
        """The due time in milliseconds, as a resume carries it; 0 if there is none."""
        return round((self.due_at or 0.0) * 1000)

    def is_due(self, now: float) -> bool:
        return self.due_at is not None and self.due_at <= now

    def is_before_reservation(self, now: float) -> bool:
        return now < self.reserved_at

    def has_valid_reservation(self, now: float) -> bool:
        """Whether the reserved send time has come and is still valid; an old one may be taken."""
        return self.reserved_at <= now < self.reserved_at + RESERVATION_SECONDS

    def is_before_retry(self, time: float) -> bool:
        """Whether ``time`` is before the head's own retry, in whole seconds as in the queue."""
        return time < self.retry_at - 1

    def head_failed(self, *, due_at: float, retry_after_until: float = 0.0) -> Self:
        return self._changed(
            attempts=self.attempts + 1,
            due_at=due_at,
            retry_at=due_at,
            retry_after_until=retry_after_until,
        )

    def probe_failed(self, *, retry_after_until: float) -> Self:
        """Return the lane after a failed early probe, which spends none of the head's budget."""
        retry_after_until = max(retry_after_until, self.retry_after_until)
        return self._changed(
            due_at=max(self.retry_at, retry_after_until), retry_after_until=retry_after_until
        )

    def with_appended(self, sequence: int, *, now: float) -> Self:
        """Add a waiting delivery; it is behind the head, unless its sequence is lower."""
        if sequence > self.head:
            return self._with_more_behind()
        return self._with_head(
            sequence,
            due_at=now if self.head_is_dead else self.due_at,
            suspended_reason=self.suspended_reason,
            reserved_at=self.reserved_at,
        )

    def with_attempt_started(self) -> Self:
        """Increment the version before an attempt, so that other workers get a conflict."""
        return self._changed()

    def redriven(self, sequence: int, *, now: float) -> Self:
        """Make a redriven delivery the head, due now with a fresh budget, or let it wait behind."""
        if sequence > self.head:
            return self._with_more_behind()
        return self.advanced_to(sequence, now=now)

    def replayed(self, lowest: int, *, due_at: float) -> Self:
        """Add replayed deliveries; the lowest becomes the head unless all come behind it.

        An open breaker, a slow endpoint and Retry-After delay them as before.
        """
        if lowest > self.head:
            return self._with_more_behind()
        return self._with_head(
            lowest,
            due_at=None if self.suspended else max(due_at, self.retry_after_until),
            suspended_reason=self.suspended_reason,
            retry_after_until=self.retry_after_until,
        )

    def _with_more_behind(self) -> Self:
        """Change nothing but the version: what the head waits for stays as it is."""
        return self._changed(suspended_reason=self.suspended_reason, reserved_at=self.reserved_at)

    def advanced_to(self, head: int, *, now: float) -> Self:
        return self._with_head(head, due_at=now)

    def _with_head(self, head: int, *, due_at: float | None, **kept: Any) -> Self:
        """Make a delivery the head, with a fresh budget."""
        fresh = {"attempts": 0, "head_is_dead": False, "retry_at": 0.0, "retry_after_until": 0.0}
        return self._changed(head=head, due_at=due_at, **(fresh | kept))

    def with_dead_head(self) -> Self:
        return self._changed(due_at=None, head_is_dead=True)

    def suspended_for(self, reason: SuspendedReason) -> Self:
        return self._changed(due_at=None, suspended_reason=reason)

    def blocked(self, *, held_since: float | None = None) -> Self:
        """Wait for the subscription. ``held_since`` is when the first that may expire began to."""
        since = self.held_since if held_since is None else held_since
        reason = None if self.head_is_dead else SuspendedReason.BLOCKED
        return self._changed(due_at=None, suspended_reason=reason, held_since=since)

    def with_reservation(self, reserved_at: float, *, due_at: float) -> Self:
        """Schedule the head's attempt at its reserved send time."""
        return self._changed(due_at=due_at, reserved_at=reserved_at)

    def resumed(self, *, now: float) -> Self:
        return self._changed(due_at=max(now, self.retry_after_until))

    def _changed(
        self,
        *,
        suspended_reason: SuspendedReason | None = None,
        reserved_at: float = 0.0,
        **changes: Any,
    ) -> Self:
        """Apply changes and drop the reservation, which is used once."""
        return replace(
            self,
            version=self.version + 1,
            suspended_reason=suspended_reason,
            reserved_at=reserved_at,
            **changes,
        )


@dataclass(frozen=True, kw_only=True)
class DeliveryRecord:
    """The ledger's record of one delivery. It contains the event until its status is final."""

    lane: Lane
    sequence: int
    event_id: str
    event_type: str
    status: DeliveryStatus
    attempts: int = 0  # in total, over all budgets
    attempts_log: tuple[Attempt, ...] = ()  # the latest
    attempts_started: int = 0  # consecutive attempts without a known outcome
    reason: str = ""  # why it is dead or discarded
    replayed_by: str = ""  # the last replay that sent it, or will
    delivery: Delivery | None = None
    version: int = field(default=0, compare=False)  # as read; 0 for a new record
    changed_at: float = field(default=0.0, compare=False)  # unix seconds of the last write

    @classmethod
    def waiting(cls, delivery: Delivery) -> Self:
        return cls(
            lane=delivery.lane,
            sequence=delivery.sequence,
            event_id=delivery.event.id,
            event_type=delivery.event.type,
            status=DeliveryStatus.WAITING,
            delivery=delivery,
        )

    @property
    def id(self) -> str:
        """Id of its delivery: subscription, pipeline and sequence."""
        return f"{self.lane}#{self.sequence}"

    def with_attempt(self, attempt: Attempt) -> Self:
        log = (*self.attempts_log, attempt)[-MAX_ATTEMPTS_KEPT:]
        settled = _SETTLED.get(attempt.outcome)
        return replace(
            self,
            attempts=self.attempts + 1,
            attempts_log=log,
            attempts_started=0,
            status=settled or self.status,
            delivery=None if settled else self.delivery,
        )

    def mark_attempt_started(self) -> Self:
        return replace(self, attempts_started=self.attempts_started + 1)

    def redriven(self, *, late: bool) -> Self:
        """Return the redriven record; ``late`` if later deliveries were sent before it."""
        assert self.delivery, f"{self.id} is dead without its event"
        delivery = replace(self.delivery, late=late)
        return replace(
            self, status=DeliveryStatus.WAITING, reason="", attempts_started=0, delivery=delivery
        )

    def replayed(self, delivery: Delivery, *, by: str) -> Self:
        """Return the record as waiting for a replay, whatever its status."""
        return replace(
            self,
            status=DeliveryStatus.WAITING,
            reason="",
            attempts_started=0,
            delivery=replace(delivery, replayed=True),
            replayed_by=by,
        )

    def dead(self, reason: str) -> Self:
        return replace(self, status=DeliveryStatus.DEAD, reason=reason)

    def crashed(self) -> Self:
        """Dead-letter after attempts without an outcome. They count, so dead letters differ."""
        return replace(self.dead("crashed"), attempts=self.attempts + self.attempts_started)

    def discarded(self, reason: str) -> Self:
        return replace(self, status=DeliveryStatus.DISCARDED, reason=reason, delivery=None)
