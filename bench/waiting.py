"""Read units to resume a lane, and to list a page, with ever more deliveries waiting in it.

The items are seeded into the store of the emulator, which answers as DynamoDB does.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends

from bench.harness import Row
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.adapters.dynamodb.ledger_items import lane_to_item, record_to_item
from lakehook.adapters.system import SystemClock
from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.settings import StackOutputs
from local import dynamodb
from local.account import ACCOUNT_ID, REGION
from local.provision import provision
from tests.builders import a_delivery

TEMPLATE = Path(__file__).parent.parent / "local" / "template.json"
WAITING = (10, 1_000, 100_000)
LANE = Lane("sub_a", "39")
PAGE = 10
NOW = 1_767_268_800.0


def measure(*, quick: bool) -> Sequence[Row]:
    counts = WAITING[:2] if quick else WAITING
    figures = {count: _measure(count) for count in counts}
    first = figures[counts[0]]
    return [
        Row(
            measure=f"to {operation} with {count:,} waiting: units in {requests} requests",
            value=units,
            unit="",
            on="local cloud",
            to_reach="equal",
            reached=(requests, units) == first[operation],
        )
        for operation in ("resume a lane", "list a page")
        for count in counts
        for requests, units in [figures[count][operation]]
    ]


def _measure(count: int) -> dict[str, tuple[int, float]]:
    with _table() as name:
        _seed(name, count)
        client = boto3.client("dynamodb", region_name=REGION)
        ledger, meter = DynamoLedger(client, name, SystemClock()), _Meter(client)
        head = a_delivery(1)
        return {
            "resume a lane": meter.measure(lambda: _resume(ledger, head)),
            "list a page": meter.measure(lambda: _list(ledger)),
        }


def _resume(ledger: DynamoLedger, head: Any) -> None:
    """Read a lane until its head is known, and what follows it."""
    held = ledger.load([head], [LANE]).lanes[LANE]
    assert list(islice(ledger.waiting_deliveries(held), 2))


def _list(ledger: DynamoLedger) -> None:
    """List a lane as an operator does: what holds it, and the first deliveries that wait."""
    (held,) = ledger.held_lanes(LANE.subscription_id)
    assert len(list(islice(ledger.waiting_deliveries(held), PAGE))) == PAGE


class _Meter:
    """Counter of requests and of the read units that they cost: 4 KB of a page's items each."""

    def __init__(self, client: Any) -> None:
        self._requests, self._units = 0, 0.0
        client.meta.events.register("after-call.dynamodb", self._count)

    def measure(self, work: Callable[[], object]) -> tuple[int, float]:
        self._requests, self._units = 0, 0.0
        work()
        return self._requests, self._units

    def _count(self, parsed: Any, **_: Any) -> None:
        self._requests += 1
        items = parsed.get("Items") or [
            item
            for items_of_table in parsed.get("Responses", {}).values()
            for item in items_of_table
        ]
        self._units += max(
            1, round(sum(len(json.dumps(item, default=str)) for item in items) / 4096)
        )


@contextmanager
def _table() -> Iterator[str]:
    dynamodb.install()
    with mock_aws():
        template = json.loads(TEMPLATE.read_text(encoding="utf-8"))

        def client(service: str) -> Any:
            return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]

        stack = provision(template, {}, client)
        yield StackOutputs.from_outputs(stack.outputs).deliveries_table


def _seed(name: str, count: int) -> None:
    """Store the items that the ledger would have written, one after another."""
    table = dynamodb_backends[ACCOUNT_ID][REGION].get_table(name)
    held = HeldLane.held_at(LANE, 1, now=NOW)
    table.put_item(lane_to_item(held))
    for number in range(1, count + 1):
        record = DeliveryRecord.waiting(a_delivery(number))
        table.put_item(record_to_item(record, expires_at=None))
