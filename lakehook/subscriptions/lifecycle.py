"""Life cycle of a subscription: find, pause, resume, enable and remove.

A removed subscription leaves a tombstone and is found by its id alone; others by id or name.
"""

from dataclasses import dataclass, replace

from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.errors import (
    InfrastructureError,
    InvalidSubscription,
    NotFound,
    PendingDeliveries,
)
from lakehook.domain.lane import DeliveryStatus
from lakehook.domain.subscription import CACHE_PROPAGATION_SECONDS, Ordering, Subscription
from lakehook.domain.time import format_rfc3339
from lakehook.ports.stores import (
    DueItem,
    EndpointHealthStore,
    Ledger,
    SubscriptionReader,
    SubscriptionRepository,
)
from lakehook.ports.system import Clock

LANES_A_SECOND = 10.0
MAX_TRIES = 5


@dataclass(frozen=True)
class PauseSubscription:
    registry: SubscriptionRepository
    clock: Clock

    def __call__(self, subscription: Subscription) -> Subscription:
        """From now on its deliveries wait; an attempt under way still ends."""
        if subscription.paused_at:
            return subscription
        paused = replace(subscription, paused_at=format_rfc3339(self.clock.now()))
        return self.registry.save(paused)


@dataclass(frozen=True)
class ResumeLanesGradually:
    """Makes the lanes of a subscription due, spread over time.

    An endpoint that has just recovered is not hit by its whole backlog at once.
    """

    ledger: Ledger
    clock: Clock

    def __call__(self, subscription: Subscription) -> int:
        """How many lanes will be looked at sooner for it; none while it is still blocked."""
        if subscription.is_blocked:
            return 0
        first = self.clock.now() + CACHE_PROPAGATION_SECONDS
        woken = 0
        strict = subscription.ordering is Ordering.STRICT
        for held in self.ledger.held_lanes(subscription.id):
            if held.head_is_dead and strict:
                continue  # it waits for its letter to be redriven
            until = max(first + woken / LANES_A_SECOND, held.retry_after_until)
            if until < held.due_at:
                self.ledger.lease(DueItem(held.lane, held.due_token), until=until)
                woken += 1
        return woken


@dataclass(frozen=True)
class ResumeSubscription:
    registry: SubscriptionRepository
    resume_lanes: ResumeLanesGradually

    def __call__(self, subscription: Subscription) -> tuple[Subscription, int]:
        """The subscription, and how many lanes go on."""
        return _resume(replace(subscription, paused_at=None), self.registry, self.resume_lanes)


@dataclass(frozen=True)
class EnableSubscription:
    registry: SubscriptionRepository
    endpoint_health: EndpointHealthStore
    resume_lanes: ResumeLanesGradually

    def __call__(self, subscription: Subscription) -> tuple[Subscription, int]:
        """The subscription, and how many lanes go on.

        Its endpoint is held to be well: a breaker that is open closes, and days of failing that
        count towards the next disabling are forgotten.
        """
        self._forget_failures(subscription.id)
        return _resume(
            replace(subscription, disabled_reason=None), self.registry, self.resume_lanes
        )

    def _forget_failures(self, subscription_id: str) -> None:
        well = EndpointHealth(subscription_id=subscription_id)
        for _ in range(MAX_TRIES):
            health = self.endpoint_health.find(subscription_id)
            if health.is_healthy or self.endpoint_health.save(health, well):
                return
        raise InfrastructureError(
            f"{subscription_id}: its breaker is being written all the time; try again"
        )


@dataclass(frozen=True, kw_only=True)
class SubscriptionBacklog:
    """What the ledger still holds for a subscription."""

    waiting: int
    dead: int
    lanes: int

    def __bool__(self) -> bool:
        return bool(self.waiting or self.dead)

    def __str__(self) -> str:
        return (
            f"{_counted(self.waiting, 'waiting delivery', 'waiting deliveries')} and"
            f" {_counted(self.dead, 'dead letter', 'dead letters')}"
            f" in {_counted(self.lanes, 'lane', 'lanes')}"
        )


@dataclass(frozen=True)
class Unsubscribe:
    registry: SubscriptionRepository
    ledger: Ledger
    clock: Clock

    def __call__(
        self, subscription: Subscription, *, discard_waiting: bool = False
    ) -> tuple[Subscription, SubscriptionBacklog]:
        """The tombstone, and what there was to discard; ``PendingDeliveries`` unless that may be.

        For one that is removed already it has been decided: what a first try left is finished.

        What waits is not discarded here: each lane is made due, and the delivery function, the
        one writer of lanes, finds the subscription removed. A dead letter whose lane has gone on
        is nobody's head: whoever gives it up does so letter by letter.
        """
        backlog = self.backlog(subscription)
        if backlog and not (discard_waiting or subscription.removed_at):
            raise PendingDeliveries(f"{subscription.id} still has {backlog}")
        tombstone = self._tombstone(subscription)
        self._make_due(subscription)
        return tombstone, backlog

    def backlog(self, subscription: Subscription) -> SubscriptionBacklog:
        lanes = list(self.ledger.held_lanes(subscription.id))
        behind = (record for lane in lanes for record in self.ledger.waiting_deliveries(lane))
        return SubscriptionBacklog(
            waiting=sum(record.status is DeliveryStatus.WAITING for record in behind),
            dead=sum(1 for _ in self.ledger.dead_letters(subscription.id)),
            lanes=len(lanes),
        )

    def _tombstone(self, subscription: Subscription) -> Subscription:
        if subscription.removed_at:
            return subscription
        return self.registry.save(subscription.removed(at=self.clock.now()))

    def _make_due(self, subscription: Subscription) -> None:
        """Read anew: a lane may have come to be held while the tombstone was not yet there."""
        for held in self.ledger.held_lanes(subscription.id):
            self.ledger.lease(DueItem(held.lane, held.due_token), until=self.clock.now())


@dataclass(frozen=True)
class FindSubscription:
    subscriptions: SubscriptionReader

    def __call__(self, id_or_name: str, *, removed: bool = False) -> Subscription:
        """The one meant; a name will do while no other subscription bears it.

        With ``removed`` an id may be that of a tombstone. Its name is free for others.
        """
        in_force = self.all()
        by_id = [
            one
            for one in (self.subscriptions.all() if removed else in_force)
            if one.id == id_or_name
        ]
        found = by_id or [one for one in in_force if one.name == id_or_name]
        if not found:
            raise NotFound(f"no subscription has the id or the name {id_or_name[:100]!a}")
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            raise InvalidSubscription(
                f"name: {len(found)} subscriptions bear {id_or_name[:100]!a}: {ids}"
            )
        return found[0]

    def all(self) -> list[Subscription]:
        """The oldest first."""
        in_force = [one for one in self.subscriptions.all() if one.removed_at is None]
        return sorted(in_force, key=lambda one: (one.created_at, one.id))


def _resume(
    subscription: Subscription, registry: SubscriptionRepository, wake: ResumeLanesGradually
) -> tuple[Subscription, int]:
    saved = registry.save(subscription)
    return saved, wake(saved)


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
