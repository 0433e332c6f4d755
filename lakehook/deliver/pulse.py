"""The pulse of a subscription's endpoint: felt at each attempt, told to the ledger if it matters.

See ``domain/health.py`` for the states. A quick success at a well endpoint writes nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lakehook.deliver.crew import Crew
from lakehook.deliver.rouse import Rouse
from lakehook.domain.delivery import Lane
from lakehook.domain.health import MOST_WOKEN_AT_ONCE, SLOT_SECONDS, Health
from lakehook.domain.outcome import Attempt
from lakehook.domain.subscription import Subscription

TRIES = 3  # when other workers write at the same time; a beat that is lost then is no harm


class Pulse:
    def __init__(self, crew: Crew, health: Health) -> None:
        self._crew = crew
        self._health = health
        self._felt = False  # whether an attempt was made

    @property
    def is_open(self) -> bool:
        return self._health.is_open

    @property
    def is_slow(self) -> bool:
        return self._health.is_slow

    def is_still_open(self) -> bool:
        self._health = self._crew.healths.find(self._health.subscription_id)
        return self._health.is_open

    def takes_the_probe(self) -> bool:
        """Whether it is time for one, and nobody else makes it: then this lane's attempt is it."""
        return self._change(lambda health: health.probed(self._crew.clock.now()))

    def feel(self, attempt: Attempt, lane: Lane, subscription: Subscription) -> None:
        """Take an attempt into account; wake lanes, or disable, where it comes to that."""
        self._felt = True
        if not self._health.needs_to_know(attempt):
            return
        schedule = subscription.retry_schedule or self._crew.schedule
        now, was_slow = self._crew.clock.now(), self._health.is_slow
        self._change(lambda health: health.after(attempt, lane, schedule=schedule, now=now))
        if self._health.waking and not self._wake(self._health.waking):
            self._change(lambda health: health.nothing_left_to_wake(now))
        if was_slow and not (self._health.is_slow or self._health.is_open):
            self._wake(MOST_WOKEN_AT_ONCE)
        if self._health.has_failed_too_long(now):
            self._disable(subscription.id)

    @contextmanager
    def slot(self) -> Iterator[bool]:
        """A slow endpoint has few workers at a time; false when all are there already.

        Whoever has made an attempt sends for the next lane on leaving.
        """
        if not self._health.is_slow:
            yield True
            return
        now = self._crew.clock.now()
        if not self._change(lambda health: health.taking_a_slot(now)):
            yield False
            return
        try:
            yield True
        finally:
            self._leave(now + SLOT_SECONDS)

    def _leave(self, slot: float) -> None:
        now = self._crew.clock.now()
        self._change(lambda health: health.giving_back(slot, now))
        if self._felt and not self._health.is_open:
            self._wake(1)

    def _change(self, change: Callable[[Health], Health | None]) -> bool:
        """Write a change; false if there is none, or others are quicker time and again."""
        for _ in range(TRIES):
            after = change(self._health)
            if after is None:
                return False
            if self._crew.healths.save(self._health, after):
                self._health = _well(after) if after.is_well else after
                return True
            self._health = self._crew.healths.find(self._health.subscription_id)
        return False

    def _wake(self, number: int) -> int:
        return Rouse(self._crew)(self._health.subscription_id, number)

    def _disable(self, subscription_id: str) -> None:
        reason = "every attempt has failed for five days"
        self._crew.subscriptions.disable(subscription_id, reason)
        self._crew.telemetry.disabled(subscription_id, reason)


def _well(health: Health) -> Health:
    """As one without a record."""
    return Health(subscription_id=health.subscription_id)
