"""Requests of events and deliveries to AWS, counted at clients that answer at once, and the price.

Pipelines are created, run and end: three events each. ``python -m bench.calls`` writes the table
of prices into docs/performance.md and docs/deploy.md anew; a test holds both to it.
"""

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Metrics

from bench.delivering import LANES, LOOPBACK, REQUEST_ID, Function
from bench.harness import Row, check_limit
from bench.meter import Meter
from bench.page import replace_between, table_line
from bench.prices import ALTERNATIVES, Usage
from bench.receiver import running_receiver
from lakehook.adapters.delivery_telemetry import PowertoolsTelemetry
from lakehook.adapters.dynamodb.endpoints import DynamoEndpointHealthStore
from lakehook.adapters.dynamodb.fan_out import DynamoFanOutReader
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions, subscription_to_item
from lakehook.adapters.http.client import HttpTransport
from lakehook.adapters.sqs.deliveries import SqsDeliveryQueue
from lakehook.domain.attempt import Response
from lakehook.domain.destination import Request
from lakehook.ingestion.fan_out import FanOut, FanOutPorts
from lakehook.ports.queues import EventMessage
from tests.builders import a_notice, a_subscription
from tests.fakes import FakeClock, FakeInvalidEventQueue, FakeMessageAcks, FakeUnfinishedAttempts

ON = "counting clients"
BATCHES = (1, 3, 10)
SUBSCRIBERS = (1, 10)
STATES = (
    {"event_type": "PIPELINE_CREATED", "timestamp": "2024-09-05T15:08:10.123+08:00"},
    {
        "event_type": "PIPELINE_RUNNING",
        "timestamp": "2024-09-05T15:09:10.123+08:00",
        "began_at": "2024-09-05T15:09:10.123+08:00",
    },
    {
        "event_type": "PIPELINE_COMPLETED",
        "timestamp": "2024-09-05T15:29:10.123+08:00",
        "began_at": "2024-09-05T15:09:10.123+08:00",
        "finished_at": "2024-09-05T15:29:10.123+08:00",
    },
)
CARRIED = {
    "project_name": "payments-platform",
    "created_at": "2024-09-05T15:08:10.123+08:00",
    "pipeline_url": "https://devlake.example.com/pipelines/39",
    "data": {"DevLake": {"PipelineID": 39, "ProjectName": "payments-platform", "Status": "TASK_"}},
}
PLATFORM_BYTES = 330  # START, END and REPORT of one invocation
POLLS = 2  # of each batch and queue: one request receives it, one deletes it
ENTRIES = 10  # of a batch that is sent

PAGES = tuple(
    Path(__file__).parent.parent / "docs" / name for name in ("performance.md", "deploy.md")
)
BEGIN, END = "<!-- counted by python -m bench.calls -->\n", "<!-- end of these prices -->\n"


@dataclass(frozen=True)
class MessageCost:
    """Cost of a function for each of its messages."""

    requests: float
    write_units: float
    index_units: float
    read_units: float
    stored_bytes: float
    bytes_logged: float


def measure(*, quick: bool) -> Sequence[Row]:  # noqa: ARG001  it takes a second
    with running_receiver() as url:
        deliver, fan_out = deliveries(LANES, url), events(LANES, 1)
    batch_requests = deliver.requests * LANES + 1  # Lambda deletes what it has received
    figures = (
        ("fan-out of ten events: requests in all", fan_out.requests * LANES, 4, ""),
        ("DynamoDB write units an event", fan_out.write_units, 1, ""),
        ("… and of the index of unfinished pipelines", fan_out.index_units, 4 / 3, ""),
        ("DynamoDB write units a delivery", deliver.write_units, 1, ""),
        ("DynamoDB read units a delivery", deliver.read_units, 2.1, ""),
        ("SQS requests a delivery, one subscriber", count_usage(LANES, 1).sqs_requests, 0.6, ""),
        ("bytes logged a delivery", deliver.bytes_logged, 600, "bytes"),
    )
    return [
        Row(
            measure="AWS requests of a batch of ten: read, writes, delete",
            value=batch_requests,
            unit="",
            on=ON,
            **check_limit(batch_requests, 4, unit=""),
        ),
        *_figures(figures),
    ]


def _figures(figures: Sequence[tuple[str, float, float, str]]) -> list[Row]:
    return [
        Row(
            measure=name,
            value=value,
            unit=unit,
            on=ON,
            **check_limit(round(value, 6), limit, unit=unit),
        )
        for name, value, limit, unit in figures
    ]


@cache
def count_usage(batch: int, subscribers: int) -> Usage:
    """Count for one delivery, if both functions are called with so many messages."""
    fan_out, deliver = events(batch, subscribers), deliveries(batch)
    queue_batches = -(-batch * subscribers // ENTRIES) / batch
    event_requests = (1 + POLLS) / batch + queue_batches
    return Usage(
        sqs_requests=event_requests / subscribers + POLLS / batch,
        write_units=deliver.write_units + fan_out.write_units / subscribers,
        index_units=deliver.index_units + fan_out.index_units / subscribers,
        read_units=deliver.read_units + fan_out.read_units / subscribers,
        bytes_logged=deliver.bytes_logged + fan_out.bytes_logged / subscribers,
        event_bytes=fan_out.stored_bytes / subscribers,
        record_bytes=deliver.stored_bytes,
        batches=1 / batch,
        event_batches=1 / batch / subscribers,
    )


class _AnsweringTransport(HttpTransport):
    def send(self, request: Request) -> Response:  # noqa: ARG002  it answers each
        return Response(status=200, headers={}, body=b"")


@cache
def deliveries(batch: int, url: str = "") -> MessageCost:
    """Count for a delivery to a receiver, or to none: then nothing depends on the machine.

    No clock goes on: a slow attempt takes a permit, which would be counted as well.
    """
    meter, clock = Meter(), FakeClock()
    function = Function(
        [url or "http://127.0.0.1:9"],
        ledger=DynamoLedger(meter, "deliveries", clock),  # type: ignore[arg-type]
        healths=DynamoEndpointHealthStore(meter, "deliveries"),  # type: ignore[arg-type]
        clock=clock,
        http=HttpTransport(LOOPBACK) if url else _AnsweringTransport(),
        pipelines=[str(number) for number in range(batch)],
    )
    function(function.batch())
    records = function.batch()
    stored = meter.tables["deliveries"].stored_bytes
    meter.reset()
    logged_before = len(function.log.getvalue())
    function(records)
    function.close()
    bytes_logged = len(function.log.getvalue()[logged_before:]) + PLATFORM_BYTES  # ASCII
    return _cost_per_message(
        meter, batch, meter.tables["deliveries"].stored_bytes - stored, bytes_logged
    )


@cache
def events(batch: int, subscribers: int) -> MessageCost:
    """Count for an event of so many pipelines that go through their states at once."""
    meter, clock, log = Meter(), FakeClock(), io.StringIO()
    for number in range(subscribers):
        item = subscription_to_item(a_subscription(id=f"sub_{number:022d}"))
        meter.put_item(TableName="subscriptions", Item=item)
    journal = DynamoJournal(meter, "pipelines", clock)  # type: ignore[arg-type]
    subscriptions = DynamoSubscriptions(meter, "subscriptions", clock)  # type: ignore[arg-type]
    telemetry = PowertoolsTelemetry(
        Logger(service=f"fanout-{batch}-{subscribers}", stream=log, use_rfc3339=True, utc=True),
        Metrics(service="fanout", namespace="Lakehook"),
    )
    fan_out = FanOut(
        FanOutPorts(
            reader=DynamoFanOutReader(journal, subscriptions),
            journal=journal,
            queue=SqsDeliveryQueue(meter, "queue"),  # type: ignore[arg-type]
            invalid_events=FakeInvalidEventQueue(),
            telemetry=telemetry,
            unfinished=FakeUnfinishedAttempts(),
            acks=FakeMessageAcks(),
        )
    )
    subscriptions.all()
    meter.reset()
    for state in STATES:
        with redirect_stdout(log), telemetry.invocation(REQUEST_ID):
            assert fan_out(_notices(batch, state)) == []
    bytes_logged = len(log.getvalue()) + len(STATES) * PLATFORM_BYTES
    stored = meter.tables["pipelines"].stored_bytes
    return _cost_per_message(meter, batch * len(STATES), stored, bytes_logged)


def _notices(batch: int, state: Mapping[str, str]) -> list[EventMessage]:
    fields: dict[str, Any] = {**CARRIED, **state}
    return [
        a_notice(f"m{n}", pipeline_id=n, event_id=f"{state['event_type']}-{n}", **fields)
        for n in range(batch)
    ]


def _cost_per_message(
    meter: Meter, messages: int, stored_bytes: int, bytes_logged: int
) -> MessageCost:
    return MessageCost(
        requests=meter.requests.total() / messages,
        write_units=meter.write_units / messages,
        index_units=meter.index_units / messages,
        read_units=meter.read_units / messages,
        stored_bytes=stored_bytes / messages,
        bytes_logged=bytes_logged / messages,
    )


def table() -> str:
    """Build the table of prices that both pages hold."""
    usages = [count_usage(batch, subscribers) for subscribers in SUBSCRIBERS for batch in BATCHES]
    heads = [
        f"{subscribers} an event, batches of {batch}"
        for subscribers in SUBSCRIBERS
        for batch in BATCHES
    ]
    lines = [
        *(
            table_line(item, *(f"${usage.dollars[item]:.2f}" for usage in usages))
            for item in usages[0].dollars
        ),
        table_line("**together**", *(f"**${usage.dollars_a_million:.2f}**" for usage in usages)),
    ]
    alternatives = [
        table_line(name, *(f"${price:.2f}" for price in dollars))
        for name, dollars in ALTERNATIVES.items()
    ]
    return "\n".join(
        (
            table_line("a million deliveries", *heads),
            "|---" * (1 + len(heads)) + "|",
            *lines,
            "",
            table_line(
                "without order and retries for days", *(f"{n} an event" for n in SUBSCRIBERS)
            ),
            "|---" * (1 + len(SUBSCRIBERS)) + "|",
            *alternatives,
            "",
        )
    )


def main() -> None:
    for page in PAGES:
        replace_between(page, BEGIN, END, f"\n{table()}\n")


if __name__ == "__main__":
    main()
