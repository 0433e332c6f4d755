"""Replay: past events are sent again to one subscription, in order, at a rate.

The scheduler processes a stored record, so the operator's command may end.

::

                  all is enqueued
    open ────────────────────────────────▶ done
      └──────────────────────────────────▶ stopped
             by an operator; its subscription was removed
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from lakehook.domain.errors import InvalidInput
from lakehook.domain.event import Event, EventType
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus
from lakehook.domain.rate_limit import Rate
from lakehook.domain.subscription import Subscription, parse_event_types
from lakehook.domain.time import parse_time_or_ago

AT_ONCE_SECONDS = 60.0  # share of the rate that one run of the scheduler enqueues
BEGINNING = "0"  # of the journal


class DeliveryFilter(StrEnum):
    """Deliveries by status. A waiting delivery is left alone: it is sent anyway."""

    DEAD = "dead"
    DELIVERED = "delivered"
    MISSING = "missing"  # no record: accepted before the subscription or its filter existed
    ANY = "any"

    def matches(self, record: DeliveryRecord | None) -> bool:
        if record is None:
            return self in (DeliveryFilter.MISSING, DeliveryFilter.ANY)
        if record.status is DeliveryStatus.WAITING:
            return False
        return self is DeliveryFilter.ANY or str(record.status) == str(self)


class ReplayState(StrEnum):
    OPEN = "open"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class ReplayRequest:
    """A replay as an operator requested it."""

    since: str
    until: str = ""  # empty: now
    event_types: tuple[str, ...] = ()  # empty: the subscription's own
    status: str = DeliveryFilter.ANY
    rate: str = "10/s"


@dataclass(frozen=True, kw_only=True)
class ReplayCriteria:
    """Parsed criteria. ``requested`` holds the times as they were written."""

    since: float  # unix seconds, of the events' acceptance
    until: float | None  # None: when the new subscription takes effect
    event_types: tuple[EventType, ...] = ()
    status: DeliveryFilter = DeliveryFilter.ANY
    rate: Rate
    requested: tuple[str, str] = ("", "")

    @classmethod
    def from_request(cls, request: ReplayRequest, *, now: float) -> Self:
        """Parse a request; ``InvalidInput`` names the wrong field."""
        since = parse_time_or_ago(request.since, what="since", now=now)
        until = parse_time_or_ago(request.until, what="until", now=now) if request.until else now
        for name, text, time in (("since", request.since, since), ("until", request.until, until)):
            if time > now:
                raise InvalidInput(f"{name}: {text[:40]!a} is in the future; give a time up to now")
        if since > until:
            raise InvalidInput(
                f"since: {request.since[:40]!a} is after until, {request.until[:40]!a}"
            )
        return cls(
            since=since,
            until=until,
            event_types=parse_event_types(request.event_types),
            status=parse_delivery_filter(request.status),
            rate=Rate.parse(request.rate),
            requested=(request.since, request.until),
        )

    def equals(self, other: "ReplayCriteria") -> bool:
        """Whether the requests are equal: "2h" is another time each time, but the same request."""
        return replace(self, since=0.0, until=None) == replace(other, since=0.0, until=None)

    def matches(self, event: Event, *, at: float, subscription: Subscription) -> bool:
        """Whether an event accepted at ``at`` is selected, whatever its delivery's status."""
        is_asked_for = not self.event_types or event.type in self.event_types
        is_within = self.since <= at and (self.until is None or at <= self.until)
        wants = subscription.accepts_type(event.type) and subscription.matches(event)
        return is_asked_for and is_within and wants


@dataclass(frozen=True, kw_only=True)
class Replay:
    id: str
    subscription_id: str
    criteria: ReplayCriteria
    state: ReplayState = ReplayState.OPEN
    reason: str = ""  # why it was stopped
    started_at: float
    ended_at: float | None = None
    next_at: float = 0.0  # earliest time of the next delivery, by the rate
    cursor: str = ""  # position in the journal
    pipeline: str = ""  # the last one enqueued; its events may continue after the cursor
    matched: int | None = None  # deliveries, if they were counted at the start
    sent: int = 0  # deliveries that were enqueued
    waiting: int = 0  # deliveries that were waiting anyway, and left alone
    failed: int = 0  # pipelines that were skipped because of an internal error
    version: int = 0  # as read; 0 for a new record

    @property
    def is_open(self) -> bool:
        return self.state is ReplayState.OPEN

    def may_send(self, now: float) -> bool:
        return self.next_at < now + AT_ONCE_SECONDS

    def with_end(self, until: float) -> Self:
        return replace(self, criteria=replace(self.criteria, until=until))

    def claimed(self, now: float) -> Self:
        """Claim the next batch; an unused rate of the past is not made up for."""
        return replace(self, next_at=max(self.next_at, now))

    def with_enqueued(self, pipeline: str, *, sent: int, waiting: int) -> Self:
        return replace(
            self,
            pipeline=pipeline,
            sent=self.sent + sent,
            waiting=self.waiting + waiting,
            next_at=self.next_at + sent * self.criteria.rate.seconds_each,
        )

    def with_skipped(self, pipeline: str) -> Self:
        return replace(self, pipeline=pipeline, failed=self.failed + 1)

    def ended(self, state: ReplayState, *, now: float, reason: str = "") -> Self:
        return replace(self, state=state, reason=reason, ended_at=now)


def parse_delivery_filter(name: str) -> DeliveryFilter:
    if name not in tuple(DeliveryFilter):
        raise InvalidInput(f"status: {name[:40]!a} is not one of {', '.join(DeliveryFilter)}")
    return DeliveryFilter(name)
