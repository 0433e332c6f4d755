"""Unsubscribe: a subscription goes, and leaves a tombstone."""

from dataclasses import dataclass

from lakehook.domain.errors import StillWaiting
from lakehook.domain.lane import Status
from lakehook.domain.subscription import Subscription
from lakehook.ports.clock import Clock
from lakehook.ports.ledger import Due, Ledger
from lakehook.ports.subscriptions import Registry


@dataclass(frozen=True, kw_only=True)
class Backlog:
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
    registry: Registry
    ledger: Ledger
    clock: Clock

    def __call__(
        self, subscription: Subscription, *, discard_waiting: bool = False
    ) -> tuple[Subscription, Backlog]:
        """The tombstone, and what there was to discard; ``StillWaiting`` unless that may be.

        For one that is removed already it has been decided: what a first try left is finished.

        What waits is not discarded here: each lane is made due, and the delivery function, the
        one writer of lanes, finds the subscription removed. A dead letter whose lane has gone on
        is nobody's head: whoever gives it up does so letter by letter.
        """
        backlog = self.backlog(subscription)
        if backlog and not (discard_waiting or subscription.removed_at):
            raise StillWaiting(f"{subscription.id} still has {backlog}")
        tombstone = self._tombstone(subscription)
        self._make_due(subscription)
        return tombstone, backlog

    def backlog(self, subscription: Subscription) -> Backlog:
        lanes = list(self.ledger.held_by(subscription.id))
        behind = (record for lane in lanes for record in self.ledger.waiting(lane))
        return Backlog(
            waiting=sum(record.status is Status.WAITING for record in behind),
            dead=sum(1 for _ in self.ledger.dead_of(subscription.id)),
            lanes=len(lanes),
        )

    def _tombstone(self, subscription: Subscription) -> Subscription:
        if subscription.removed_at:
            return subscription
        return self.registry.save(subscription.removed(at=self.clock.now()))

    def _make_due(self, subscription: Subscription) -> None:
        """Read anew: a lane may have come to be held while the tombstone was not yet there."""
        for held in self.ledger.held_by(subscription.id):
            self.ledger.lease(Due(held.lane, held.token), until=self.clock.now())


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
