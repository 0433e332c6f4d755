"""Sparse indexes of the ledger: what is due, and a subscription's held lanes and dead letters.

The index over due times covers held lanes and open circuit breakers. It is sharded, since one
partition takes 1,000 writes a second. All indexes may lag behind the table; those by subscription
have keys alone, so each item is read by its key.
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
)
from lakehook.adapters.dynamodb.ledger_items import SHARDS, lane_key
from lakehook.domain.delivery import Lane
from lakehook.ports.stores import DueItem
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MINUTE = 60
_AT_A_TIME = 50  # a dead letter has up to 128 KiB, and a response at most 16 MB


@dataclass(frozen=True)
class SparseIndex:
    name: str
    partition_key: str  # the attribute that holds a subscription's id


HELD = SparseIndex(Table.HELD_INDEX, Table.HELD_BY)
SUSPENDED = SparseIndex(Table.SUSPENDED_INDEX, Table.SUSPENDED_SUBSCRIPTION)


def all_due(dynamodb: "DynamoDBClient", table: str, now: float) -> Iterator[DueItem]:
    for item in _entries(dynamodb, table, until=now):
        values = from_item(item)
        lane = Lane.parse(values[Table.PARTITION_KEY])
        yield DueItem(lane, values[Table.DUE_AT], is_breaker=is_health(item))


def lease(dynamodb: "DynamoDBClient", table: str, due: DueItem, *, until: float) -> int | None:
    token = round(until * 1000)
    with translate_aws_errors():
        try:
            dynamodb.update_item(
                TableName=table,
                Key=health_key(due.lane.subscription_id) if due.is_breaker else lane_key(due.lane),
                UpdateExpression="SET #due_at = :token REMOVE #suspended, #reason",
                ConditionExpression="#due_at = :due_at",
                ExpressionAttributeNames={
                    "#due_at": Table.DUE_AT,
                    "#suspended": Table.SUSPENDED_SUBSCRIPTION,
                    "#reason": Table.SUSPENDED_REASON,
                },
                ExpressionAttributeValues=to_item({":token": token, ":due_at": due.due_token}),
            )
        except ClientError as error:
            if not is_lost_race(error):
                raise
            return None
    return token


def _entries(dynamodb: "DynamoDBClient", table: str, *, until: float) -> Iterator[Item]:
    for shard in _shards(until):
        yield from read_pages(
            dynamodb.query,
            TableName=table,
            IndexName=Table.DUE_INDEX,
            KeyConditionExpression="#shard = :shard AND #due_at <= :until",
            ExpressionAttributeNames={"#shard": Table.DUE_SHARD, "#due_at": Table.DUE_AT},
            ExpressionAttributeValues=to_item({":shard": shard, ":until": round(until * 1000)}),
        )


def _shards(now: float) -> Sequence[str]:
    """Return the shards, rotated each minute, so that none is always read last."""
    first = int(now // MINUTE) % len(SHARDS)
    return (*SHARDS[first:], *SHARDS[:first])


def held_items(
    dynamodb: "DynamoDBClient",
    table: str,
    subscription_id: str,
    *,
    index: SparseIndex = HELD,
    wanted: Callable[[Item], bool],
) -> Iterator[Item]:
    """Yield the items, the longest held first, skipping those that the table no longer has."""
    entries = _keys(dynamodb, table, subscription_id, index)
    keys = ((name, key) for name, key in entries if wanted(key))
    while page := dict(islice(keys, _AT_A_TIME)):  # an item that has just moved may appear twice
        items = {_name(item): item for item in batch_get(dynamodb, table, list(page.values()))}
        yield from (items[name] for name in page if name in items)


def _keys(
    dynamodb: "DynamoDBClient", table: str, subscription_id: str, index: SparseIndex
) -> Iterator[tuple[tuple[str, str], Item]]:
    entries = read_pages(
        dynamodb.query,
        TableName=table,
        IndexName=index.name,
        KeyConditionExpression="#subscription = :subscription",
        ExpressionAttributeNames={"#subscription": index.partition_key},
        ExpressionAttributeValues=to_item({":subscription": subscription_id}),
    )
    for entry in entries:
        yield _name(entry), {key: entry[key] for key in (Table.PARTITION_KEY, Table.SORT_KEY)}


def _name(item: Item) -> tuple[str, str]:
    return item[Table.PARTITION_KEY]["S"], item[Table.SORT_KEY]["S"]
