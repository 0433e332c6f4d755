"""Circuit breaker of a subscription's endpoint, with the permits of a slow or unresponsive one.

::

                5 failures in a row of 3 lanes, or throttled
     closed ────────────────────────────────────────────────▶ open ◀──┐
       ▲  ▲                                                    │  │   │ the probe fails
       │  │ no suspended lane is left                 is due   ▼  │   │
       │  │                                                half-open ─┘
       │  │                                                    │ the probe succeeds
       │  └─ closed, resuming 1, 2, 4 … lanes per success ◀────┘

A healthy endpoint has no record: only failed and slow attempts write one. While the breaker is open
deliveries wait in the ledger unattempted. Half-open, one probe at a time goes out.

A closed breaker limits attempts by permits while the endpoint is slow, or unresponsive: it leaves
an attempt unanswered. Such an attempt takes a permit when it has lasted for half a second. So a
hanging endpoint occupies few workers, and the happy path writes nothing.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Self

from lakehook.domain.attempt import Attempt, Consequence, Outcome
from lakehook.domain.delivery import Lane
from lakehook.domain.retry import RetrySchedule

FAILURES_TO_OPEN, LANES_TO_OPEN = 5, 3
MAX_FIRST_PROBE_WAIT_SECONDS, MAX_PROBE_WAIT_SECONDS = 300.0, 3600.0
PROBE_WAIT_SHARE = 0.1  # of the time since the first failure: how late a recovery may be found
FAILING_TOO_LONG_SECONDS = 5 * 24 * 3600.0
PROBE_LEASE_SECONDS = 30.0  # a resume from before may suspend its lane; then another lane probes
MAX_LANES_RESUMED_AT_ONCE = 16
SLOW_MS, FORGOTTEN_MS = 2000, 1000
WEIGHT = 0.15  # of the newest attempt in the average, so that a single slow one does not count
PERMITS = 3  # lanes of a slow endpoint that are drained at a time
UNANSWERED_SECONDS = 0.5  # after this, an attempt takes a permit of its endpoint
CHECK_SECONDS = 60.0  # after its last change, a limited endpoint is checked for forgotten lanes
CANARY_SECONDS = 2.0  # then a second attempt shows whether only the first one hangs


@dataclass(frozen=True, kw_only=True)
class EndpointHealth:
    subscription_id: str
    failures: int = 0  # consecutive, over all lanes
    lanes: tuple[str, ...] = ()  # the failing lanes; three are enough to decide
    failing_since: float | None = None
    due_at: float | None = None  # of the next probe, while the breaker is open
    retry_after_until: float = 0.0  # no probe before this, by the endpoint's Retry-After
    probes: int = 0  # failed since it opened
    resume_batch_size: int = 0  # lanes that the next success resumes after the breaker has closed
    average_ms: float = 0.0  # of recent attempts
    permits: tuple[float, ...] = ()  # when each permit expires: with its worker's time
    unanswered_since: float | None = None  # start of the first attempt that got no answer yet
    slow_since: float | None = field(default=None, compare=False)  # for display, like the next two
    last_attempt: Attempt | None = field(default=None, compare=False)
    last_success_at: float | None = field(default=None, compare=False)
    version: int = 0  # 0 if there is no record

    @property
    def is_open(self) -> bool:
        return self.due_at is not None

    @property
    def is_slow(self) -> bool:
        return self.average_ms > SLOW_MS

    @property
    def is_limited(self) -> bool:
        """Whether an attempt needs a permit."""
        return self.is_slow or self.unanswered_since is not None

    @property
    def check_at(self) -> float | None:
        """Time when the scheduler probes it, or checks it while it is limited or recovers.

        A check finds lanes whose resume was lost. All permits have expired by then, so that no lane
        comes to wait without a change of this record. A version is the time of a change.
        """
        if self.is_open:
            return self.due_at
        needs_check = self.is_limited or self.resume_batch_size
        return self.version / 1000 + CHECK_SECONDS if needs_check else None

    def is_full(self, now: float) -> bool:
        """Whether an attempt needs a permit, and all of them are taken."""
        return self.is_limited and len(self._active_permits(now)) >= self._max_permits(now)

    @property
    def is_healthy(self) -> bool:
        """Whether no record is needed: a slow attempt is kept until the next, so they add up."""
        unhealthy = self.failures or self.is_open or self.resume_batch_size
        was_slow = self.last_attempt is not None and self.last_attempt.milliseconds > SLOW_MS
        limited = self.permits or self.is_limited
        return not (unhealthy or limited or was_slow or self.average_ms > FORGOTTEN_MS)

    @property
    def due_token(self) -> int:
        return round((self.due_at or 0.0) * 1000)

    def has_failed_too_long(self, now: float) -> bool:
        """Whether attempts of more than one lane have failed for several days."""
        since = self.failing_since
        return since is not None and now - since >= FAILING_TOO_LONG_SECONDS and len(self.lanes) > 1

    def with_attempt(
        self, attempt: Attempt, lane: Lane, *, schedule: RetrySchedule, now: float
    ) -> "EndpointHealth":
        """The health after an attempt."""
        average_ms = self._average_after(attempt)
        timed = self._changed(
            now,
            average_ms=average_ms,
            permits=self._active_permits(now),
            unanswered_since=self._unanswered_after(attempt),
            slow_since=(self.slow_since or now) if average_ms > SLOW_MS else None,
            last_attempt=attempt,
            last_success_at=attempt.at if attempt.outcome.is_success else self.last_success_at,
        )
        if self.is_limited and not timed.is_limited:
            timed = replace(timed, resume_batch_size=max(self.resume_batch_size, 1))
        match attempt.outcome.consequence:
            case Consequence.COMPLETE:
                return _succeeded(timed)
            case Consequence.DEAD_LETTER:
                return timed
        return _failed(timed, attempt, lane, schedule=schedule, now=now)

    def is_affected_by(self, attempt: Attempt) -> bool:
        """Whether the attempt changes anything: a quick success at a healthy endpoint does not.

        A rejected message says of an endpoint only that it answers.
        """
        if attempt.outcome.consequence is Consequence.DEAD_LETTER:
            limited = self.unanswered_since is not None and attempt.status is not None
            return limited or self.resume_batch_size > 0
        quick = attempt.outcome.is_success and attempt.milliseconds <= SLOW_MS
        return self.version > 0 or not quick

    def _average_after(self, attempt: Attempt) -> float:
        """Return the average time; a rejected message does not count, since it may be unsent."""
        if attempt.outcome.consequence is Consequence.DEAD_LETTER:
            return self.average_ms
        return (1 - WEIGHT) * self.average_ms + WEIGHT * attempt.milliseconds

    def _unanswered_after(self, attempt: Attempt) -> float | None:
        if attempt.outcome is Outcome.TIMED_OUT:
            return self.unanswered_since or attempt.at
        is_unsent = attempt.outcome.consequence is Consequence.DEAD_LETTER and not attempt.status
        return self.unanswered_since if is_unsent else None

    def with_probe_started(self, now: float) -> Self | None:
        """Half-open, with a probe under way; None if no probe is due."""
        if self.due_at is None or self.due_at > now:
            return None
        return self._changed(now, due_at=now + PROBE_LEASE_SECONDS)

    def with_permit_acquired(self, permit: float, now: float) -> Self | None:
        """Return the health with one permit fewer; None if all are taken."""
        taken = self._active_permits(now)
        if len(taken) >= self._max_permits(now):
            return None
        return self._changed(now, permits=(*taken, permit))

    def with_unanswered(self, since: float, permit: float, now: float) -> Self | None:
        """The health while an attempt gets no answer; None if enough of them hold permits."""
        taken = self._active_permits(now)
        if self.is_open or len(taken) >= PERMITS:
            return None
        first = since if self.unanswered_since is None else self.unanswered_since
        return self._changed(now, permits=(*taken, permit), unanswered_since=first)

    def with_permit_released(self, permit: float, now: float) -> Self:
        active = list(self._active_permits(now))
        if permit in active:
            active.remove(permit)
        return self._changed(now, permits=tuple(active))

    def with_lanes_to_resume(self, now: float) -> Self:
        """Return the health of an endpoint whose next success resumes suspended lanes."""
        return self._changed(now, resume_batch_size=max(self.resume_batch_size, 1))

    def with_nothing_left_to_resume(self, now: float) -> Self:
        return self._changed(now, resume_batch_size=0)

    def _max_permits(self, now: float) -> int:
        if self.unanswered_since is None:
            return PERMITS
        may_be_one_lane = not self.failures and now >= self.unanswered_since + CANARY_SECONDS
        return 2 if may_be_one_lane else 1

    def _active_permits(self, now: float) -> tuple[float, ...]:
        return tuple(ends_at for ends_at in self.permits if ends_at > now)

    def _changed(self, now: float, **changes: Any) -> Self:
        """Apply changes. Versions start from the clock, so a deleted record's are never reused."""
        return replace(self, version=max(self.version + 1, round(now * 1000)), **changes)


def _succeeded(health: "EndpointHealth") -> "EndpointHealth":
    recovers = health.is_open or health.resume_batch_size
    return replace(
        health,
        failures=0,
        lanes=(),
        failing_since=None,
        due_at=None,
        retry_after_until=0.0,
        probes=0,
        resume_batch_size=min(max(1, 2 * health.resume_batch_size), MAX_LANES_RESUMED_AT_ONCE)
        if recovers
        else 0,
    )


def _failed(
    health: "EndpointHealth", attempt: Attempt, lane: Lane, *, schedule: RetrySchedule, now: float
) -> "EndpointHealth":
    throttled = attempt.outcome is Outcome.THROTTLED  # else Retry-After concerns one lane
    hint = attempt.retry_after or 0.0 if throttled else 0.0
    failed = replace(
        health,
        failures=health.failures + 1,
        lanes=tuple(dict.fromkeys((*health.lanes, str(lane))))[:LANES_TO_OPEN],
        failing_since=health.failing_since or now,
        retry_after_until=max(now + hint, health.retry_after_until),
        resume_batch_size=min(health.resume_batch_size, 1),
    )
    many = failed.failures >= FAILURES_TO_OPEN and len(failed.lanes) >= LANES_TO_OPEN
    if many or throttled or health.is_open:
        return _opened(failed, schedule=schedule, now=now)
    return failed


def _opened(health: "EndpointHealth", *, schedule: RetrySchedule, now: float) -> "EndpointHealth":
    due_at = max(now + _probe_wait(health, schedule, now), health.retry_after_until)
    return replace(health, due_at=due_at, probes=health.probes + 1, resume_batch_size=0)


def _probe_wait(health: "EndpointHealth", schedule: RetrySchedule, now: float) -> float:
    """Return the seconds to the next probe; they grow with the time that it has been down."""
    delays = schedule.delays or (MAX_FIRST_PROBE_WAIT_SECONDS,)
    delay = min(delays[min(health.probes, len(delays) - 1)], MAX_FIRST_PROBE_WAIT_SECONDS)
    share = PROBE_WAIT_SHARE * (now - (health.failing_since or now))
    return max(delay, min(share, MAX_PROBE_WAIT_SECONDS))
