"""CPU to match an event with the patterns of a thousand subscriptions."""

import json
from collections.abc import Sequence

from bench.harness import Row, check_limit, cpu_seconds, measure_in_turns
from lakehook.domain.subscription import Subscription
from tests.builders import a_subscription, an_event

SUBSCRIPTIONS = 1000
MAX_MS = 5.0


def measure(*, quick: bool) -> Sequence[Row]:
    event = an_event(project_name="payments", task={"id": 7, "plugin": "gitlab"})
    subscriptions = matching_subscriptions(SUBSCRIPTIONS)

    def match() -> None:
        matches = sum(subscription.accepts(event) for subscription in subscriptions)
        assert matches == SUBSCRIPTIONS

    (sample,) = measure_in_turns(
        {"match": lambda: cpu_seconds(match, times=5)}, rounds=3 if quick else 9
    ).values()
    reached = check_limit(1e3 * sample.median, MAX_MS, unit="ms")
    measure = "CPU to match an event with 1,000 patterns of three fields"
    return [sample.row(measure, factor=1e3, unit="ms", on="memory", **reached)]


def matching_subscriptions(count: int) -> list[Subscription]:
    """Return subscriptions with patterns that differ, all matched by a payments event."""
    return [
        a_subscription(
            id=f"sub_{n:022d}",
            pattern=json.dumps(
                {
                    "project_name": ["payments", f"project-{n}"],
                    "trigger_source": [{"prefix": "blueprint:"}],
                    "task": {"plugin": ["gitlab", f"plugin-{n}"]},
                }
            ),
        )
        for n in range(count)
    ]
