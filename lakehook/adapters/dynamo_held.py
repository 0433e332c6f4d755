"""What is held for a subscription: its lanes and its dead letters, by one sparse index.

The index has keys alone and may lag behind the table, so each item is read by its key.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from lakehook.adapters.dynamo_item import Item, to_item
from lakehook.adapters.dynamo_read import batch_get, pages_of
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_AT_A_TIME = 50  # a dead letter has up to 128 KiB, and one read answers 16 MB at most


def held_items(
    dynamodb: "DynamoDBClient", table: str, subscription_id: str, *, wanted: Callable[[Item], bool]
) -> Iterator[Item]:
    """The longest held first; what the index names and the table no longer has is left out."""
    keys = ((name, key) for name, key in _keys(dynamodb, table, subscription_id) if wanted(key))
    while some := dict(islice(keys, _AT_A_TIME)):  # one that has just moved may come twice
        found = {_name(item): item for item in batch_get(dynamodb, table, list(some.values()))}
        yield from (found[name] for name in some if name in found)


def _keys(
    dynamodb: "DynamoDBClient", table: str, subscription_id: str
) -> Iterator[tuple[tuple[str, str], Item]]:
    entries = pages_of(
        dynamodb.query,
        TableName=table,
        IndexName=Table.HELD_INDEX,
        KeyConditionExpression="#held_by = :subscription",
        ExpressionAttributeNames={"#held_by": Table.HELD_BY},
        ExpressionAttributeValues=to_item({":subscription": subscription_id}),
    )
    for entry in entries:
        yield _name(entry), {key: entry[key] for key in (Table.PARTITION_KEY, Table.SORT_KEY)}


def _name(item: Item) -> tuple[str, str]:
    return item[Table.PARTITION_KEY]["S"], item[Table.SORT_KEY]["S"]
