"""The health of a subscription's endpoint: its breaker, its pace, and how it is woken again.

::

                 5 failures in a row of 3 lanes, or throttled
        well ───────────────────────────────────────────────▶ open ◀──┐
         ▲                                                     │  │   │ a probe fails
         │ nothing is left to wake                             │  └───┘
         │                                                     │ a probe succeeds
         └── waking 1, 2, 4 … lanes, each success the next ◀───┘

A subscription that is well has no record: only failing and slow attempts write one. While the
breaker is open deliveries wait in the ledger unattempted, but for one probe at a time.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

from lakehook.domain.delivery import Lane
from lakehook.domain.outcome import Attempt, Consequence, Outcome
from lakehook.domain.retry import RetrySchedule

FAILURES_TO_OPEN, LANES_TO_OPEN = 5, 3
LONGEST_PROBE_WAIT_SECONDS = 300.0
FAILING_TOO_LONG_SECONDS = 5 * 24 * 3600.0
PROBE_LEASE_SECONDS = 30.0  # older word under way may put its lane to sleep: then another goes
MOST_WOKEN_AT_ONCE = 16
SLOW_MS, FORGOTTEN_MS = 2000, 1000
WEIGHT = 0.15  # of the newest attempt in the average: a slow one now and then is no slowness
SLOTS = 3  # lanes of a slow subscription that are worked off at a time
SLOT_SECONDS = 60.0  # a slot whose worker has died is free again after this


@dataclass(frozen=True, kw_only=True)
class Health:
    subscription_id: str
    failures: int = 0  # in a row, over all lanes
    lanes: tuple[str, ...] = ()  # whose failures they were; three are enough to know
    failing_since: float | None = None
    due_at: float | None = None  # of the next probe, while the breaker is open
    hinted_until: float = 0.0  # no probe before, by the receiver's wish
    probes: int = 0  # that have failed since it opened
    waking: int = 0  # lanes that the next success wakes, after the breaker has closed
    average_ms: float = 0.0  # of recent attempts
    slots: tuple[float, ...] = ()  # when the workers of a slow subscription lose theirs
    version: int = 0  # 0: there is no record

    @property
    def is_open(self) -> bool:
        return self.due_at is not None

    @property
    def is_slow(self) -> bool:
        return self.average_ms > SLOW_MS

    @property
    def is_well(self) -> bool:
        ill = self.failures or self.is_open or self.waking
        return not (ill or self.slots or self.average_ms > FORGOTTEN_MS)

    @property
    def token(self) -> int:
        return round((self.due_at or 0.0) * 1000)

    def has_failed_too_long(self, now: float) -> bool:
        """For days, and not one lane's fault alone."""
        since = self.failing_since
        return since is not None and now - since >= FAILING_TOO_LONG_SECONDS and len(self.lanes) > 1

    def after(
        self, attempt: Attempt, lane: Lane, *, schedule: RetrySchedule, now: float
    ) -> "Health":
        """What an attempt tells of the endpoint."""
        average_ms = (1 - WEIGHT) * self.average_ms + WEIGHT * attempt.milliseconds
        timed = self._changed(now, average_ms=average_ms, slots=self._taken(now))
        if attempt.outcome.consequence is Consequence.SETTLE:
            return _succeeded(timed)
        return _failed(timed, attempt, lane, schedule=schedule, now=now)

    def needs_to_know(self, attempt: Attempt) -> bool:
        """Whether the attempt changes anything: a quick success at a well endpoint does not."""
        quick = attempt.outcome.is_success and attempt.milliseconds <= SLOW_MS
        return self.version > 0 or not quick

    def probed(self, now: float) -> Self | None:
        """With a probe under way; nothing if it is not time for one."""
        if self.due_at is None or self.due_at > now:
            return None
        return self._changed(now, due_at=now + PROBE_LEASE_SECONDS)

    def taking_a_slot(self, now: float) -> Self | None:
        """With one slot fewer; nothing if every slot is taken."""
        taken = self._taken(now)
        if len(taken) >= SLOTS:
            return None
        return self._changed(now, slots=(*taken, now + SLOT_SECONDS))

    def giving_back(self, slot: float, now: float) -> Self:
        others = list(self._taken(now))
        if slot in others:
            others.remove(slot)
        return self._changed(now, slots=tuple(others))

    def nothing_left_to_wake(self, now: float) -> Self:
        return self._changed(now, waking=0)

    def _taken(self, now: float) -> tuple[float, ...]:
        return tuple(ends_at for ends_at in self.slots if ends_at > now)

    def _changed(self, now: float, **changes: Any) -> Self:
        """Versions begin at the time, so that none of an earlier record is used again."""
        return replace(self, version=max(self.version + 1, round(now * 1000)), **changes)


def _succeeded(health: "Health") -> "Health":
    recovers = health.is_open or health.waking
    return replace(
        health,
        failures=0,
        lanes=(),
        failing_since=None,
        due_at=None,
        hinted_until=0.0,
        probes=0,
        waking=min(max(1, 2 * health.waking), MOST_WOKEN_AT_ONCE) if recovers else 0,
    )


def _failed(
    health: "Health", attempt: Attempt, lane: Lane, *, schedule: RetrySchedule, now: float
) -> "Health":
    throttled = attempt.outcome is Outcome.THROTTLED  # else the wish is of one lane alone
    hint = attempt.retry_after or 0.0 if throttled else 0.0
    failed = replace(
        health,
        failures=health.failures + 1,
        lanes=tuple(dict.fromkeys((*health.lanes, str(lane))))[:LANES_TO_OPEN],
        failing_since=health.failing_since or now,
        hinted_until=max(now + hint, health.hinted_until),
        waking=min(health.waking, 1),
    )
    many = failed.failures >= FAILURES_TO_OPEN and len(failed.lanes) >= LANES_TO_OPEN
    if many or throttled or health.is_open:
        return _opened(failed, schedule=schedule, now=now)
    return failed


def _opened(health: "Health", *, schedule: RetrySchedule, now: float) -> "Health":
    delays = schedule.delays or (LONGEST_PROBE_WAIT_SECONDS,)
    delay = delays[min(health.probes, len(delays) - 1)]
    due_at = max(now + min(delay, LONGEST_PROBE_WAIT_SECONDS), health.hinted_until)
    return replace(health, due_at=due_at, probes=health.probes + 1, waking=0)
