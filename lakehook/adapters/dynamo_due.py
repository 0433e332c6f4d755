"""Whose time has come: held lanes and open breakers, by one sparse index over due times.

The index is sharded, since one partition takes 1,000 writes a second, and may lag behind.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_conflict import is_lost_race
from lakehook.adapters.dynamo_health import health_key, is_health
from lakehook.adapters.dynamo_item import Item, from_item, to_item
from lakehook.adapters.dynamo_read import pages_of
from lakehook.adapters.ledger_items import SHARDS, lane_key
from lakehook.domain.delivery import Lane
from lakehook.ports.ledger import Census, Due
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MINUTE = 60


def all_due(dynamodb: "DynamoDBClient", table: str, now: float) -> Iterator[Due]:
    for item in _entries(dynamodb, table, until=now):
        values = from_item(item)
        lane = Lane.parse(values[Table.PARTITION_KEY])
        yield Due(lane, values[Table.DUE_AT], breaker=is_health(item))


def census_of(dynamodb: "DynamoDBClient", table: str) -> Census:
    lanes, breakers, since = 0, 0, None
    for item in _entries(dynamodb, table):
        if is_health(item):
            breakers += 1
            continue
        lanes += 1
        held_since = from_item(item)[Table.HELD_SINCE] / 1000
        since = held_since if since is None else min(since, held_since)
    return Census(lanes_held=lanes, held_since=since, breakers_open=breakers)


def lease(dynamodb: "DynamoDBClient", table: str, due: Due, *, until: float) -> int | None:
    token = round(until * 1000)
    with own_trouble():
        try:
            dynamodb.update_item(
                TableName=table,
                Key=health_key(due.lane.subscription_id) if due.breaker else lane_key(due.lane),
                UpdateExpression="SET #due_at = :token REMOVE #asleep_of, #reason",
                ConditionExpression="#due_at = :due_at",
                ExpressionAttributeNames={
                    "#due_at": Table.DUE_AT,
                    "#asleep_of": Table.ASLEEP_OF,
                    "#reason": Table.SUSPENDED_REASON,
                },
                ExpressionAttributeValues=to_item({":token": token, ":due_at": due.token}),
            )
        except ClientError as error:
            if not is_lost_race(error):
                raise
            return None
    return token


def _entries(
    dynamodb: "DynamoDBClient", table: str, *, until: float | None = None
) -> Iterator[Item]:
    condition, names = "#shard = :shard", {"#shard": Table.DUE_SHARD}
    values: dict[str, int] = {}
    if until is not None:
        condition += " AND #due_at <= :until"
        names |= {"#due_at": Table.DUE_AT}
        values |= {":until": round(until * 1000)}
    for shard in _shards(until or 0.0):
        yield from pages_of(
            dynamodb.query,
            TableName=table,
            IndexName=Table.DUE_INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=to_item({":shard": shard, **values}),
        )


def _shards(now: float) -> Sequence[str]:
    """Another is the first each minute, so that none is always the last to be looked at."""
    first = int(now // MINUTE) % len(SHARDS)
    return (*SHARDS[first:], *SHARDS[:first])
