"""Attempts under way in this process, to find those that get no answer.

The thread that waits for a batch looks for them, so that an attempt needs no timer of its own. An
endpoint that usually takes a second is waited for longer than one that takes 20 ms: marks cost
writes, and a marked endpoint gets one attempt at a time. How long it usually takes is remembered by
the process, since a wrong guess costs no more than a mark.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

from lakehook.domain.circuit_breaker import SLOW_MS, UNANSWERED_SECONDS
from lakehook.domain.errors import InfrastructureError
from lakehook.ports.system import Clock
from lakehook.ports.telemetry import Telemetry

USUAL_TIMES = 2.0  # an attempt is long when it takes this many times what is usual
WEIGHT = 0.3  # of the newest answer in what is usual
MAX_USUAL_SECONDS = SLOW_MS / 1000  # what usually takes longer is limited for being slow
MAX_ENDPOINTS = 1_000  # of which a process remembers what is usual
MIN_STEP_SECONDS = 0.01  # so that each wait takes time, whatever floats are rounded to


class PermitHolder(Protocol):
    def mark_unanswered(self, since: float) -> None:
        """Save that an attempt has got no answer yet."""

    def release_permit(self) -> None:
        """Release the permit of an attempt that ended while it was marked."""


@dataclass(eq=False)
class AttemptUnderWay:
    endpoint: PermitHolder
    since: float
    unanswered_at: float
    marked: bool = False
    ended: bool = False


@dataclass(frozen=True)
class AttemptsUnderWay:
    clock: Clock
    telemetry: Telemetry
    _attempts: set[AttemptUnderWay] = field(default_factory=set)
    _usual_seconds: OrderedDict[str, float] = field(default_factory=OrderedDict)
    """By subscription, the one that was heard longest ago first."""

    def watch(self, endpoint: PermitHolder, subscription_id: str, since: float) -> AttemptUnderWay:
        usual = self._usual_seconds.get(subscription_id, 0.0)
        attempt = AttemptUnderWay(
            endpoint, since, since + max(UNANSWERED_SECONDS, USUAL_TIMES * usual)
        )
        self._attempts.add(attempt)
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
        self._attempts.discard(attempt)

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
