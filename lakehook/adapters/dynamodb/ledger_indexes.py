"""Sparse indexes of the ledger: what is due, and a subscription's held lanes and dead letters.

The index over due times covers lanes that have one, and open circuit breakers in a partition of
their own. It is sharded, since one partition takes 1,000 writes a second. All indexes may lag
behind the table; those by subscription have keys alone, so each item is read by its key.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.endpoints import health_key, is_health
from lakehook.adapters.dynamodb.items import (
    Item,
    batch_get,
    batch_get_all,
    from_item,
    is_written,
    read_pages,
    to_item,
    to_milliseconds,
)
from lakehook.adapters.dynamodb.ledger_items import (
    BREAKERS,
    LANE,
    is_lane,
    lane_from_item,
    lane_key,
    record_from_item,
    record_key,
    shard_of,
)
from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.ports.stores import DueItem, HeldSummary
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


MINUTE = 60
_LATER_PAGE = 1000  # keys of an index; the first page is small, since few callers need more
_WITHOUT_DUE_TIME = "attribute_exists(#lane) AND attribute_not_exists(#due_at)"
CALLS_AT_A_TIME = 16  # the client keeps 20 connections
RECORDS_AT_A_TIME = 50  # a dead letter has up to 128 KiB, and a response at most 16 MB


@dataclass(frozen=True)
class SparseIndex:
    name: str
    partition_key: str  # the attribute that holds a subscription's id


@dataclass(frozen=True)
class IndexRange:
    """Entries of one partition that are held since ``held_until`` or longer."""

    index: SparseIndex
    partition: str
    held_until: float | None = None


HELD = SparseIndex(Table.HELD_INDEX, Table.HELD_BY)
SUSPENDED = SparseIndex(Table.SUSPENDED_INDEX, Table.SUSPENDED_SUBSCRIPTION)


def due_items(
    dynamodb: "DynamoDBClient", table: str, shards: Sequence[str], now: float
) -> Iterator[DueItem]:
    for item in _entries(dynamodb, table, shards, until=now):
        values = from_item(item)
        lane = Lane.parse(values[Table.PARTITION_KEY])
        yield DueItem(lane, values[Table.DUE_AT], is_breaker=is_health(item))


def lease(dynamodb: "DynamoDBClient", table: str, due: DueItem, *, until: float) -> int | None:
    token = round(until * 1000)
    shard = BREAKERS if due.is_breaker else shard_of(str(due.lane))
    values = {":token": token, ":shard": shard, ":due_at": due.due_token or None}
    update: Any = {
        "TableName": table,
        "Key": health_key(due.lane.subscription_id) if due.is_breaker else lane_key(due.lane),
        "UpdateExpression": "SET #due_at = :token, #shard = :shard REMOVE #suspended, #reason",
        "ConditionExpression": "#due_at = :due_at" if due.due_token else _WITHOUT_DUE_TIME,
        "ExpressionAttributeNames": {
            "#due_at": Table.DUE_AT,
            "#shard": Table.DUE_SHARD,
            "#suspended": Table.SUSPENDED_SUBSCRIPTION,
            "#reason": Table.SUSPENDED_REASON,
        }
        | ({} if due.due_token else {"#lane": Table.PARTITION_KEY}),
        "ExpressionAttributeValues": to_item(values),
    }
    return token if is_written(lambda: dynamodb.update_item(**update)) else None


def _entries(
    dynamodb: "DynamoDBClient", table: str, shards: Sequence[str], *, until: float
) -> Iterator[Item]:
    for shard in _rotated(shards, until):
        yield from read_pages(
            dynamodb.query,
            TableName=table,
            IndexName=Table.DUE_INDEX,
            KeyConditionExpression="#shard = :shard AND #due_at <= :until",
            ExpressionAttributeNames={"#shard": Table.DUE_SHARD, "#due_at": Table.DUE_AT},
            ExpressionAttributeValues=to_item({":shard": shard, ":until": round(until * 1000)}),
        )


def _rotated(shards: Sequence[str], now: float) -> Sequence[str]:
    """Return the shards, rotated each minute, so that none is always read last."""
    first = int(now // MINUTE) % len(shards)
    return (*shards[first:], *shards[:first])


def held_items(
    dynamodb: "DynamoDBClient", table: str, chosen: IndexRange, *, wanted: Callable[[Item], bool]
) -> Iterator[Item]:
    """Yield the items, the longest held first, skipping those that the table no longer has."""
    entries = _keys(dynamodb, table, chosen)
    keys = ((name, key) for name, key in entries if wanted(key))
    # An item that has just moved may appear twice.
    while page := dict(islice(keys, RECORDS_AT_A_TIME)):
        items = {_name(item): item for item in batch_get(dynamodb, table, list(page.values()))}
        yield from (items[name] for name in page if name in items)


def _keys(
    dynamodb: "DynamoDBClient", table: str, chosen: IndexRange
) -> Iterator[tuple[tuple[str, str], Item]]:
    names, condition = {"#partition": chosen.index.partition_key}, "#partition = :partition"
    values: dict[str, str | int] = {":partition": chosen.partition}
    if chosen.held_until is not None:
        names["#since"], condition = Table.HELD_SINCE, f"{condition} AND #since <= :until"
        values[":until"] = to_milliseconds(chosen.held_until)
    entries = read_pages(
        dynamodb.query,
        TableName=table,
        IndexName=chosen.index.name,
        Limit=RECORDS_AT_A_TIME,
        later_limit=_LATER_PAGE,
        KeyConditionExpression=condition,
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=to_item(values),
    )
    for entry in entries:
        yield _name(entry), {key: entry[key] for key in (Table.PARTITION_KEY, Table.SORT_KEY)}


def _name(item: Item) -> tuple[str, str]:
    return item[Table.PARTITION_KEY]["S"], item[Table.SORT_KEY]["S"]


@dataclass(frozen=True)
class HeldIndex:
    """Summary of what is held, by the index of held lanes and dead letters of a subscription.

    One COUNT for each subscription: a lane's record has the sort key ``lane``, so what the filter
    keeps are lanes, and what it leaves out are dead letters. A page of the index is 1 MB, some
    8,000 entries; a subscription that holds more is shown with the count of one page, and that
    there are more.
    """

    dynamodb: "DynamoDBClient"
    table: str

    def summarize(self, subscription_ids: Sequence[str]) -> Mapping[str, HeldSummary]:
        with ThreadPoolExecutor(CALLS_AT_A_TIME) as pool:
            counts = pool.map(self._count, subscription_ids)
            counted = dict(zip(subscription_ids, counts, strict=True))
            holding = {
                name: summary for name, summary in counted.items() if summary.lanes or summary.dead
            }
            oldest = dict(zip(holding, pool.map(self._oldest, holding), strict=True))
        lanes, records = self._read([entry for entry in oldest.values() if entry])
        return {
            name: _with_oldest(summary, oldest[name], lanes, records)
            for name, summary in holding.items()
        }

    def _count(self, subscription_id: str) -> HeldSummary:
        answer = self._query(
            subscription_id,
            Select="COUNT",
            FilterExpression="#record = :lane",
            names={"#record": Table.SORT_KEY},
            values={":lane": LANE},
        )
        lanes = answer["Count"]
        return HeldSummary(
            lanes=lanes,
            dead=answer["ScannedCount"] - lanes,
            is_truncated="LastEvaluatedKey" in answer,
        )

    def _oldest(self, subscription_id: str) -> Item | None:
        entries = self._query(subscription_id, Limit=1)["Items"]
        return entries[0] if entries else None

    def _query(
        self,
        subscription_id: str,
        *,
        names: Mapping[str, str] | None = None,
        values: Mapping[str, str] | None = None,
        **request: Any,
    ) -> Any:
        with translate_aws_errors():
            return self.dynamodb.query(
                TableName=self.table,
                IndexName=HELD.name,
                KeyConditionExpression="#subscription = :subscription",
                ExpressionAttributeNames={"#subscription": HELD.partition_key, **(names or {})},
                ExpressionAttributeValues=to_item(
                    {":subscription": subscription_id, **(values or {})}
                ),
                **request,
            )

    def _read(
        self, entries: Sequence[Item]
    ) -> tuple[dict[Lane, HeldLane], dict[tuple[Lane, int], DeliveryRecord]]:
        """The lanes that are the oldest, their heads, and the dead letters that are."""
        keys = [
            {name: entry[name] for name in (Table.PARTITION_KEY, Table.SORT_KEY)}
            for entry in entries
        ]
        items = list(batch_get_all(self.dynamodb, self.table, keys, at_a_time=RECORDS_AT_A_TIME))
        held = [lane_from_item(item) for item in items if is_lane(item)]
        heads = batch_get_all(
            self.dynamodb,
            self.table,
            [record_key(lane.lane, lane.head) for lane in held],
            at_a_time=RECORDS_AT_A_TIME,
        )
        deliveries = [item for item in items if not is_lane(item)]
        records = [record_from_item(item) for item in (*deliveries, *heads)]
        return {lane.lane: lane for lane in held}, {
            (record.lane, record.sequence): record for record in records
        }


def _with_oldest(
    summary: HeldSummary,
    entry: Item | None,
    lanes: Mapping[Lane, HeldLane],
    records: Mapping[tuple[Lane, int], DeliveryRecord],
) -> HeldSummary:
    """Add the oldest lane, unless the table no longer has it."""
    if entry is None:
        return summary
    since = int(entry[Table.HELD_SINCE]["N"]) / 1000
    lane = Lane.parse(entry[Table.PARTITION_KEY]["S"])
    if not is_lane(entry):
        head = records.get((lane, int(entry[Table.SORT_KEY]["S"])))
        return replace(summary, since=since, head=head)
    held = lanes.get(lane)
    head = records.get((lane, held.head)) if held else None
    return replace(summary, since=since, lane=held, head=head)
