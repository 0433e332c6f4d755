"""Recheck of each subscription, twice an hour, for lanes that wait without a due time.

What such a lane waits for resumes it: a successful probe, a permit, a send time, an operator. That
resume may be lost, by a kill between two writes or an index that lags. Then it is made up for here,
at a cost that does not depend on how much waits. Deliveries expire by it, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from zlib import crc32

from lakehook.domain.circuit_breaker import PERMITS, EndpointHealth
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.lane import EXPIRES_AFTER_SECONDS, HeldLane, SuspendedReason
from lakehook.domain.subscription import Ordering, Subscription
from lakehook.ports.stores import DueItem, EndpointHealthStore, Ledger, SubscriptionReader
from lakehook.ports.system import Clock
from lakehook.ports.telemetry import Telemetry

MINUTE = 60.0
PERIOD_MINUTES = 30  # half of the hour that is promised, so that one tick may fail
MAX_RUN_SECONDS = 5.0  # of a tick
MAX_LANES = 100  # of a subscription at a time; the success of one resumes those behind it
MAX_LANES_FOR: Mapping[SuspendedReason | None, int] = {
    SuspendedReason.CONCURRENCY_LIMIT: PERMITS,
    SuspendedReason.RATE_LIMIT: 10,
}
LANES_A_SECOND = 10.0


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
            if self.clock.now() >= now + MAX_RUN_SECONDS:
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
            if self.clock.now() >= now + MAX_RUN_SECONDS:
                break
            number += self.ledger.lease(DueItem.of(held), until=now) is not None
        return number

    def _resume(self, subscription: Subscription, health: EndpointHealth) -> int:
        """Make lanes due again, spread over time."""
        now = self.clock.now()
        lanes = list(islice(self._lanes(subscription, None), MAX_LANES))
        if len(lanes) == MAX_LANES:
            self.endpoint_health.save(health, health.with_lanes_to_resume(now))
        reason = lanes[0].suspended_reason if lanes else None
        resumed = lanes[: MAX_LANES_FOR.get(reason, MAX_LANES)]
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
