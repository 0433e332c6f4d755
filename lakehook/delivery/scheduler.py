"""Scheduler: resumes held lanes that are due, and suspended lanes, the longest held first.

Lanes and probes have their own part of a tick each, so that many of one delay no other.

Twice an hour each subscription is rechecked, for lanes that wait without a due time. What such a
lane waits for resumes it: a successful probe, a permit, a send time, an operator. That resume may
be lost, by a kill between two writes or an index that lags. Then it is made up for here, at a cost
that does not depend on how much waits. Deliveries expire by it, too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from zlib import crc32

from lakehook.delivery.dependencies import DeliveryDependencies
from lakehook.domain.circuit_breaker import (
    CHECK_SECONDS,
    PERMITS,
    PROBE_LEASE_SECONDS,
    EndpointHealth,
)
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.lane import EXPIRES_AFTER_SECONDS, LEASE_SECONDS, HeldLane, SuspendedReason
from lakehook.domain.queue_message import Resume
from lakehook.domain.subscription import Ordering, Subscription
from lakehook.ports.queues import DeliveryQueue
from lakehook.ports.stores import DueItem, EndpointHealthStore, Ledger, SubscriptionReader
from lakehook.ports.system import Clock
from lakehook.ports.telemetry import Telemetry

MAX_LANES_EXAMINED = 100  # some of them may still have to wait by their endpoint's Retry-After
MAX_LANES_PROBED = 500  # each minute while an endpoint is down, however much waits for it
LANES_AT_A_TIME = 10
LANES_TO_CHOOSE_FROM = 20
MAX_INDEX_LAG_SECONDS = 600.0  # DynamoDB states no bound; usually it is milliseconds
MAX_RUN_SECONDS, MAX_PROBING_SECONDS = 15.0, 8.0
"""Of one tick, so that probes, stalls, replays and notices have theirs; what is left stays due."""
RARE_CHECK_SECONDS = 3600.0  # of an endpoint that is blocked, or that no lane waits for
LATE_SECONDS = 120.0  # a tick comes each minute, and one may fail
MAX_ERRORS = 3  # one failure may concern one lane; this many concern the table
MINUTE = 60.0
PERIOD_MINUTES = 30  # half of the hour that is promised, so that one tick may fail
MAX_RECHECK_SECONDS = 5.0  # of a tick
MAX_LANES_RECHECKED = 100  # of a subscription at a time; the success of one resumes those behind it
MAX_LANES_RECHECKED_FOR: Mapping[SuspendedReason | None, int] = {
    SuspendedReason.CONCURRENCY_LIMIT: PERMITS,
    SuspendedReason.RATE_LIMIT: 10,
}
LANES_A_SECOND = 10.0


@dataclass(frozen=True)
class DueItems:
    """Leases what is due, and enqueues its resumes, until the time is over."""

    queue: DeliveryQueue
    clock: Clock
    telemetry: Telemetry

    def resume(
        self,
        due: Iterator[DueItem],
        lease: Callable[[DueItem, float], Resume | None],
        *,
        seconds: float,
    ) -> int:
        """Return how many were resumed.

        The due time is moved first, and the resume carries the new time as its token: of two
        concurrent ticks, one sends it.
        """
        resumed, latest, errors = 0, 0.0, list[InfrastructureError]()
        began_at = self.clock.now()
        for batch in _batches(due, LANES_AT_A_TIME):
            leased = self._lease(batch, lease, errors)
            resumed += len(leased) - len(self.queue.enqueue_resumes(list(leased.values())))
            latest = max(latest, *(began_at - item.due_at for item in leased), 0.0)
            if len(errors) >= MAX_ERRORS:
                raise errors[-1]
            if self.clock.now() >= began_at + seconds:
                break
        if latest > LATE_SECONDS:
            self.telemetry.resumed_late(latest)
        return resumed

    def _lease(
        self,
        due: Iterable[DueItem],
        lease: Callable[[DueItem, float], Resume | None],
        errors: list[InfrastructureError],
    ) -> dict[DueItem, Resume]:
        """Lease them all even if some fail, since a lease lasts minutes."""
        until = self.clock.now() + LEASE_SECONDS
        resumes: dict[DueItem, Resume] = {}
        for item in due:
            try:
                resume = lease(item, until)
            except InfrastructureError as error:
                self.telemetry.internal_error(error, doing="resume a lane")
                errors.append(error)
            else:
                resumes |= {item: resume} if resume else {}
            if len(errors) >= MAX_ERRORS:
                break
        return resumes


@dataclass(frozen=True)
class ResumeDueLanes:
    ledger: Ledger
    items: DueItems
    clock: Clock

    def __call__(self) -> int:
        """Resume the lanes that are due, as far as time allows, and return how many."""
        due = self.ledger.due(self.clock.now())
        return self.items.resume(due, self._lease, seconds=MAX_RUN_SECONDS)

    def _lease(self, due: DueItem, until: float) -> Resume | None:
        if due.is_breaker:  # as an earlier release kept it, among the lanes
            self.ledger.lease(due, until=self.clock.now())
            return None
        token = self.ledger.lease(due, until=until)
        return None if token is None else Resume(due.lane, token)


@dataclass(frozen=True)
class ProbeEndpoints:
    ledger: Ledger
    endpoint_health: EndpointHealthStore
    subscriptions: SubscriptionReader
    items: DueItems
    clock: Clock

    def __call__(self) -> int:
        """Resume a lane of each endpoint that is due for a probe or a check; return how many."""
        due = self.ledger.due_breakers(self.clock.now())
        return self.items.resume(due, self._probe, seconds=MAX_PROBING_SECONDS)

    def _probe(self, breaker: DueItem, until: float) -> Resume | None:
        """Probe the endpoint by the lane that has spent least of its budget.

        Suspended lanes come first: any number of dead ones may be held longer. If no lane is ready,
        the probe stays due, for the next lane that is processed.
        """
        subscription_id = breaker.lane.subscription_id
        subscription = self.subscriptions.find(subscription_id)
        if subscription and subscription.is_blocked and not subscription.removed_at:
            self.ledger.lease(breaker, until=self.clock.now() + RARE_CHECK_SECONDS)
            return None
        health = self.endpoint_health.find(subscription_id)
        if not health.is_open:
            is_removed = bool(subscription and subscription.removed_at)
            return self._resume_forgotten(breaker, until, health, is_removed=is_removed)
        lanes = self._candidates(subscription_id)
        lease = self.clock.now() + PROBE_LEASE_SECONDS
        if not lanes or self.ledger.lease(breaker, until=lease) is None:
            return None
        lane: HeldLane = min(lanes, key=lambda held: held.attempts)
        # A resume of the same lane in this tick must not be taken for the probe.
        token = self.ledger.lease(DueItem.of(lane), until=until + 1)
        return None if token is None else Resume(lane.lane, token, probe=True)

    def _resume_forgotten(
        self, limited: DueItem, until: float, health: EndpointHealth, *, is_removed: bool
    ) -> Resume | None:
        """Resume a lane of a limited or recovering endpoint, if one waits: it resumes the next.

        Without one, the health of a removed endpoint is deleted: nothing else would end its checks.
        """
        suspended = self.ledger.suspended_lanes(health.subscription_id)
        lane = next(filter(self._is_ready, islice(suspended, MAX_LANES_EXAMINED)), None)
        if lane is None and is_removed:
            self._close(health)
            return None
        seconds = CHECK_SECONDS if lane else RARE_CHECK_SECONDS
        leased = self.ledger.lease(limited, until=self.clock.now() + seconds)
        if lane is None or leased is None:
            return None
        token = self.ledger.lease(DueItem.of(lane), until=until)
        return None if token is None else Resume(lane.lane, token)

    def _candidates(self, subscription_id: str) -> list[HeldLane]:
        """Return lanes that may be attempted; without any held lane the breaker is idle."""
        waiting = self._waiting(subscription_id)
        first = next(waiting, None)
        if first is None:
            self._close_idle_breaker(subscription_id)
            return []
        examined = islice(chain([first], waiting), MAX_LANES_PROBED)
        return list(islice(filter(self._is_ready, examined), LANES_TO_CHOOSE_FROM))

    def _waiting(self, subscription_id: str) -> Iterator[HeldLane]:
        yield from self.ledger.suspended_lanes(subscription_id)
        yield from self.ledger.held_lanes(subscription_id)

    def _close_idle_breaker(self, subscription_id: str) -> None:
        """Close a breaker behind which no lane has waited since long before it was due.

        The index of held lanes may lag, and a closed breaker resumes no lane. While the breaker is
        due, no lane comes to wait behind it: the next delivery is its probe.
        """
        health = self.endpoint_health.find(subscription_id)
        if health.due_at and health.due_at + MAX_INDEX_LAG_SECONDS <= self.clock.now():
            self._close(health)

    def _close(self, health: EndpointHealth) -> None:
        """Delete the record of an endpoint's health, unless it has changed."""
        after = EndpointHealth(subscription_id=health.subscription_id)
        self.endpoint_health.save(health, after)

    def _is_ready(self, lane: HeldLane) -> bool:
        return not lane.head_is_dead and lane.retry_after_until <= self.clock.now()


def resume_suspended_lanes(
    dependencies: DeliveryDependencies, subscription_id: str, number: int
) -> int:
    """Resume up to ``number`` lanes of a subscription, the longest held first; return how many.

    A worker that resumes lanes at the same time has leased the first ones, so that the next ones
    are tried. Otherwise it would seem that nothing is left to resume.
    """
    ledger, now = dependencies.ledger, dependencies.clock.now()
    suspended = islice(ledger.suspended_lanes(subscription_id), MAX_LANES_EXAMINED)
    leased = (
        Resume(held.lane, token)
        for held in suspended
        if held.retry_after_until <= now
        and (token := ledger.lease(DueItem.of(held), until=now + LEASE_SECONDS)) is not None
    )
    resumes = list(islice(leased, number))
    return len(resumes) - len(dependencies.queue.enqueue_resumes(resumes)) if resumes else 0


def _batches(due: Iterator[DueItem], size: int) -> Iterator[list[DueItem]]:
    while batch := list(islice(due, size)):
        yield batch


@dataclass(frozen=True)
class RecheckSubscriptions:
    subscriptions: SubscriptionReader
    ledger: Ledger
    endpoint_health: EndpointHealthStore
    clock: Clock
    telemetry: Telemetry

    def __call__(self) -> int:
        """Make lanes due whose resume was lost, of this minute's subscriptions; return how many."""
        now, resumed = self.clock.now(), 0
        chosen = self._chosen(now)
        health = self.endpoint_health.find_many([subscription.id for subscription in chosen])
        for subscription in chosen:
            if self.clock.now() >= now + MAX_RECHECK_SECONDS:
                break
            try:
                resumed += self._recheck(subscription, health.get(subscription.id))
            except InfrastructureError as error:
                self.telemetry.internal_error(error, doing="recheck a subscription")
        return resumed

    def _chosen(self, now: float) -> Sequence[Subscription]:
        """Return the subscriptions of this minute, rotated, so that none is always the last."""
        minute = int(now // MINUTE)
        chosen = [s for s in self.subscriptions.all() if is_rechecked(s.id, minute)]
        first = minute // PERIOD_MINUTES % max(len(chosen), 1)
        return (*chosen[first:], *chosen[:first])

    def _recheck(self, subscription: Subscription, known: EndpointHealth | None) -> int:
        if subscription.removed_at:
            return self._end(subscription)
        if subscription.is_blocked:
            return self._end(subscription, held_until=self.clock.now() - EXPIRES_AFTER_SECONDS)
        health = known or EndpointHealth(subscription_id=subscription.id)
        return 0 if health.is_open else self._resume(subscription, health)  # else its probe does

    def _end(self, subscription: Subscription, *, held_until: float | None = None) -> int:
        """Make lanes due whose deliveries are to be discarded, or expire, as far as time allows."""
        now, number = self.clock.now(), 0
        for held in self._lanes(subscription, held_until):
            if self.clock.now() >= now + MAX_RECHECK_SECONDS:
                break
            number += self.ledger.lease(DueItem.of(held), until=now) is not None
        return number

    def _resume(self, subscription: Subscription, health: EndpointHealth) -> int:
        """Make lanes due again, spread over time."""
        now = self.clock.now()
        lanes = list(islice(self._lanes(subscription, None), MAX_LANES_RECHECKED))
        if len(lanes) == MAX_LANES_RECHECKED:
            self.endpoint_health.save(health, health.with_lanes_to_resume(now))
        reason = lanes[0].suspended_reason if lanes else None
        resumed = lanes[: MAX_LANES_RECHECKED_FOR.get(reason, MAX_LANES_RECHECKED)]
        for number, held in enumerate(resumed):
            until = max(now + number / LANES_A_SECOND, held.retry_after_until)
            self.ledger.lease(DueItem.of(held), until=until)
        return len(resumed)

    def _lanes(self, subscription: Subscription, held_until: float | None) -> Iterator[HeldLane]:
        """Yield lanes without a due time that no dead letter holds until an operator decides."""
        suspended = self.ledger.suspended_lanes(subscription.id, held_until=held_until)
        if subscription.ordering is Ordering.STRICT and not subscription.removed_at:
            return suspended
        dead = self.ledger.lanes_behind_dead_letters(subscription.id, held_until=held_until)
        return chain(suspended, dead)


def is_rechecked(subscription_id: str, minute: int) -> bool:
    return (crc32(subscription_id.encode()) + minute) % PERIOD_MINUTES == 0
