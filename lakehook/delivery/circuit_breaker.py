"""Circuit breaker of a subscription's endpoint: closed, open or half-open.

An attempt is recorded in the ledger only if it changes the endpoint's health. See
``domain/circuit_breaker.py`` for the states. A quick success at a healthy endpoint writes nothing.

An attempt that gets no answer is recorded while it lasts, so that other workers keep away. The
thread that waits for a batch looks for such attempts, so that none needs a timer of its own. An
endpoint that usually takes a second is waited for longer than one that takes 20 ms: marks cost
writes, and a marked endpoint gets one attempt at a time. How long it usually takes is remembered by
the process, since a wrong guess costs no more than a mark.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lakehook.delivery.dependencies import DeliveryDependencies
from lakehook.delivery.scheduler import resume_suspended_lanes
from lakehook.domain.attempt import Attempt
from lakehook.domain.circuit_breaker import SLOW_MS, UNANSWERED_SECONDS, EndpointHealth
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.subscription import Subscription
from lakehook.ports.queues import Remaining
from lakehook.ports.system import Clock
from lakehook.ports.telemetry import Telemetry

LONG_FACTOR = 2.0  # an attempt is long when it takes this many times what is usual
WEIGHT = 0.3  # of the newest answer in what is usual
MAX_USUAL_SECONDS = SLOW_MS / 1000  # what usually takes longer is limited for being slow
MAX_ENDPOINTS = 1_000  # of which a process remembers what is usual
MIN_STEP_SECONDS = 0.01  # so that each wait takes time, whatever floats are rounded to
MAX_TRIES = 3  # when other workers write at the same time; a lost update is harmless
MAX_RELEASE_TRIES = 20  # a permit that is not released keeps others waiting until it expires
FAILED_FOR_DAYS = "every attempt has failed for five days"


@dataclass(eq=False)
class AttemptUnderWay:
    """Attempt without an answer so far; it is ``marked`` once, when it has lasted long."""

    endpoint: "EndpointGuard"
    since: float
    unanswered_at: float
    marked: bool = False
    ended: bool = False


@dataclass(frozen=True)
class AttemptsUnderWay:
    """Attempts of this process that have no answer yet, and how long answers usually take."""

    clock: Clock
    telemetry: Telemetry
    _attempts: dict[AttemptUnderWay, None] = field(default_factory=dict)
    """The earliest first, so that those of one instant are marked in one order in every run."""
    _usual_seconds: OrderedDict[str, float] = field(default_factory=OrderedDict)
    """By subscription, the one whose answer is the oldest first."""

    def watch(
        self, endpoint: "EndpointGuard", subscription_id: str, since: float
    ) -> AttemptUnderWay:
        usual = self._usual_seconds.get(subscription_id, 0.0)
        attempt = AttemptUnderWay(
            endpoint, since, since + max(UNANSWERED_SECONDS, LONG_FACTOR * usual)
        )
        self._attempts[attempt] = None
        return attempt

    def learn(self, subscription_id: str, seconds: float) -> None:
        """Remember how long an answer took; an attempt without one teaches nothing.

        At most so long that an endpoint that hangs from now on is marked before its deadline.
        """
        seconds = min(seconds, MAX_USUAL_SECONDS)
        usual = self._usual_seconds.pop(subscription_id, seconds)
        self._usual_seconds[subscription_id] = usual + WEIGHT * (seconds - usual)
        if len(self._usual_seconds) > MAX_ENDPOINTS:
            self._usual_seconds.popitem(last=False)

    def end(self, attempt: AttemptUnderWay) -> None:
        attempt.ended = True
        self._attempts.pop(attempt, None)

    def mark_unanswered(self) -> float:
        """Mark the endpoints of long attempts; return the seconds until this is to be repeated."""
        now = self.clock.now()
        unmarked = [attempt for attempt in tuple(self._attempts) if not attempt.marked]
        for attempt in unmarked:
            if attempt.unanswered_at <= now:
                self._mark(attempt)
        waiting = (attempt.unanswered_at - now for attempt in unmarked)
        soonest = min((seconds for seconds in waiting if seconds > 0), default=UNANSWERED_SECONDS)
        return max(soonest, MIN_STEP_SECONDS)

    def _mark(self, attempt: AttemptUnderWay) -> None:
        attempt.marked = True
        try:
            attempt.endpoint.mark_unanswered(attempt.since)
            if attempt.ended:
                attempt.endpoint.release_permit()
        except InfrastructureError as error:
            self.telemetry.internal_error(error, doing="mark an endpoint as unresponsive")


class EndpointGuard:
    """Health of one endpoint as this worker last read or wrote it, and the ways to change it."""

    def __init__(
        self, dependencies: DeliveryDependencies, health: EndpointHealth, remaining: Remaining
    ) -> None:
        self._dependencies = dependencies
        self._health = health
        self._remaining = remaining
        self._has_attempted = False
        self._permit: float | None = None

    @property
    def is_open(self) -> bool:
        return self._health.is_open

    @property
    def is_limited(self) -> bool:
        return self._health.is_limited

    def is_full(self) -> bool:
        return self._health.is_full(self._dependencies.clock.now())

    def refresh_is_open(self) -> bool:
        self._refresh()
        return self._health.is_open

    def refresh_is_full(self) -> bool:
        """Whether all permits of the endpoint are still taken."""
        self._refresh()
        return self.is_full()

    def try_acquire_probe(self) -> bool:
        """Whether the breaker became half-open for this lane: its next attempt is the one probe."""
        return self._change(
            lambda health: health.with_probe_started(self._dependencies.clock.now())
        )

    def next_probe_at(
        self, attempt: Attempt, lane: Lane, subscription: Subscription
    ) -> float | None:
        """Return when the endpoint is probed again after this failed probe, None if closed."""
        if not self.is_open:
            return None
        return self._health_after(attempt, lane, subscription)(self._health).due_at

    def record(self, attempt: Attempt, lane: Lane, subscription: Subscription) -> None:
        """Record an attempt; resume lanes, or disable the subscription, if it leads to that."""
        self._has_attempted = True
        if attempt.status is not None:
            self._dependencies.attempts.learn(subscription.id, attempt.milliseconds / 1000)
        if not self._health.is_affected_by(attempt):
            return
        now = self._dependencies.clock.now()
        self._change(self._health_after(attempt, lane, subscription))
        if self._health.resume_batch_size and not self._resume_lanes(
            self._health.resume_batch_size
        ):
            self._change(lambda health: health.with_nothing_left_to_resume(now))
        if self._health.has_failed_too_long(now):
            self._disable(subscription.id)

    def _health_after(
        self, attempt: Attempt, lane: Lane, subscription: Subscription
    ) -> Callable[[EndpointHealth], EndpointHealth]:
        schedule = subscription.retry_schedule or self._dependencies.schedule
        now = self._dependencies.clock.now()
        return lambda health: health.with_attempt(attempt, lane, schedule=schedule, now=now)

    @contextmanager
    def permit(self) -> Iterator[bool]:
        """Acquire a permit of a slow or unresponsive endpoint; false if all are taken.

        After an attempt, its release resumes the next lane.
        """
        if not self._health.is_limited:
            yield True
            return
        now, permit = self._dependencies.clock.now(), self._expiry()
        if not self._change(lambda health: health.with_permit_acquired(permit, now)):
            yield False
            return
        self._permit = permit
        try:
            yield True
        finally:
            self.release_permit()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Watch an attempt of a lane without a permit, from its start until it is recorded."""
        if self._permit is not None:
            yield
            return
        watched = self._dependencies.attempts.watch(
            self, self._health.subscription_id, self._dependencies.clock.now()
        )
        try:
            yield
        finally:
            self._dependencies.attempts.end(watched)
            self.release_permit()

    def mark_unanswered(self, since: float) -> None:
        """Take a permit for an attempt under way, even if there is none left for it."""
        now, permit = self._dependencies.clock.now(), self._expiry()
        if self._change(lambda health: health.with_unanswered(since, permit, now)):
            self._permit = permit

    def _expiry(self) -> float:
        """The end of this worker's time: its lanes come back after it, whatever happens.

        It is rounded as it is stored, so that a permit that was read again is found for release.
        """
        return round(self._dependencies.clock.now() + self._remaining(), 3)

    def release_permit(self) -> None:
        """Release the permit, if there is one, and resume the lane that may have it."""
        permit, self._permit = self._permit, None
        if permit is None:
            return
        now = self._dependencies.clock.now()
        self._change(
            lambda health: health.with_permit_released(permit, now), tries=MAX_RELEASE_TRIES
        )
        if self._has_attempted and not (self._health.is_open or self.is_full()):
            self._resume_lanes(1)

    def _change(
        self, change: Callable[[EndpointHealth], EndpointHealth | None], *, tries: int = MAX_TRIES
    ) -> bool:
        """Save a change; false if there is none, or if other workers always write first."""
        for _ in range(tries):
            before = self._health  # an attempt and its mark may change it at the same time
            after = change(before)
            if after is None:
                return False
            if self._dependencies.endpoint_health.save(before, after):
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
