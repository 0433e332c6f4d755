"""A replay: events of the past are sent again to one subscription, in order, at a rate.

It is a record that the clock works off, so whoever asked for it may leave.

::

                        all is lined up
      open ────────────────────────────────▶ done
        └──────────────────────────────────▶ stopped
              by an operator; its subscription was removed
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from lakehook.domain.errors import BadInput
from lakehook.domain.event import Event, EventType
from lakehook.domain.lane import DeliveryRecord, Status
from lakehook.domain.moment import parse_moment
from lakehook.domain.rate import Rate
from lakehook.domain.subscription import Subscription, checked_event_types

AT_ONCE_SECONDS = 60.0  # of its rate a replay lines up so much: until the clock comes again
BEGINNING = "0"  # of time


class Wanted(StrEnum):
    """Deliveries by how they stand. What waits is let be: it goes in its turn."""

    DEAD = "dead"
    DELIVERED = "delivered"
    MISSING = "missing"  # never recorded: from before there was a subscription, or its filter
    ANY = "any"

    def takes(self, record: DeliveryRecord | None) -> bool:
        if record is None:
            return self in (Wanted.MISSING, Wanted.ANY)
        if record.status is Status.WAITING:
            return False
        return self is Wanted.ANY or str(record.status) == str(self)


class State(StrEnum):
    OPEN = "open"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What an operator asks for, as written."""

    since: str
    until: str = ""  # now
    event_types: tuple[str, ...] = ()  # none named: whatever the subscription wants
    status: str = Wanted.ANY
    rate: str = "10/s"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """A wish, understood. ``asked`` are its times as they were written."""

    since: float  # unix seconds, by when events were accepted
    until: float | None  # none: up to when the subscription is in force
    event_types: tuple[EventType, ...] = ()
    status: Wanted = Wanted.ANY
    rate: Rate
    asked: tuple[str, str] = ("", "")

    @classmethod
    def of(cls, wish: Wish, *, now: float) -> Self:
        """``BadInput`` names what is not allowed."""
        since = parse_moment(wish.since, what="since", now=now)
        until = parse_moment(wish.until, what="until", now=now) if wish.until else now
        for name, text, time in (("since", wish.since, since), ("until", wish.until, until)):
            if time > now:
                raise BadInput(f"{name}: {text[:40]!a} is yet to come; give a time up to now")
        if since > until:
            raise BadInput(f"since: {wish.since[:40]!a} is after until, {wish.until[:40]!a}")
        return cls(
            since=since,
            until=until,
            event_types=checked_event_types(wish.event_types),
            status=checked_wanted(wish.status),
            rate=Rate.parse(wish.rate),
            asked=(wish.since, wish.until),
        )

    def are_those_of(self, other: "Terms") -> bool:
        """Whether the same was asked: "2h" is another time each time, and the same wish."""
        return replace(self, since=0.0, until=None) == replace(other, since=0.0, until=None)

    def reach(self, event: Event, *, at: float, subscription: Subscription) -> bool:
        """Whether an event that was accepted then is meant, whatever became of its delivery."""
        is_asked_for = not self.event_types or event.type in self.event_types
        is_within = self.since <= at and (self.until is None or at <= self.until)
        wants = subscription.wants(event.type) and subscription.matches(event)
        return is_asked_for and is_within and wants


@dataclass(frozen=True, kw_only=True)
class Replay:
    id: str
    subscription_id: str
    terms: Terms
    state: State = State.OPEN
    reason: str = ""  # why it was stopped
    started_at: float
    ended_at: float | None = None
    next_at: float = 0.0  # when the next delivery may go, by the rate
    cursor: str = ""  # how far the journal has been read
    pipeline: str = ""  # the last one that was lined up: its events may go on behind the cursor
    matched: int | None = None  # deliveries, if they were counted when it was asked for
    sent: int = 0  # deliveries, lined up
    waiting: int = 0  # deliveries that waited anyway, and were let be
    failed: int = 0  # pipelines that were left out, for a fault of ours
    version: int = 0  # as it was read; 0 is that of a new one

    @property
    def is_open(self) -> bool:
        return self.state is State.OPEN

    def may_send(self, now: float) -> bool:
        return self.next_at < now + AT_ONCE_SECONDS

    def reaching(self, until: float) -> Self:
        return replace(self, terms=replace(self.terms, until=until))

    def claimed(self, now: float) -> Self:
        """What it did not send in the past is not made up for."""
        return replace(self, next_at=max(self.next_at, now))

    def lined_up(self, pipeline: str, *, sent: int, waiting: int) -> Self:
        return replace(
            self,
            pipeline=pipeline,
            sent=self.sent + sent,
            waiting=self.waiting + waiting,
            next_at=self.next_at + sent * self.terms.rate.seconds_each,
        )

    def left_out(self, pipeline: str) -> Self:
        return replace(self, pipeline=pipeline, failed=self.failed + 1)

    def ended(self, state: State, *, now: float, reason: str = "") -> Self:
        return replace(self, state=state, reason=reason, ended_at=now)


def checked_wanted(name: str) -> Wanted:
    if name not in tuple(Wanted):
        raise BadInput(f"status: {name[:40]!a} is none of {_listed(Wanted)}")
    return Wanted(name)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
