"""Sparse indexes of the ledger: what is due, and a subscription's held lanes and dead letters.

The index over due times covers lanes that have one, and open circuit breakers in a partition of
their own. It is sharded, since one partition takes 1,000 writes a second. All indexes may lag
behind the table; those by subscription have keys alone, so each item is read by its key.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.circuit_breakers import health_key, is_health
from lakehook.adapters.dynamodb.items import (
    Item,
    batch_get,
    from_item,
    is_lost_race,
    read_pages,
    to_item,
    to_milliseconds,
)
from lakehook.adapters.dynamodb.ledger_items import BREAKERS, lane_key, shard_of
from lakehook.domain.delivery import Lane
from lakehook.ports.stores import DueItem
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MINUTE = 60
_AT_A_TIME = 50  # a dead letter has up to 128 KiB, and a response at most 16 MB
_LATER_PAGE = 1000  # keys of an index; the first page is small, since few callers need more
_WITHOUT_DUE_TIME = "attribute_exists(#lane) AND attribute_not_exists(#due_at)"


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
    with translate_aws_errors():
        try:
            dynamodb.update_item(
                TableName=table,
                Key=health_key(due.lane.subscription_id) if due.is_breaker else lane_key(due.lane),
                UpdateExpression="SET #due_at = :token, #shard = :shard REMOVE #suspended, #reason",
                ConditionExpression="#due_at = :due_at" if due.due_token else _WITHOUT_DUE_TIME,
                ExpressionAttributeNames={
                    "#due_at": Table.DUE_AT,
                    "#shard": Table.DUE_SHARD,
                    "#suspended": Table.SUSPENDED_SUBSCRIPTION,
                    "#reason": Table.SUSPENDED_REASON,
                }
                | ({} if due.due_token else {"#lane": Table.PARTITION_KEY}),
                ExpressionAttributeValues=to_item(values),
            )
        except ClientError as error:
            if not is_lost_race(error):
                raise
            return None
    return token


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
    while page := dict(islice(keys, _AT_A_TIME)):  # an item that has just moved may appear twice
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
        Limit=_AT_A_TIME,
        later_limit=_LATER_PAGE,
        KeyConditionExpression=condition,
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=to_item(values),
    )
    for entry in entries:
        yield _name(entry), {key: entry[key] for key in (Table.PARTITION_KEY, Table.SORT_KEY)}


def _name(item: Item) -> tuple[str, str]:
    return item[Table.PARTITION_KEY]["S"], item[Table.SORT_KEY]["S"]
