"""Outcomes of patterns are those recorded of EventBridge: tests/outside/eventbridge."""

import json
from typing import Any

import pytest

from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.event_pattern import compile_pattern
from lakehook.domain.json_document import expand_names
from tests.outside import OUTSIDE

OUTCOMES: list[dict[str, Any]] = [
    outcome
    for name in ("outcomes.json", "event_ruler.json")
    for outcome in json.loads((OUTSIDE / "eventbridge" / name).read_text(encoding="utf-8"))
]
DIFFERENT = {  # as docs/patterns.md says
    **{outcome["name"]: None for outcome in OUTCOMES if "cidr" in json.dumps(outcome["pattern"])},
    "content_wildcard_complex_EXC": True,  # here a wildcard takes no longer, however many its stars
}


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome["name"])
def test_a_pattern_has_the_outcome_that_was_recorded(outcome: dict[str, Any]):
    recorded = outcome.get("matches")

    assert result(outcome) is DIFFERENT.get(outcome["name"], recorded)


def result(outcome: dict[str, Any]) -> bool | None:
    """Match a pattern; return ``None`` if it is refused."""
    try:
        pattern = compile_pattern(json.dumps(outcome["pattern"]))
    except InvalidSubscription:
        return None
    event = outcome.get("event", {"EventBusArn": "a:b:c:d:e:event-bus/f"})
    return pattern(expand_names(event))
