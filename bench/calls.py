"""What a delivery asks of AWS when batches are full, counted at clients that answer at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.delivering import LANES, Function
from bench.harness import Row, up_to
from bench.meter import Meter
from bench.prices import ALTERNATIVES, Usage
from bench.receiver import receiving
from lakehook.adapters.dynamodb.circuit_breakers import DynamoEndpointHealthStore
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.adapters.sqs.deliveries import SqsDeliveryQueue
from lakehook.adapters.system import SystemClock
from lakehook.ingestion.fan_out import FanOut
from tests.builders import a_notice, a_subscription
from tests.fakes import FakeInvalidEventQueue, FakeSubscriptions, FakeTelemetry

ON = "counting clients"
PLATFORM_BYTES = 330  # START, END and REPORT of one invocation
GENERATION_READS = 1  # of each batch of events: whether the subscriptions are as they were
POLLS = 2  # of each batch and queue: one request receives it, one deletes it


@dataclass(frozen=True)
class Counted:
    """In the delivery function alone, for each delivery of a full batch."""

    meter: Meter
    bytes_logged: float


def measure(*, quick: bool) -> Sequence[Row]:  # noqa: ARG001  it takes a second
    delivering = _delivering()
    return [*_rows(delivering), *_prices(delivering)]


def _rows(delivering: Counted) -> list[Row]:
    meter, sqs = delivering.meter, _sqs_requests(_fanning_out(1), subscribers=1)
    of_a_batch = meter.reads + meter.writes + POLLS
    figures = (
        ("DynamoDB write requests", meter.writes / LANES, 1, ""),
        ("DynamoDB write units", meter.write_units / LANES, 2, ""),
        ("DynamoDB read requests", meter.reads / LANES, 1, ""),
        ("DynamoDB read units", meter.read_units / LANES, 2, ""),
        ("SQS requests, those of fan-out too", sqs, 0.6, ""),
        ("bytes logged", delivering.bytes_logged, 600, "bytes"),
    )
    return [
        Row(
            measure="AWS requests of a batch of ten, its receive and delete included",
            value=of_a_batch,
            unit="",
            on=ON,
            **up_to(of_a_batch, 4, unit=""),
        ),
        *_for_each_delivery(figures),
    ]


def _for_each_delivery(figures: Sequence[tuple[str, float, float, str]]) -> list[Row]:
    return [
        Row(
            measure=f"{name} a delivery, one subscriber",
            value=value,
            unit=unit,
            on=ON,
            **up_to(round(value, 6), limit, unit=unit),
        )
        for name, value, limit, unit in figures
    ]


def _prices(delivering: Counted) -> list[Row]:
    ours = [_usage(delivering, subscribers).dollars_a_million for subscribers in (1, 10)]
    rows = [
        _price("Lakehook", ours[0], 1),
        _price("Lakehook", ours[1], 10, **up_to(ours[1], 2.0, unit="$")),
    ]
    for name, prices in ALTERNATIVES.items():
        rows += [_price(name, price, k) for price, k in zip(prices, (1, 10), strict=True)]
    return rows


def _price(name: str, dollars: float, subscribers: int, **more: Any) -> Row:
    measure = f"a million deliveries, {subscribers} an event: {name}"
    return Row(measure=measure, value=dollars, unit="$", on="paper", **more)


def _usage(delivering: Counted, subscribers: int) -> Usage:
    fan_out = _fanning_out(subscribers)
    share = LANES * subscribers  # deliveries of a batch of events
    return Usage(
        sqs_requests=_sqs_requests(fan_out, subscribers=subscribers),
        write_units=delivering.meter.write_units / LANES + fan_out.write_units / share,
        read_units=delivering.meter.read_units / LANES
        + (fan_out.read_units + GENERATION_READS) / share,
        bytes_logged=delivering.bytes_logged + PLATFORM_BYTES / share,
        batch=LANES,
        subscribers=subscribers,
    )


def _sqs_requests(fan_out: Meter, *, subscribers: int) -> float:
    """Publishing, receiving and deleting the events; sending, receiving, deleting deliveries."""
    events = (1 + POLLS) / LANES / subscribers
    return events + fan_out.sent / LANES / subscribers + POLLS / LANES


def _delivering() -> Counted:
    meter, clock = Meter(), SystemClock()
    with receiving() as url:
        pipelines = [str(number) for number in range(LANES)]
        ledger = DynamoLedger(meter, "deliveries", clock)  # type: ignore[arg-type]
        healths = DynamoEndpointHealthStore(meter, "deliveries")  # type: ignore[arg-type]
        function = Function([url], ledger=ledger, healths=healths, pipelines=pipelines)
        function(function.batch())
        records = function.batch()
        meter.reset()
        spoken = len(function.said.getvalue())
        function(records)
        function.close()
    said = len(function.said.getvalue()[spoken:]) + PLATFORM_BYTES  # ASCII
    return Counted(meter, said / LANES)


def _fanning_out(subscribers: int) -> Meter:
    """A full batch of events."""
    meter = Meter()
    known = [a_subscription(id=f"sub_{number:022d}") for number in range(subscribers)]
    fan_out = FanOut(
        journal=DynamoJournal(meter, "pipelines", SystemClock()),  # type: ignore[arg-type]
        subscriptions=FakeSubscriptions({one.id: one for one in known}),
        queue=SqsDeliveryQueue(meter, "queue"),  # type: ignore[arg-type]
        invalid_events=FakeInvalidEventQueue(),
        telemetry=FakeTelemetry(),
    )
    notices = [a_notice(f"m{n}", pipeline_id=n, event_id=f"e{n}") for n in range(LANES)]
    assert fan_out(notices) == []
    return meter
