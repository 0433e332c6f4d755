"""Cost of each subscription when one event fans out to 10, 100, 1,000 and 10,000 of them."""

import time
from collections.abc import Sequence
from typing import Any

from bench.harness import Row
from bench.patterns import matching_subscriptions
from lakehook.adapters.sqs.deliveries import SqsDeliveryQueue
from lakehook.ingestion.fan_out import FanOut, FanOutPorts
from local.fifo import FifoQueue, QueueSettings
from tests.builders import a_notice
from tests.fakes import (
    FakeFanOutReader,
    FakeInvalidEventQueue,
    FakeJournal,
    FakeMessageAcks,
    FakeSubscriptions,
    FakeTelemetry,
    FakeUnfinishedAttempts,
)

COUNTS = (10, 100, 1_000, 10_000)
MAX_RATIO = 1.2
MIN_DELIVERIES = 4_000  # deliveries for each figure, at least


class Sqs:
    """Client of SQS that sends its batches into the in-memory queue."""

    def __init__(self) -> None:
        self.calls = 0
        self._queue = FifoQueue(
            time.monotonic, settings=QueueSettings(deduplication_per_group=True)
        )

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:  # noqa: ARG002, N803
        self.calls += 1
        for entry in Entries:
            self._queue.send(
                entry["MessageBody"],
                group_id=entry["MessageGroupId"],
                deduplication_id=entry["MessageDeduplicationId"],
            )
        return {}

    def purge(self) -> None:
        self._queue.purge()


def measure(*, quick: bool) -> Sequence[Row]:
    counts = COUNTS[:3] if quick else COUNTS
    figures = {count: _costs(count) for count in counts}
    smallest, _ = figures[counts[0]]
    return [
        Row(
            measure=f"fan-out to {count:,}: CPU per subscription ({calls:.2f} calls)",
            value=1e6 * cpu,
            unit="µs",
            on="in-memory queue",
            ratio=cpu / smallest,
            reference="of ten",
            to_reach=f"≤ {MAX_RATIO:g} ×",
            reached=cpu / smallest <= MAX_RATIO,
        )
        for count, (cpu, calls) in figures.items()
    ]


def _costs(count: int) -> tuple[float, float]:
    """Return the least CPU, and SQS calls, per subscription; the first event is not counted."""
    sqs = Sqs()
    journal = FakeJournal()
    subscriptions = FakeSubscriptions(
        {subscription.id: subscription for subscription in matching_subscriptions(count)}
    )
    fan_out = FanOut(
        FanOutPorts(
            reader=FakeFanOutReader(journal, subscriptions),
            journal=journal,
            queue=SqsDeliveryQueue(sqs, "queue"),  # type: ignore[arg-type]
            invalid_events=FakeInvalidEventQueue(),
            telemetry=FakeTelemetry(),
            unfinished=FakeUnfinishedAttempts(),
            acks=FakeMessageAcks(),
        )
    )
    times = [_one_event(fan_out, sqs, number) for number in range(max(8, MIN_DELIVERIES // count))]
    return min(times[1:]) / count, sqs.calls / len(times) / count


def _one_event(fan_out: FanOut, sqs: Sqs, number: int) -> float:
    changes: dict[str, Any] = {"project_name": "payments", "task": {"plugin": "gitlab"}}
    notice = a_notice(f"m{number}", pipeline_id=number, event_id=f"e{number}", **changes)
    sqs.purge()
    began = time.process_time()
    assert fan_out([notice]) == []
    return time.process_time() - began
