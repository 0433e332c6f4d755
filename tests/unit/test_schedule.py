"""A schedule on the laptop invokes its function repeatedly, whatever its result."""

from collections.abc import Mapping
from threading import Event
from typing import Any

import pytest

from local.runtime_api import InvocationFailure, InvocationResult, Result
from local.triggers import Schedule

RULE = "arn:aws:events:us-east-1:123456789012:rule/tick"
PATIENCE_SECONDS = 120


class ScriptedFunction:
    """A function that gives one result after another, then stops the schedule."""

    def __init__(self, *results: Result | Exception) -> None:
        self._results = list(results)
        self.events: list[Mapping[str, Any]] = []
        self.rested = Event()

    def __call__(self, event: Mapping[str, Any]) -> Result:
        self.events.append(event)
        result = self._results.pop(0) if self._results else InvocationResult(b"null")
        if not self._results:
            self.rested.set()
        if isinstance(result, Exception):
            raise result
        return result


@pytest.mark.parametrize(
    "trouble", [InvocationFailure("ValueError", "no"), OSError("no more processes")]
)
def test_the_next_tick_comes_whatever_the_result_of_this_one(trouble: Result | Exception) -> None:
    sleeper = ScriptedFunction(trouble, InvocationResult(b"null"), InvocationResult(b"null"))
    schedule = Schedule(RULE, sleeper, every_seconds=0.001)

    schedule.start()

    assert sleeper.rested.wait(PATIENCE_SECONDS)
    schedule.stop()
    for event in sleeper.events:
        assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
        assert event["resources"] == [RULE]


def test_a_long_wait_does_not_delay_the_stop() -> None:
    sleeper = ScriptedFunction()
    schedule = Schedule(RULE, sleeper, every_seconds=3600)

    schedule.start()
    schedule.stop()

    assert sleeper.events == []
