"""Attempts under way in this process, to find those that get no answer.

The thread that waits for a batch looks for them, so that an attempt needs no timer of its own.
"""

from dataclasses import dataclass, field
from typing import Protocol

from lakehook.domain.circuit_breaker import UNANSWERED_SECONDS
from lakehook.domain.errors import InfrastructureError
from lakehook.ports.system import Clock
from lakehook.ports.telemetry import Telemetry

MIN_STEP_SECONDS = 0.01  # so that each wait takes time, whatever floats are rounded to


class Endpoint(Protocol):
    def mark_unanswered(self, since: float) -> None:
        """Save that an attempt has got no answer yet."""

    def release_permit(self) -> None:
        """Release the permit of an attempt that ended while it was marked."""


@dataclass(eq=False)
class AttemptUnderWay:
    endpoint: Endpoint
    since: float
    marked: bool = False
    ended: bool = False


@dataclass(frozen=True)
class AttemptsUnderWay:
    clock: Clock
    telemetry: Telemetry
    _attempts: set[AttemptUnderWay] = field(default_factory=set)

    def watch(self, endpoint: Endpoint, since: float) -> AttemptUnderWay:
        attempt = AttemptUnderWay(endpoint, since)
        self._attempts.add(attempt)
        return attempt

    def end(self, attempt: AttemptUnderWay) -> None:
        attempt.ended = True
        self._attempts.discard(attempt)

    def mark_unanswered(self) -> float:
        """Mark the endpoints of long attempts; return the seconds until this is to be repeated."""
        now = self.clock.now()
        unmarked = [attempt for attempt in tuple(self._attempts) if not attempt.marked]
        for attempt in unmarked:
            if attempt.since + UNANSWERED_SECONDS <= now:
                self._mark(attempt)
        waiting = (attempt.since + UNANSWERED_SECONDS - now for attempt in unmarked)
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
