"""The cost of an event does not grow with its subscribers, except for their deliveries."""

from collections import Counter
from math import ceil
from typing import Any

import pytest

from lakehook.adapters.sqs.deliveries import SqsDeliveryQueue
from lakehook.domain import event as event_module
from lakehook.domain import subscription as subscription_module
from lakehook.domain.subscription import Subscription
from tests.builders import a_notice, a_subscription
from tests.fakes import FakeJournal, FakeSubscriptions
from tests.fanning_out import FanOutFunction

SUBSCRIBERS, EVENTS = 200, 2
TEXT = "what the event says"


class CountingSqs:
    def __init__(self, counts: "Counter[str]") -> None:
        self._counts = counts

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        self._counts["requests of SQS"] += 1
        self._counts["entries"] += len(Entries)
        return {}


class CountingJournal(FakeJournal):
    counts: "Counter[str]"

    def load(self, *args: Any) -> Any:
        self.counts["reads of the journal"] += 1
        return super().load(*args)

    def append(self, *args: Any) -> Any:
        self.counts["writes of the journal"] += 1
        return super().append(*args)


class CountingSubscriptions(FakeSubscriptions):
    counts: "Counter[str]"

    def all(self) -> Any:
        self.counts["readings of the subscriptions"] += 1
        return super().all()


def wanting(number: int) -> Subscription:
    return a_subscription(id=f"sub_{number:05d}", pattern='{"message": [{"prefix": "what"}]}')


def costs(count: int, monkeypatch: pytest.MonkeyPatch) -> "Counter[str]":
    """Count the calls for some events, each a batch of its own."""
    counts: Counter[str] = Counter()

    def counted(name: str, module: Any, attribute: str) -> None:
        call = getattr(module, attribute)

        def count_and_call(*args: Any) -> Any:
            counts[name] += 1
            return call(*args)

        monkeypatch.setattr(module, attribute, count_and_call)

    with monkeypatch.context() as monkeypatch:  # noqa: PLR1704  what it patches is undone here
        counted("patterns compiled", subscription_module, "compile_pattern")
        counted("events written as text", event_module, "to_ascii_json")
        counted("types of events read", event_module, "EventType")
        journal = CountingJournal()
        subscriptions = CountingSubscriptions({f"{n}": wanting(n) for n in range(count)})
        journal.counts = subscriptions.counts = counts
        queue = SqsDeliveryQueue(CountingSqs(counts), "queue")  # type: ignore[arg-type]
        function = FanOutFunction(journal=journal, subscriptions=subscriptions, queue=queue)
        for number in range(EVENTS):
            notice = a_notice(f"m{number}", pipeline_id=number, event_id=f"e{number}", message=TEXT)
            assert function.fan_out([notice]) == []
    return counts


def test_an_event_is_read_and_written_once_and_a_pattern_once_for_all_events(
    monkeypatch: pytest.MonkeyPatch,
):
    counts = costs(SUBSCRIBERS, monkeypatch)

    assert counts == {
        "readings of the subscriptions": EVENTS,
        "reads of the journal": EVENTS,
        "writes of the journal": EVENTS,
        "patterns compiled": SUBSCRIBERS,
        "events written as text": EVENTS,
        "types of events read": EVENTS,
        "requests of SQS": EVENTS * ceil(SUBSCRIBERS / 10),
        "entries": EVENTS * SUBSCRIBERS,
    }
