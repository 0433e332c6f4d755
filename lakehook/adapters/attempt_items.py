"""An attempt as a map within an item, and back."""

from typing import Any

from lakehook.adapters.dynamo_item import milliseconds
from lakehook.domain.outcome import Attempt, Outcome


def attempt_item(attempt: Attempt) -> dict[str, Any]:
    item = {
        "at": milliseconds(attempt.at),
        "outcome": str(attempt.outcome),
        "milliseconds": attempt.milliseconds,
        "status": attempt.status,
        "excerpt": attempt.excerpt or None,
    }
    return {name: value for name, value in item.items() if value is not None}


def attempt_of(values: dict[str, Any]) -> Attempt:
    return Attempt(
        at=values["at"] / 1000,
        outcome=Outcome(values["outcome"]),
        milliseconds=values["milliseconds"],
        status=values.get("status"),
        excerpt=values.get("excerpt", ""),
    )
