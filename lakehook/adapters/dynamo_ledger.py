"""The ledger on DynamoDB: one partition a lane, one item a delivery, and the lane's own record.

A lane has a record only while it holds something, so the indexes over lanes stay small. Items are
written whole: DynamoDB charges an update for the whole item too.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_conflict import is_lost_race, retry_conflicts
from lakehook.adapters.dynamo_due import all_due, census_of, lease
from lakehook.adapters.dynamo_health import health_key, health_of, is_health
from lakehook.adapters.dynamo_held import ASLEEP, held_items
from lakehook.adapters.dynamo_item import Item, to_item
from lakehook.adapters.dynamo_read import batch_get, pages_of
from lakehook.adapters.ledger_items import (
    LAST_RECORD,
    held_lane,
    is_lane,
    lane_key,
    record_key,
    record_name,
    record_of,
)
from lakehook.adapters.ledger_writes import lane_change, record_put
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.errors import LaneMoved
from lakehook.domain.health import Health
from lakehook.domain.lane import DeliveryRecord, HeldLane, Status
from lakehook.ports.clock import Clock
from lakehook.ports.ledger import Census, Due, Page
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAGE_OF_WAITING, LATER_PAGE = 10, 50  # a resume seldom gets further in one invocation


@dataclass(frozen=True)
class DynamoLedger:
    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock
    retention_seconds: float = 60 * 24 * 3600.0  # of what is delivered or discarded

    def read(self, deliveries: Collection[Delivery], lanes: Collection[Lane]) -> Page:
        records = {(delivery.lane, delivery.sequence) for delivery in deliveries}
        subscriptions = {lane.subscription_id for lane in lanes}
        keys = [
            *(record_key(*one) for one in records),
            *(lane_key(lane) for lane in set(lanes)),
            *(health_key(one) for one in subscriptions),
        ]
        healths: dict[str, Health] = {}
        held_lanes: dict[Lane, HeldLane] = {}
        known: dict[tuple[Lane, int], DeliveryRecord] = {}
        for item in batch_get(self.dynamodb, self.table, keys):
            if is_health(item):
                health = health_of(item)
                healths[health.subscription_id] = health
            elif is_lane(item):
                held = held_lane(item)
                held_lanes[held.lane] = held
            else:
                record = record_of(item)
                known[record.lane, record.sequence] = record
        return Page(held_lanes, known, healths)

    def write(
        self, record: DeliveryRecord, *, before: HeldLane | None, after: HeldLane | None
    ) -> DeliveryRecord:
        written = replace(record, version=record.version + 1, changed_at=self.clock.now())
        put = record_put(self.table, record, written, retention_seconds=self.retention_seconds)
        if before is None and after is None:
            self._put(put)
        else:
            self._transact([{"Put": put}, lane_change(self.table, record.lane, before, after)])
        return written

    def move(self, before: HeldLane, after: HeldLane | None) -> None:
        self._transact([lane_change(self.table, before.lane, before, after)])

    def waiting(self, lane: HeldLane) -> Iterator[DeliveryRecord]:
        items = pages_of(
            self.dynamodb.query,
            TableName=self.table,
            ConsistentRead=True,
            Limit=PAGE_OF_WAITING,
            later_limit=LATER_PAGE,
            KeyConditionExpression="#lane = :lane AND #record BETWEEN :head AND :last",
            ExpressionAttributeNames={"#lane": Table.PARTITION_KEY, "#record": Table.SORT_KEY},
            ExpressionAttributeValues=to_item(
                {":lane": str(lane.lane), ":head": record_name(lane.head), ":last": LAST_RECORD}
            ),
        )
        records = map(record_of, items)
        return (record for record in records if not record.status.is_final)

    def due(self, now: float) -> Iterator[Due]:
        return all_due(self.dynamodb, self.table, now)

    def lease(self, due: Due, *, until: float) -> int | None:
        return lease(self.dynamodb, self.table, due, until=until)

    def census(self) -> Census:
        return census_of(self.dynamodb, self.table)

    def held_by(self, subscription_id: str) -> Iterator[HeldLane]:
        held = held_items(self.dynamodb, self.table, subscription_id, wanted=is_lane)
        return map(held_lane, held)

    def asleep(self, subscription_id: str) -> Iterator[HeldLane]:
        sleepers = held_items(
            self.dynamodb, self.table, subscription_id, index=ASLEEP, wanted=is_lane
        )
        return (lane for lane in map(held_lane, sleepers) if lane.suspended)

    def dead_of(self, subscription_id: str) -> Iterator[DeliveryRecord]:
        held = held_items(
            self.dynamodb, self.table, subscription_id, wanted=lambda key: not is_lane(key)
        )
        records = map(record_of, held)
        return (record for record in records if record.status is Status.DEAD)

    def _put(self, put: Item) -> None:
        with own_trouble():
            try:
                retry_conflicts(lambda: self.dynamodb.put_item(**put), self.clock)
            except ClientError as error:
                refuse_moved(error)
                raise

    def _transact(self, actions: list[Any]) -> None:
        with own_trouble():
            try:
                self.dynamodb.transact_write_items(TransactItems=actions)
            except ClientError as error:
                refuse_moved(error)
                raise


def refuse_moved(error: ClientError) -> None:
    """Tell a lane that another worker has written from a table that is in trouble."""
    if is_lost_race(error):
        raise LaneMoved(str(error)) from None
