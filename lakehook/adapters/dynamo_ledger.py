"""The ledger on DynamoDB: one partition a lane, one item a delivery, and the lane's own record.

A lane has a record only while it holds something, so the indexes over lanes stay small. Items are
written whole: DynamoDB charges an update for the whole item too.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_health import health_key, health_of, is_health
from lakehook.adapters.dynamo_held import ASLEEP, held_items
from lakehook.adapters.dynamo_item import Item, from_item, to_item
from lakehook.adapters.dynamo_read import batch_get, pages_of
from lakehook.adapters.ledger_items import (
    LAST_RECORD,
    SHARDS,
    held_lane,
    is_lane,
    lane_item,
    lane_key,
    record_item,
    record_key,
    record_name,
    record_of,
)
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.errors import LaneMoved
from lakehook.domain.health import Health
from lakehook.domain.lane import DeliveryRecord, HeldLane, Status
from lakehook.ports import Census, Clock, Due, Page
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAGE_OF_WAITING = 10  # a resume seldom gets further in one invocation
_NEW = "attribute_not_exists(#lane)"
_AS_READ = "record_version = :version AND #status <> :delivered"
_UNCHANGED = "lane_version = :version"
_NOT_HELD = "attribute_not_exists(#lane)"


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
        put = {"TableName": self.table, "Item": self._item(written), **_unless_moved(record)}
        if before is None and after is None:
            self._put(put)
        else:
            self._transact([{"Put": put}, self._lane_change(record.lane, before, after)])
        return written

    def move(self, before: HeldLane, after: HeldLane | None) -> None:
        self._transact([self._lane_change(before.lane, before, after)])

    def waiting(self, lane: HeldLane) -> Iterator[DeliveryRecord]:
        items = pages_of(
            self.dynamodb.query,
            TableName=self.table,
            ConsistentRead=True,
            Limit=PAGE_OF_WAITING,
            KeyConditionExpression="#lane = :lane AND #record BETWEEN :head AND :last",
            ExpressionAttributeNames={"#lane": Table.PARTITION_KEY, "#record": Table.SORT_KEY},
            ExpressionAttributeValues=to_item(
                {":lane": str(lane.lane), ":head": record_name(lane.head), ":last": LAST_RECORD}
            ),
        )
        records = map(record_of, items)
        return (record for record in records if not record.status.is_final)

    def due(self, now: float) -> Iterator[Due]:
        for shard in SHARDS:
            for item in pages_of(
                self.dynamodb.query,
                TableName=self.table,
                IndexName=Table.DUE_INDEX,
                KeyConditionExpression="#shard = :shard AND #due_at <= :now",
                ExpressionAttributeNames={"#shard": Table.DUE_SHARD, "#due_at": Table.DUE_AT},
                ExpressionAttributeValues=to_item({":shard": shard, ":now": round(now * 1000)}),
            ):
                values = from_item(item)
                lane = Lane.parse(values[Table.PARTITION_KEY])
                yield Due(lane, values[Table.DUE_AT], breaker=is_health(item))

    def census(self) -> Census:
        lanes, breakers, since = 0, 0, None
        for shard in SHARDS:
            for item in pages_of(
                self.dynamodb.query,
                TableName=self.table,
                IndexName=Table.DUE_INDEX,
                KeyConditionExpression="#shard = :shard",
                ExpressionAttributeNames={"#shard": Table.DUE_SHARD},
                ExpressionAttributeValues=to_item({":shard": shard}),
            ):
                if is_health(item):
                    breakers += 1
                    continue
                lanes += 1
                held_since = from_item(item)[Table.HELD_SINCE] / 1000
                since = held_since if since is None else min(since, held_since)
        return Census(lanes_held=lanes, held_since=since, breakers_open=breakers)

    def lease(self, due: Due, *, until: float) -> int | None:
        token = round(until * 1000)
        with own_trouble():
            try:
                self.dynamodb.update_item(
                    TableName=self.table,
                    Key=health_key(due.lane.subscription_id) if due.breaker else lane_key(due.lane),
                    UpdateExpression="SET #due_at = :token REMOVE #asleep_of",
                    ConditionExpression="#due_at = :due_at",
                    ExpressionAttributeNames={
                        "#due_at": Table.DUE_AT,
                        "#asleep_of": Table.ASLEEP_OF,
                    },
                    ExpressionAttributeValues=to_item({":token": token, ":due_at": due.token}),
                )
            except self.dynamodb.exceptions.ConditionalCheckFailedException:
                return None
        return token

    def held_by(self, subscription_id: str) -> Iterator[HeldLane]:
        held = held_items(self.dynamodb, self.table, subscription_id, wanted=is_lane)
        return map(held_lane, held)

    def asleep(self, subscription_id: str) -> Iterator[HeldLane]:
        sleepers = held_items(
            self.dynamodb, self.table, subscription_id, index=ASLEEP, wanted=is_lane
        )
        return (lane for lane in map(held_lane, sleepers) if lane.asleep)

    def dead_of(self, subscription_id: str) -> Iterator[DeliveryRecord]:
        held = held_items(
            self.dynamodb, self.table, subscription_id, wanted=lambda key: not is_lane(key)
        )
        records = map(record_of, held)
        return (record for record in records if record.status is Status.DEAD)

    def _item(self, record: DeliveryRecord) -> Item:
        expires_at = int(record.changed_at + self.retention_seconds)
        return record_item(record, expires_at=expires_at if record.status.is_final else None)

    def _lane_change(
        self, lane: Lane, before: HeldLane | None, after: HeldLane | None
    ) -> dict[str, Any]:
        condition: Item = {
            "TableName": self.table,
            "ConditionExpression": _UNCHANGED,
            "ExpressionAttributeValues": to_item({":version": before.version if before else 0}),
        }
        if before is None:
            condition["ConditionExpression"] = _NOT_HELD
            condition["ExpressionAttributeNames"] = {"#lane": Table.PARTITION_KEY}
            del condition["ExpressionAttributeValues"]
        if after is None:
            return {"Delete": {"Key": lane_key(lane), **condition}}
        return {"Put": {"Item": lane_item(after), **condition}}

    def _put(self, put: Item) -> None:
        with own_trouble():
            try:
                self.dynamodb.put_item(**put)
            except self.dynamodb.exceptions.ConditionalCheckFailedException as error:
                raise LaneMoved(str(error)) from None

    def _transact(self, actions: list[Any]) -> None:
        with own_trouble():
            try:
                self.dynamodb.transact_write_items(TransactItems=actions)
            except self.dynamodb.exceptions.TransactionCanceledException as error:
                _refuse_moved(error)
                raise


def _unless_moved(record: DeliveryRecord) -> Item:
    """Nothing is written over what others have written meanwhile, but that it has arrived."""
    if record.status is Status.DELIVERED:
        return {}
    if record.version == 0:
        names = {"#lane": Table.PARTITION_KEY}
        return {"ConditionExpression": _NEW, "ExpressionAttributeNames": names}
    # A success that was written blindly may have this very version.
    values = {":version": record.version, ":delivered": str(Status.DELIVERED)}
    return {
        "ConditionExpression": _AS_READ,
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": to_item(values),
    }


def _refuse_moved(error: ClientError) -> None:
    """Tell a lane that another worker has written from a table that is in trouble."""
    reasons: Any = error.response.get("CancellationReasons", [])
    if any(reason.get("Code") in _MOVED for reason in reasons):
        raise LaneMoved(str(error)) from None


_MOVED = ("ConditionalCheckFailed", "TransactionConflict")
