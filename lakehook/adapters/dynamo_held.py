"""What is held for a subscription: lanes, dead letters, lanes that sleep; by sparse indexes.

The indexes have keys alone and may lag behind the table, so each item is read by its key.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from lakehook.adapters.dynamo_item import Item, to_item
from lakehook.adapters.dynamo_read import batch_get, pages_of
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_AT_A_TIME = 50  # a dead letter has up to 128 KiB, and one read answers 16 MB at most


@dataclass(frozen=True)
class SparseIndex:
    name: str
    partition_key: str  # whose value is a subscription's id


HELD = SparseIndex(Table.HELD_INDEX, Table.HELD_BY)
ASLEEP = SparseIndex(Table.ASLEEP_INDEX, Table.ASLEEP_OF)


def held_items(
    dynamodb: "DynamoDBClient",
    table: str,
    subscription_id: str,
    *,
    index: SparseIndex = HELD,
    wanted: Callable[[Item], bool],
) -> Iterator[Item]:
    """The longest held first; what the index names and the table no longer has is left out."""
    entries = _keys(dynamodb, table, subscription_id, index)
    keys = ((name, key) for name, key in entries if wanted(key))
    while some := dict(islice(keys, _AT_A_TIME)):  # one that has just moved may come twice
        found = {_name(item): item for item in batch_get(dynamodb, table, list(some.values()))}
        yield from (found[name] for name in some if name in found)


def _keys(
    dynamodb: "DynamoDBClient", table: str, subscription_id: str, index: SparseIndex
) -> Iterator[tuple[tuple[str, str], Item]]:
    entries = pages_of(
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
