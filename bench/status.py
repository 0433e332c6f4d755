"""The status of 500 subscriptions with 100,000 held lanes, at a table that answers in 5 ms."""

import time
from collections.abc import Sequence
from threading import Lock
from typing import Any

from bench.harness import Row, check_limit
from lakehook.adapters.dynamodb.endpoints import DynamoEndpointHealthStore
from lakehook.adapters.dynamodb.items import to_item
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.adapters.dynamodb.ledger_items import LANE, lane_to_item, record_to_item
from lakehook.adapters.system import SystemClock
from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.queries import ListPipelines, ShowStatus
from lakehook.settings import DeliveriesTable as Table
from tests.builders import a_delivery, a_subscription
from tests.fakes import NOON, FakeJournal, FakeSubscriptions

SUBSCRIPTIONS, LANES, CALL_SECONDS, MAX_SECONDS = 500, 100_000, 0.005, 2.0


class HeldTable:
    """Fake of DynamoDB: each subscription holds as many lanes, and each call takes its time."""

    def __init__(self, lanes_each: int, call_seconds: float = 0.0) -> None:
        self.lanes_each, self.call_seconds, self.calls = lanes_each, call_seconds, 0
        self._lock = Lock()

    def query(self, **request: Any) -> Any:
        self._take()
        if request.get("Select") == "COUNT":
            return {"Count": self.lanes_each, "ScannedCount": self.lanes_each}
        subscription = request["ExpressionAttributeValues"][":subscription"]["S"]
        entry = {
            Table.PARTITION_KEY: f"{subscription}#39",
            Table.SORT_KEY: LANE,
            Table.HELD_SINCE: round(NOON * 1000),
        }
        return {"Items": [to_item(entry)] if self.lanes_each else []}

    def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803  as boto3 has it
        self._take()
        ((table, request),) = RequestItems.items()
        items = [item for key in request["Keys"] if (item := _item(key))]
        return {"Responses": {table: items}}

    def _take(self) -> None:
        with self._lock:
            self.calls += 1
        time.sleep(self.call_seconds)


def _item(key: Any) -> Any:
    lane = Lane.parse(key[Table.PARTITION_KEY]["S"])
    if key[Table.SORT_KEY]["S"] == LANE:
        return lane_to_item(HeldLane.held_at(lane, 1, now=NOON))
    if not lane.pipeline_key:
        return None  # nobody's breaker
    delivery = a_delivery(1, subscription=lane.subscription_id)
    return record_to_item(DeliveryRecord.waiting(delivery), expires_at=None)


def show_status(table: Any, *, subscriptions: int = SUBSCRIPTIONS) -> ShowStatus:
    subscriptions_by_name = {
        name: a_subscription(id=name, name=name)
        for name in (f"sub_{number}" for number in range(subscriptions))
    }
    clock = SystemClock()
    return ShowStatus(
        FakeSubscriptions(subscriptions_by_name),
        DynamoEndpointHealthStore(table, "deliveries"),
        DynamoLedger(table, "deliveries", clock),
        ListPipelines(FakeJournal(), clock),
        clock,
    )


def measure(*, quick: bool) -> Sequence[Row]:  # noqa: ARG001  it takes a second
    table = HeldTable(LANES // SUBSCRIPTIONS, CALL_SECONDS)
    began = time.perf_counter()
    show_status(table)()
    seconds = time.perf_counter() - began
    on = f"a table that answers in {CALL_SECONDS * 1000:g} ms"
    name = f"status, {SUBSCRIPTIONS} subscriptions with {LANES:,} held lanes"
    return [
        Row(
            measure=name,
            value=seconds,
            unit="s",
            on=on,
            **check_limit(seconds, MAX_SECONDS, unit="s"),
        ),
        Row(
            measure="calls of the status, each subscription",
            value=table.calls / SUBSCRIPTIONS,
            unit="",
            on=on,
        ),
    ]
