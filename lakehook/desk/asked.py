"""What is told of an endpoint that was asked whether it is there."""

from dataclasses import dataclass
from typing import Any

from lakehook.desk.subscription_facts import facts
from lakehook.domain.ping import Pong
from lakehook.domain.subscription import Subscription


@dataclass(frozen=True)
class Asked:
    """What came of a question, and how the subscription stands after it."""

    subscription: Subscription
    pong: Pong | None = None
    waited_seconds: float | None = None  # none: it was broken off

    @property
    def facts(self) -> dict[str, Any]:
        attempt = self.pong.attempt if self.pong else None
        return facts(self.subscription) | {
            "outcome": attempt and str(attempt.outcome),
            "status": attempt and attempt.status,
            "milliseconds": attempt and attempt.milliseconds,
            "answer": attempt and (attempt.excerpt or None),
            "hint": self._hint,
        }

    @property
    def is_taken(self) -> bool:
        """By the endpoint, and one that was pending has echoed its challenge."""
        taken = self.pong is not None and self.pong.attempt.outcome.is_success
        return taken and not self.subscription.is_pending

    @property
    def _hint(self) -> str | None:
        if self.waited_seconds is None:
            return "it was broken off; try again: lakehook subscriptions test ID"
        if self.pong is None:
            return f"nothing within {self.waited_seconds:g} s: does the delivery function run?"
        if self.subscription.is_pending and self.pong.attempt.outcome.is_success:
            return "the answer is not the challenge; try again: lakehook subscriptions test ID"
        return None
