"""The ledger: one partition per lane, one item per delivery, and the lane's own record.

A lane has a record only while it holds deliveries, so the indexes over lanes stay small. Items are
written whole: DynamoDB charges an update for the whole item too. Each write is conditional on the
version that was read (optimistic locking), and a replay requeues a lane in one transaction.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.endpoints import health_from_item, health_key, is_health
from lakehook.adapters.dynamodb.items import (
    Item,
    batch_get,
    batch_get_all,
    get_item,
    is_lost_race,
    read_pages,
    read_responses,
    retry_conflicts,
    to_item,
)
from lakehook.adapters.dynamodb.ledger_indexes import (
    CALLS_AT_A_TIME,
    HELD,
    SUSPENDED,
    HeldIndex,
    IndexRange,
    due_items,
    held_items,
    lease,
)
from lakehook.adapters.dynamodb.ledger_items import (
    BREAKERS,
    FIRST_RECORD,
    LAST_RECORD,
    SHARDS,
    behind_dead_letters,
    is_lane,
    lane_from_item,
    lane_key,
    lane_to_item,
    record_from_item,
    record_key,
    record_name,
    record_to_item,
)
from lakehook.adapters.dynamodb.partiql import GroupCommit, execute_writes, insert
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.errors import LaneConflict
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane
from lakehook.domain.subscription import ID_PREFIX
from lakehook.ports.stores import DueItem, HeldSummary, LedgerSnapshot, Requeued
from lakehook.ports.system import Clock
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ABSENT = {
    "ConditionExpression": "attribute_not_exists(#lane)",
    "ExpressionAttributeNames": {"#lane": Table.PARTITION_KEY},
}
LATE_TRIES = 4
PAGE_OF_WAITING, LATER_PAGE = 10, 50  # a resume seldom processes more in one invocation
_IN_LANE = "#lane = :lane AND #record BETWEEN :first AND :last"
_NAMES = {"#lane": Table.PARTITION_KEY, "#record": Table.SORT_KEY}


@dataclass(frozen=True)
class DynamoLedger:
    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock
    retention_seconds: float = 60 * 24 * 3600.0  # of delivered and discarded deliveries
    group_commit: GroupCommit = field(default_factory=GroupCommit)

    def load(self, deliveries: Collection[Delivery], lanes: Collection[Lane]) -> LedgerSnapshot:
        records = {(delivery.lane, delivery.sequence) for delivery in deliveries}
        subscriptions = {lane.subscription_id for lane in lanes}
        keys = [
            *(record_key(*record) for record in records),
            *(lane_key(lane) for lane in set(lanes)),
            *(health_key(subscription) for subscription in subscriptions),
        ]
        healths: dict[str, EndpointHealth] = {}
        held_lanes: dict[Lane, HeldLane] = {}
        known: dict[tuple[Lane, int], DeliveryRecord] = {}
        for item in batch_get(self.dynamodb, self.table, keys):
            if is_health(item):
                health = health_from_item(item)
                healths[health.subscription_id] = health
            elif is_lane(item):
                held = lane_from_item(item)
                held_lanes[held.lane] = held
            else:
                record = record_from_item(item)
                known[record.lane, record.sequence] = record
        return LedgerSnapshot(held_lanes, known, healths)

    def save(
        self, record: DeliveryRecord, *, before: HeldLane | None, after: HeldLane | None
    ) -> DeliveryRecord:
        written = replace(record, version=record.version + 1, changed_at=self.clock.now())
        put = record_put(self.table, record, written, retention_seconds=self.retention_seconds)
        if before is None and after is None:
            is_success = record.status is DeliveryStatus.DELIVERED
            put = _unless_dead(put) if is_success else put
            if record.version > 0 or not self._insert(put["Item"]):
                self._put(put)
        else:
            self._transact([{"Put": put}, lane_write(self.table, record.lane, before, after)])
        return written

    def save_late_success(self, record: DeliveryRecord) -> None:
        for _ in range(LATE_TRIES - 1):
            with suppress(LaneConflict):
                return self._try_late_success(record)
        return self._try_late_success(record)

    def _try_late_success(self, record: DeliveryRecord) -> None:
        """Write over the version of the record that was read before its lane.

        If the delivery dies in between, its version changes, and the lane is read again.
        """
        lane, now = record.lane, self.clock.now()
        (stored,) = map(record_from_item, self._read(record_key(lane, record.sequence)))
        held = next(map(lane_from_item, self._read(lane_key(lane))), None)
        if stored.replayed_by != record.replayed_by:
            raise LaneConflict(f"{lane}#{record.sequence} is requeued by a replay")
        written = replace(record, version=stored.version + 1, changed_at=now)
        put = record_put(self.table, stored, written, retention_seconds=self.retention_seconds)
        if held and held.head_is_dead and held.head == record.sequence:
            due = held.advanced_to(record.sequence, now=now)
            self._transact([{"Put": put}, lane_write(self.table, lane, held, due)])
        elif stored.status is not DeliveryStatus.DELIVERED:
            self._put(put)

    def _read(self, key: Item) -> list[Item]:
        return list(batch_get(self.dynamodb, self.table, [key]))

    def save_lane(self, before: HeldLane, after: HeldLane | None) -> None:
        self._transact([lane_write(self.table, before.lane, before, after)])

    def waiting_deliveries(self, lane: HeldLane) -> Iterator[DeliveryRecord]:
        items = read_pages(
            self.dynamodb.query,
            TableName=self.table,
            ConsistentRead=True,
            Limit=PAGE_OF_WAITING,
            later_limit=LATER_PAGE,
            **_records_of(lane.lane, from_=record_name(lane.head)),
        )
        records = map(record_from_item, items)
        return (record for record in records if not record.status.is_final)

    def due(self, now: float) -> Iterator[DueItem]:
        return due_items(self.dynamodb, self.table, SHARDS, now)

    def due_breakers(self, now: float) -> Iterator[DueItem]:
        return due_items(self.dynamodb, self.table, (BREAKERS,), now)

    def lease(self, due: DueItem, *, until: float) -> int | None:
        return lease(self.dynamodb, self.table, due, until=until)

    def held_lanes(self, subscription_id: str) -> Iterator[HeldLane]:
        held = held_items(
            self.dynamodb, self.table, IndexRange(HELD, subscription_id), wanted=is_lane
        )
        return map(lane_from_item, held)

    def summarize_held(self, subscription_ids: Sequence[str]) -> Mapping[str, HeldSummary]:
        return HeldIndex(self.dynamodb, self.table).summarize(subscription_ids)

    def suspended_lanes(
        self, subscription_id: str, *, held_until: float | None = None
    ) -> Iterator[HeldLane]:
        lanes = self._without_due_time(subscription_id, held_until)
        return (lane for lane in lanes if lane.suspended)

    def lanes_behind_dead_letters(
        self, subscription_id: str, *, held_until: float | None = None
    ) -> Iterator[HeldLane]:
        lanes = self._without_due_time(behind_dead_letters(subscription_id), held_until)
        return (lane for lane in lanes if lane.head_is_dead and lane.due_at is None)

    def _without_due_time(self, partition: str, held_until: float | None) -> Iterator[HeldLane]:
        chosen = IndexRange(SUSPENDED, partition, held_until)
        items = held_items(self.dynamodb, self.table, chosen, wanted=is_lane)
        return map(lane_from_item, items)

    def dead_letters(self, subscription_id: str) -> Iterator[DeliveryRecord]:
        held = held_items(
            self.dynamodb,
            self.table,
            IndexRange(HELD, subscription_id),
            wanted=lambda key: not is_lane(key),
        )
        records = map(record_from_item, held)
        return (record for record in records if record.status is DeliveryStatus.DEAD)

    def requeue(
        self, requeued: Sequence[Requeued], *, before: HeldLane | None, after: HeldLane
    ) -> None:
        now = self.clock.now()
        actions: list[Any] = [{"Put": self._requeue(record, now)} for record in requeued]
        actions.append(lane_write(self.table, after.lane, before, after))
        self._transact(actions)

    def find(self, lane: Lane, sequence: int) -> DeliveryRecord | None:
        item = get_item(self.dynamodb, self.table, record_key(lane, sequence))
        return record_from_item(item) if item else None

    def by_lane(self, lane: Lane) -> Iterator[DeliveryRecord]:
        items = read_pages(
            self.dynamodb.query,
            TableName=self.table,
            ConsistentRead=True,
            ScanIndexForward=False,
            **_records_of(lane),
        )
        return map(record_from_item, items)

    def by_subscription(
        self, subscription_id: str | None, *, on_scanned: Callable[[int], None]
    ) -> Iterator[DeliveryRecord]:
        answers = read_responses(
            self.dynamodb.scan,
            TableName=self.table,
            FilterExpression="begins_with(#lane, :lanes) AND #record BETWEEN :first AND :last",
            ExpressionAttributeNames=_NAMES,
            ExpressionAttributeValues=to_item(
                {
                    ":lanes": str(Lane(subscription_id, "")) if subscription_id else ID_PREFIX,
                    ":first": FIRST_RECORD,
                    ":last": LAST_RECORD,
                }
            ),
        )
        for answer in answers:
            on_scanned(answer["ScannedCount"])
            yield from map(record_from_item, answer["Items"])

    def find_many(
        self, keys: Sequence[tuple[Lane, int]]
    ) -> Mapping[tuple[Lane, int], DeliveryRecord]:
        items = batch_get_all(
            self.dynamodb, self.table, [record_key(*key) for key in keys], at_a_time=LATER_PAGE
        )
        return {(record.lane, record.sequence): record for record in map(record_from_item, items)}

    def count_waiting_behind(self, held: Sequence[HeldLane]) -> list[int]:
        with ThreadPoolExecutor(CALLS_AT_A_TIME) as pool:
            return list(pool.map(self._count_behind, held))

    def _count_behind(self, held: HeldLane) -> int:
        answers = read_responses(
            self.dynamodb.query,
            TableName=self.table,
            Select="COUNT",
            ConsistentRead=True,
            KeyConditionExpression=_IN_LANE,
            FilterExpression="#status = :waiting",
            ExpressionAttributeNames={**_NAMES, "#status": "status"},
            ExpressionAttributeValues=to_item(
                {
                    ":lane": str(held.lane),
                    ":first": record_name(held.head + 1),
                    ":last": LAST_RECORD,
                    ":waiting": str(DeliveryStatus.WAITING),
                }
            ),
        )
        return sum(answer["Count"] for answer in answers)

    def _requeue(self, requeued: Requeued, now: float) -> Item:
        written = replace(requeued.record, version=requeued.record.version + 1, changed_at=now)
        item = record_to_item(written, expires_at=None)
        return {"TableName": self.table, "Item": item, **_unchanged(requeued.previous)}

    def _insert(self, item: Item) -> bool:
        """Insert a record that nobody has written, in one request with those of other lanes.

        An absent record is neither dead nor requeued, so each condition of the put would hold. If
        there is one, or the table is throttled, the put judges and tries again.
        """
        execute = partial(execute_writes, self.dynamodb)
        return self.group_commit(insert(self.table, item), execute) is None

    def _put(self, put: Item) -> None:
        with translate_conflicts():
            retry_conflicts(lambda: self.dynamodb.put_item(**put), self.clock)

    def _transact(self, actions: list[Any]) -> None:
        with translate_conflicts():
            self.dynamodb.transact_write_items(TransactItems=actions)


def _records_of(lane: Lane, *, from_: str = FIRST_RECORD) -> Item:
    """Return the condition of a query for the deliveries of a lane."""
    values = {":lane": str(lane), ":first": from_, ":last": LAST_RECORD}
    return {
        "KeyConditionExpression": _IN_LANE,
        "ExpressionAttributeNames": _NAMES,
        "ExpressionAttributeValues": to_item(values),
    }


def record_put(
    table: str, record: DeliveryRecord, written: DeliveryRecord, *, retention_seconds: float
) -> Item:
    """Build the write of a record over the version that was read."""
    expires_at = int(written.changed_at + retention_seconds) if written.status.is_final else None
    item = record_to_item(written, expires_at=expires_at)
    return {"TableName": table, "Item": item, **_as_read(record)}


def _as_read(record: DeliveryRecord) -> Item:
    """Return the condition: unchanged since it was read, unless the delivery succeeded."""
    if record.status is DeliveryStatus.DELIVERED:
        return _of_the_same_replay(record)
    if record.version == 0:
        return ABSENT
    # A success that was written unconditionally may have the same version.
    values = {":version": record.version, ":delivered": str(DeliveryStatus.DELIVERED)}
    return {
        "ConditionExpression": "record_version = :version AND #status <> :delivered",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": to_item(values),
    }


def _of_the_same_replay(record: DeliveryRecord) -> Item:
    """Return the condition: a success from before a replay must not overwrite its requeueing."""
    if not record.replayed_by:
        return {"ConditionExpression": "attribute_not_exists(replayed_by)"}
    return {
        "ConditionExpression": "replayed_by = :replay",
        "ExpressionAttributeValues": to_item({":replay": record.replayed_by}),
    }


def _unless_dead(put: Item) -> Item:
    """Add to the condition: the lane that a dead letter holds must become due with its success."""
    expression, values = put["ConditionExpression"], put.get("ExpressionAttributeValues", {})
    return put | {
        "ConditionExpression": f"{expression} AND (attribute_not_exists(#st) OR #st <> :dead)",
        "ExpressionAttributeNames": {"#st": "status"},
        "ExpressionAttributeValues": values | to_item({":dead": str(DeliveryStatus.DEAD)}),
    }


def lane_write(
    table: str, lane: Lane, before: HeldLane | None, after: HeldLane | None
) -> dict[str, Any]:
    """Build the transaction's action that moves the lane from ``before`` to ``after``."""
    change: Item = {"TableName": table, **_unmoved(before)}
    if after is None:
        return {"Delete": {"Key": lane_key(lane), **change}}
    return {"Put": {"Item": lane_to_item(after), **change}}


def _unmoved(before: HeldLane | None) -> Item:
    if before is None:
        return ABSENT
    return {
        "ConditionExpression": "lane_version = :version",
        "ExpressionAttributeValues": to_item({":version": before.version}),
    }


@contextmanager
def translate_conflicts() -> Iterator[None]:
    """Raise ``LaneConflict`` for a lane that another worker has written."""
    with translate_aws_errors():
        try:
            yield
        except ClientError as error:
            if is_lost_race(error):
                raise LaneConflict(str(error)) from None
            raise


def _unchanged(was: DeliveryRecord | None) -> Item:
    """Return the condition: unchanged. A success may be overwritten, since it is sent again."""
    if was is None:
        return ABSENT
    return {
        "ConditionExpression": "record_version = :version AND #status = :status",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": to_item({":version": was.version, ":status": str(was.status)}),
    }
