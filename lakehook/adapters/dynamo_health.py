"""The health of endpoints on DynamoDB, in the ledger's table: one small item, while one is ill."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_conflict import is_lost_race
from lakehook.adapters.dynamo_item import Item, from_item, milliseconds, to_item
from lakehook.adapters.ledger_items import shard_of
from lakehook.domain.health import Health
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HEALTH = "health"
FORM = 1


def is_health(item: Item) -> bool:
    return bool(item[Table.SORT_KEY]["S"] == HEALTH)


def health_key(subscription_id: str) -> Item:
    """A partition beside those of the subscription's lanes: a lane without a pipeline."""
    return to_item({Table.PARTITION_KEY: f"{subscription_id}#", Table.SORT_KEY: HEALTH})


@dataclass(frozen=True)
class DynamoHealths:
    dynamodb: "DynamoDBClient"
    table: str

    def find(self, subscription_id: str) -> Health:
        with own_trouble():
            answer = self.dynamodb.get_item(
                TableName=self.table, Key=health_key(subscription_id), ConsistentRead=True
            )
        item = answer.get("Item")
        return health_of(item) if item else Health(subscription_id=subscription_id)

    def save(self, before: Health, after: Health) -> bool:
        condition: Any = {
            "ConditionExpression": "health_version = :version",
            "ExpressionAttributeValues": to_item({":version": before.version}),
        }
        if before.version == 0:
            condition = {
                "ConditionExpression": "attribute_not_exists(#lane)",
                "ExpressionAttributeNames": {"#lane": Table.PARTITION_KEY},
            }
        with own_trouble():
            try:
                self._write(after, condition)
            except ClientError as error:
                if not is_lost_race(error):
                    raise
                return False
        return True

    def _write(self, after: Health, condition: Any) -> None:
        if after.is_well:
            key = health_key(after.subscription_id)
            self.dynamodb.delete_item(TableName=self.table, Key=key, **condition)
        else:
            self.dynamodb.put_item(TableName=self.table, Item=_item(after), **condition)


def _item(health: Health) -> Item:
    """Only an open breaker has a due time, so only then is it in the index."""
    due = health.due_at is not None
    return health_key(health.subscription_id) | to_item(
        {
            Table.DUE_SHARD: shard_of(health.subscription_id) if due else None,
            Table.DUE_AT: milliseconds(health.due_at) if health.due_at is not None else None,
            "form": FORM,
            "failures": health.failures,
            "lanes": list(health.lanes),
            "failing_since": _time(health.failing_since),
            "hinted_until": milliseconds(health.hinted_until),
            "probes": health.probes,
            "waking": health.waking,
            "average_ms": round(health.average_ms),
            "slots": [milliseconds(slot) for slot in health.slots],
            "health_version": health.version,
        }
    )


def health_of(item: Item) -> Health:
    values = from_item(item)
    return Health(
        subscription_id=values[Table.PARTITION_KEY].rstrip("#"),
        failures=values["failures"],
        lanes=tuple(values["lanes"]),
        failing_since=_seconds(values.get("failing_since")),
        due_at=_seconds(values.get(Table.DUE_AT)),
        hinted_until=values["hinted_until"] / 1000,
        probes=values["probes"],
        waking=values["waking"],
        average_ms=float(values["average_ms"]),
        slots=tuple(slot / 1000 for slot in values["slots"]),
        version=values["health_version"],
    )


def _time(seconds: float | None) -> int | None:
    return None if seconds is None else milliseconds(seconds)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
