"""Cost of publishing to the pipeline service: each way of it, while AWS answers and while not.

``python -m bench.producer [--events 500] [--latency-ms 8]``
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from rich.console import Console
from rich.table import Table

from bench.receiver import server_process
from lakehook.adapters.aws import Aws, translate_aws_errors
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.event import Event
from lakehook.domain.json_document import to_json
from lakehook.producer import Publisher, SpooledPublisher

PIPELINES = 50
AWAY_EVENTS = 5  # each of them waits
NOWHERE = "http://127.0.0.1:9"  # nobody listens
QUEUE = "/123456789012/events.fifo"
DRAINING_SECONDS = 120.0

Publish = Callable[[Event], object]


@dataclass(frozen=True, kw_only=True)
class PublishingTimes:
    way: str
    waits: Sequence[float]  # of each call, in seconds
    arrived: float | None  # seconds until all events were on the queue

    def row(self) -> list[str]:
        milliseconds = sorted(1000 * wait for wait in self.waits)
        figures = (
            median(milliseconds),
            quantiles(milliseconds, n=100, method="inclusive")[98],
            milliseconds[-1],
        )
        total = "never" if self.arrived is None else f"{self.arrived:.2f} s"
        return [self.way, str(len(self.waits)), *(f"{figure:.3f}" for figure in figures), total]


def main() -> None:
    arguments = _arguments()
    table = Table("WAY", "EVENTS", "MEDIAN ms", "P99 ms", "MAX ms", "ALL ON THE QUEUE", box=None)
    with server_process("bench.slow_sqs", str(arguments.latency_ms)) as url:
        for publishing in _measure_each_way(url, _events(arguments.events)):
            table.add_row(*publishing.row())
    for publishing in _measure_each_way(NOWHERE, _events(AWAY_EVENTS), way="AWS away: "):
        table.add_row(*publishing.row())
    Console().print(table)


def _measure_each_way(
    url: str, events: Sequence[Event], *, way: str = ""
) -> Iterator[PublishingTimes]:
    os.environ["AWS_ENDPOINT_URL"] = url
    sqs = Aws(boto3.Session("anyone", "anything", region_name="us-east-1")).sqs()
    queue = url + QUEUE
    yield _timed(f"{way}send_message", _plain(sqs, queue), events)
    yield _timed(f"{way}Publisher", _one_by_one(sqs, queue), events)
    with TemporaryDirectory() as folder:
        spooled = SpooledPublisher(queue, Path(folder) / "spool", sqs)
        began = time.perf_counter()
        waits = _timed("", lambda event: spooled.publish([event]), events).waits
        flushed = spooled.flush(0.0 if way else DRAINING_SECONDS)
        arrived = time.perf_counter() - began if flushed else None
        yield PublishingTimes(way=f"{way}SpooledPublisher", waits=waits, arrived=arrived)
        spooled.close(timeout=0.0)


def _timed(way: str, publish: Publish, events: Sequence[Event]) -> PublishingTimes:
    waits, lost, began = [], 0, time.perf_counter()
    for event in events:
        called = time.perf_counter()
        try:
            publish(event)
        except InfrastructureError:
            lost += 1
        waits.append(time.perf_counter() - called)
    return PublishingTimes(
        way=way, waits=waits, arrived=None if lost else time.perf_counter() - began
    )


def _plain(sqs: Any, queue: str) -> Publish:
    """Return what a service does that has no library for it."""

    def send(event: Event) -> None:
        with translate_aws_errors():
            sqs.send_message(
                QueueUrl=queue,
                MessageBody=to_json(event.document),
                MessageGroupId=event.pipeline_id,
                MessageDeduplicationId=event.id,
            )

    return send


def _one_by_one(sqs: Any, queue: str) -> Publish:
    publisher = Publisher(queue, sqs)
    return lambda event: publisher.publish([event])


def _events(count: int) -> list[Event]:
    return [
        Event.from_document(
            {
                "pipeline_id": number % PIPELINES,
                "event_type": "TASK_RUNNING",
                "trigger_source": "manual",
                "timestamp": "2026-01-01T12:00:00Z",
                "project_name": "payments",
                "task": {"id": number, "plugin": "gitlab"},
            }
        )
        for number in range(count)
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=500)
    parser.add_argument("--latency-ms", type=float, default=8.0)
    return parser.parse_args()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
