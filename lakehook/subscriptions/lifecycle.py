"""Life cycle of a subscription: find, pause, resume, enable and remove.

A removed subscription leaves a tombstone and is found only by its id; others by id or name.
"""

from dataclasses import dataclass, replace

from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import (
    InfrastructureError,
    InvalidSubscription,
    NotFound,
    PendingDeliveries,
)
from lakehook.domain.lane import DeliveryStatus
from lakehook.domain.subscription import CACHE_PROPAGATION_SECONDS, Ordering, Subscription
from lakehook.domain.text import counted
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
        """Pause: deliveries wait from now on; an attempt in progress still finishes."""
        if subscription.paused_at:
            return subscription
        paused = replace(subscription, paused_at=format_rfc3339(self.clock.now()))
        return self.registry.save_state(paused)


@dataclass(frozen=True)
class ResumeLanesGradually:
    """Makes the lanes of a subscription due, spread over time.

    A recovered endpoint does not get its whole backlog at once.
    """

    ledger: Ledger
    clock: Clock

    def __call__(self, subscription: Subscription) -> int:
        """Make the lanes due earlier, and return how many; 0 while the subscription is blocked."""
        if subscription.is_blocked:
            return 0
        first = self.clock.now() + CACHE_PROPAGATION_SECONDS
        self._probe_at(first, subscription.id)
        resumed = 0
        strict = subscription.ordering is Ordering.STRICT
        for held in self.ledger.held_lanes(subscription.id):
            if held.head_is_dead and strict:
                continue  # its dead letter must be redriven first
            until = max(first + resumed / LANES_A_SECOND, held.retry_after_until)
            if held.due_at is None or until < held.due_at:
                self.ledger.lease(DueItem.of(held), until=until)
                resumed += 1
        return resumed

    def _probe_at(self, time: float, subscription_id: str) -> None:
        """Make an open breaker due, which was not probed while the subscription was blocked."""
        endpoint = Lane(subscription_id, "")
        health = self.ledger.load((), [endpoint]).endpoint_health.get(subscription_id)
        if health is None or health.due_at is None:
            return
        until = max(time, health.retry_after_until)
        if until < health.due_at:
            breaker = DueItem(endpoint, health.due_token, is_breaker=True)
            self.ledger.lease(breaker, until=until)


@dataclass(frozen=True)
class ResumeSubscription:
    registry: SubscriptionRepository
    resume_lanes: ResumeLanesGradually

    def __call__(self, subscription: Subscription) -> tuple[Subscription, int]:
        """Return the subscription, and how many lanes are resumed."""
        return _resume(replace(subscription, paused_at=None), self.registry, self.resume_lanes)


@dataclass(frozen=True)
class EnableSubscription:
    registry: SubscriptionRepository
    endpoint_health: EndpointHealthStore
    resume_lanes: ResumeLanesGradually

    def __call__(self, subscription: Subscription) -> tuple[Subscription, int]:
        """Return the subscription, and how many lanes are resumed.

        Its endpoint counts as healthy: an open circuit breaker is closed, and past failures no
        longer count towards the next disabling.
        """
        self._forget_failures(subscription.id)
        return _resume(
            replace(subscription, disabled_reason=None, disabled_at=None),
            self.registry,
            self.resume_lanes,
        )

    def _forget_failures(self, subscription_id: str) -> None:
        healthy = EndpointHealth(subscription_id=subscription_id)
        for _ in range(MAX_TRIES):
            health = self.endpoint_health.find(subscription_id)
            if health.is_healthy or self.endpoint_health.save(health, healthy):
                return
        raise InfrastructureError(
            f"{subscription_id}: its breaker is being written all the time; try again"
        )


@dataclass(frozen=True, kw_only=True)
class SubscriptionBacklog:
    """Records that the ledger still has for a subscription."""

    waiting: int
    dead: int
    lanes: int

    def __bool__(self) -> bool:
        return bool(self.waiting or self.dead)

    def __str__(self) -> str:
        return (
            f"{counted(self.waiting, 'waiting delivery', 'waiting deliveries')} and"
            f" {counted(self.dead, 'dead letter', 'dead letters')}"
            f" in {counted(self.lanes, 'lane', 'lanes')}"
        )


@dataclass(frozen=True)
class Unsubscribe:
    registry: SubscriptionRepository
    ledger: Ledger
    clock: Clock

    def __call__(
        self, subscription: Subscription, *, discard_waiting: bool = False
    ) -> tuple[Subscription, SubscriptionBacklog]:
        """Return the tombstone and the backlog; ``PendingDeliveries`` unless that may be discarded.

        For a subscription that is removed already, an interrupted removal is completed. Waiting
        deliveries are not discarded here: each lane is made due, and the deliver function, the only
        writer of lanes, finds the subscription removed. A dead letter whose lane has advanced is
        not its head, and is discarded by the caller. What is discarded is counted once it is
        removed: of a large backlog that may take longer than the API has.
        """
        if not (discard_waiting or subscription.removed_at):
            self._reject_pending(subscription)
        tombstone = self._tombstone(subscription)
        backlog = self.backlog(subscription)
        self._make_due(subscription)
        return tombstone, backlog

    def _reject_pending(self, subscription: Subscription) -> None:
        if backlog := self.backlog(subscription):
            raise PendingDeliveries(f"{subscription.id} still has {backlog}")

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
        """Make all lanes due, read again: one may have been held before the tombstone."""
        for held in self.ledger.held_lanes(subscription.id):
            self.ledger.lease(DueItem.of(held), until=self.clock.now())


@dataclass(frozen=True)
class FindSubscription:
    """Finds subscriptions, each a copy: threads of the console must not share its pattern."""

    subscriptions: SubscriptionReader

    def __call__(self, id_or_name: str, *, removed: bool = False) -> Subscription:
        """Return the subscription of this id or name, if no other has the name.

        With ``removed`` the id may be that of a tombstone. A tombstone's name is free for others.
        """
        in_force = self.all()
        candidates = map(replace, self.subscriptions.all()) if removed else in_force
        by_id = [subscription for subscription in candidates if subscription.id == id_or_name]
        matches = by_id or [s for s in in_force if s.name == id_or_name]
        if not matches:
            raise NotFound(f"no subscription has the id or the name {id_or_name[:100]!a}")
        if len(matches) > 1:
            ids = ", ".join(subscription.id for subscription in matches)
            raise InvalidSubscription(
                f"name: {len(matches)} subscriptions bear {id_or_name[:100]!a}: {ids}"
            )
        return matches[0]

    def all(self) -> list[Subscription]:
        """Return all, the oldest first."""
        in_force = [replace(s) for s in self.subscriptions.all() if s.removed_at is None]
        return sorted(in_force, key=lambda subscription: (subscription.created_at, subscription.id))


def _resume(
    subscription: Subscription, registry: SubscriptionRepository, resume_lanes: ResumeLanesGradually
) -> tuple[Subscription, int]:
    saved = registry.save_state(subscription)
    return saved, resume_lanes(saved)
