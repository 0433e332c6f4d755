"""Circuit breaker of a subscription's endpoint: closed, open or half-open.

An attempt is recorded in the ledger only if it changes the endpoint's health. See
``domain/circuit_breaker.py`` for the states. A quick success at a healthy endpoint writes nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lakehook.delivery.dependencies import DeliveryDependencies
from lakehook.delivery.scheduler import resume_suspended_lanes
from lakehook.domain.attempt import Attempt
from lakehook.domain.circuit_breaker import (
    MAX_LANES_RESUMED_AT_ONCE,
    PERMIT_SECONDS,
    EndpointHealth,
)
from lakehook.domain.delivery import Lane
from lakehook.domain.subscription import Subscription

TRIES = 3  # when other workers write at the same time; a lost update is harmless
FAILED_FOR_DAYS = "every attempt has failed for five days"


class EndpointGuard:
    def __init__(self, dependencies: DeliveryDependencies, health: EndpointHealth) -> None:
        self._dependencies = dependencies
        self._health = health
        self._has_attempted = False

    @property
    def is_open(self) -> bool:
        return self._health.is_open

    @property
    def is_slow(self) -> bool:
        return self._health.is_slow

    def refresh_is_open(self) -> bool:
        self._refresh()
        return self._health.is_open

    def refresh_is_full(self) -> bool:
        """Whether the endpoint is still slow, and all of its permits are taken."""
        self._refresh()
        return self._health.is_full(self._dependencies.clock.now())

    def try_acquire_probe(self) -> bool:
        """Whether the breaker became half-open for this lane: its next attempt is the one probe."""
        return self._change(
            lambda health: health.with_probe_started(self._dependencies.clock.now())
        )

    def record(self, attempt: Attempt, lane: Lane, subscription: Subscription) -> None:
        """Record an attempt; resume lanes, or disable the subscription, if it leads to that."""
        self._has_attempted = True
        if not self._health.is_affected_by(attempt):
            return
        schedule = subscription.retry_schedule or self._dependencies.schedule
        now, was_slow = self._dependencies.clock.now(), self._health.is_slow
        self._change(lambda health: health.with_attempt(attempt, lane, schedule=schedule, now=now))
        if self._health.resume_batch_size and not self._resume_lanes(
            self._health.resume_batch_size
        ):
            self._change(lambda health: health.with_nothing_left_to_resume(now))
        if was_slow and not (self._health.is_slow or self._health.is_open):
            self._resume_lanes(MAX_LANES_RESUMED_AT_ONCE)
        if self._health.has_failed_too_long(now):
            self._disable(subscription.id)

    @contextmanager
    def permit(self) -> Iterator[bool]:
        """Acquire a permit of a slow endpoint; false if all are taken.

        After an attempt, its release resumes the next lane.
        """
        if not self._health.is_slow:
            yield True
            return
        now = self._dependencies.clock.now()
        if not self._change(lambda health: health.with_permit_acquired(now)):
            yield False
            return
        try:
            yield True
        finally:
            self._release_permit(now + PERMIT_SECONDS)

    def _release_permit(self, permit: float) -> None:
        now = self._dependencies.clock.now()
        self._change(lambda health: health.with_permit_released(permit, now))
        if self._has_attempted and not self._health.is_open:
            self._resume_lanes(1)

    def _change(self, change: Callable[[EndpointHealth], EndpointHealth | None]) -> bool:
        """Save a change; false if there is none, or if other workers always write first."""
        for _ in range(TRIES):
            after = change(self._health)
            if after is None:
                return False
            if self._dependencies.endpoint_health.save(self._health, after):
                self._health = _healthy(after) if after.is_healthy else after
                return True
            self._refresh()
        return False

    def _refresh(self) -> None:
        self._health = self._dependencies.endpoint_health.find(self._health.subscription_id)

    def _resume_lanes(self, number: int) -> int:
        return resume_suspended_lanes(self._dependencies, self._health.subscription_id, number)

    def _disable(self, subscription_id: str) -> None:
        self._dependencies.subscriptions.disable(subscription_id, FAILED_FOR_DAYS)
        self._dependencies.telemetry.disabled(subscription_id, FAILED_FOR_DAYS)


def _healthy(health: EndpointHealth) -> EndpointHealth:
    """The health of an endpoint without a record."""
    return EndpointHealth(subscription_id=health.subscription_id)
