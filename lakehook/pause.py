"""Pause a subscription, and let it go on; enable one that its receiver has disabled."""

from dataclasses import dataclass, replace

from lakehook.domain.errors import OwnTrouble
from lakehook.domain.health import Health
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.subscription import SETTLING_SECONDS, Ordering, Subscription
from lakehook.ports.clock import Clock
from lakehook.ports.ledger import Due, Healths, Ledger
from lakehook.ports.subscriptions import Registry

LANES_A_SECOND = 10.0
MOST_TRIES = 5


@dataclass(frozen=True)
class Pause:
    registry: Registry
    clock: Clock

    def __call__(self, subscription: Subscription) -> Subscription:
        """From now on its deliveries wait; an attempt under way still ends."""
        if subscription.paused_at:
            return subscription
        paused = replace(subscription, paused_at=rfc_3339(self.clock.now()))
        return self.registry.save(paused)


@dataclass(frozen=True)
class WakeGently:
    """Makes the lanes of a subscription due, spread over time.

    An endpoint that has just recovered is not hit by its whole backlog at once.
    """

    ledger: Ledger
    clock: Clock

    def __call__(self, subscription: Subscription) -> int:
        """How many lanes will be looked at sooner for it; none while it is still blocked."""
        if subscription.is_blocked:
            return 0
        first = self.clock.now() + SETTLING_SECONDS
        woken = 0
        strict = subscription.ordering is Ordering.STRICT
        for held in self.ledger.held_by(subscription.id):
            if held.dead and strict:
                continue  # it waits for its letter to be redriven
            until = max(first + woken / LANES_A_SECOND, held.hinted_until)
            if until < held.due_at:
                self.ledger.lease(Due(held.lane, held.token), until=until)
                woken += 1
        return woken


@dataclass(frozen=True)
class Unpause:
    registry: Registry
    wake: WakeGently

    def __call__(self, subscription: Subscription) -> tuple[Subscription, int]:
        """The subscription, and how many lanes go on."""
        return _go_on(replace(subscription, paused_at=None), self.registry, self.wake)


@dataclass(frozen=True)
class Enable:
    registry: Registry
    healths: Healths
    wake: WakeGently

    def __call__(self, subscription: Subscription) -> tuple[Subscription, int]:
        """The subscription, and how many lanes go on.

        Its endpoint is held to be well: a breaker that is open closes, and days of failing that
        count towards the next disabling are forgotten.
        """
        self._forget_failures(subscription.id)
        return _go_on(replace(subscription, disabled_reason=None), self.registry, self.wake)

    def _forget_failures(self, subscription_id: str) -> None:
        well = Health(subscription_id=subscription_id)
        for _ in range(MOST_TRIES):
            health = self.healths.find(subscription_id)
            if health.is_well or self.healths.save(health, well):
                return
        raise OwnTrouble(f"{subscription_id}: its breaker is being written all the time; try again")


def _go_on(
    subscription: Subscription, registry: Registry, wake: WakeGently
) -> tuple[Subscription, int]:
    saved = registry.save(subscription)
    return saved, wake(saved)
