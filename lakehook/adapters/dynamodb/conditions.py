"""Conditions of the last notification of operators, and the changes of health between them.

Both are in the ledger's table, in a partition of their own: one item of conditions, and one item of
changes for each hour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import (
    Item,
    from_item,
    get_item,
    read_responses,
    to_item,
    to_milliseconds,
)
from lakehook.domain.health_history import HealthChange, SubscriptionCondition
from lakehook.domain.status import HealthState
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_FORM = 1
_PARTITION, _HOUR = "operators#", "health#"
_APPEND = (
    "SET #changes = list_append(if_not_exists(#changes, :none), :added), #expires_at = :expires_at"
)
_LAST_HOUR = _HOUR + "9" * 8
KEPT_HOURS = 26  # longer than any window that is shown


@dataclass(frozen=True)
class DynamoConditionStore:
    """A subscription that is well is not in the item, which so stays small."""

    dynamodb: "DynamoDBClient"
    table: str

    def load(self) -> tuple[float, Mapping[str, SubscriptionCondition]]:
        item = get_item(self.dynamodb, self.table, _key())
        if item is None:
            return 0.0, {}
        values = from_item(item)
        # The release before has neither.
        healths, expiring = values.get("healths", {}), values.get("expiring", ())
        conditions = {
            name: SubscriptionCondition(
                is_disabled=is_disabled,
                is_down=is_down,
                dead_letters=dead_letters,
                health=HealthState(healths.get(name, HealthState.OK)),
                certificate_expires=name in expiring,
            )
            for name, (is_disabled, is_down, dead_letters) in values["conditions"].items()
        }
        return values["looked_at"] / 1000, conditions

    def save(self, looked_at: float, conditions: Mapping[str, SubscriptionCondition]) -> None:
        item = _key() | to_item(
            {
                "form": _FORM,
                "looked_at": to_milliseconds(looked_at),
                "conditions": {
                    name: [condition.is_disabled, condition.is_down, condition.dead_letters]
                    for name, condition in conditions.items()
                },
                "healths": {
                    name: str(condition.health)
                    for name, condition in conditions.items()
                    if condition.health is not HealthState.OK
                },
                "expiring": [
                    name for name, condition in conditions.items() if condition.certificate_expires
                ],
            }
        )
        with translate_aws_errors():
            self.dynamodb.put_item(TableName=self.table, Item=item)


@dataclass(frozen=True)
class DynamoHealthHistory:
    """The scheduler alone appends, and only when something has changed."""

    dynamodb: "DynamoDBClient"
    table: str

    def append(self, changes: Sequence[HealthChange]) -> None:
        """Append to the hour of the newest change; one from before is still in its order."""
        hour = max(_hour_of(change.at) for change in changes)
        added = [_change_to_list(change) for change in changes]
        with translate_aws_errors():
            self.dynamodb.update_item(
                TableName=self.table,
                Key=_key(_hour_name(hour)),
                UpdateExpression=_APPEND,
                ExpressionAttributeNames={"#changes": "changes", "#expires_at": Table.TTL},
                ExpressionAttributeValues=to_item(
                    {
                        ":none": [],
                        ":added": added,
                        ":expires_at": (hour + KEPT_HOURS) * 3600,
                    }
                ),
            )

    def since(self, at: float) -> Sequence[HealthChange]:
        names = {":partition": _PARTITION, ":first": _hour_name(_hour_of(at)), ":last": _LAST_HOUR}
        pages = read_responses(
            self.dynamodb.query,
            TableName=self.table,
            KeyConditionExpression="#lane = :partition AND #record BETWEEN :first AND :last",
            ExpressionAttributeNames={"#lane": Table.PARTITION_KEY, "#record": Table.SORT_KEY},
            ExpressionAttributeValues=to_item(names),
        )
        changes = [
            _change_from_list(values)
            for page in pages
            for item in page["Items"]
            for values in from_item(item)["changes"]
        ]
        return sorted((c for c in changes if c.at >= at), key=lambda change: change.at)


def _change_to_list(change: HealthChange) -> list[int | str]:
    at = to_milliseconds(change.at)
    return [at, change.subscription_id, str(change.before), str(change.after)]


def _change_from_list(values: Sequence[Any]) -> HealthChange:
    at, subscription_id, before, after = values
    return HealthChange(
        at=at / 1000,
        subscription_id=subscription_id,
        before=HealthState(before),
        after=HealthState(after),
    )


def _hour_of(at: float) -> int:
    return int(at // 3600)


def _hour_name(hour: int) -> str:
    return f"{_HOUR}{hour:08}"


def _key(record: str = "conditions") -> Item:
    return to_item({Table.PARTITION_KEY: _PARTITION, Table.SORT_KEY: record})
