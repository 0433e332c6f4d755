"""Conditions of the last notification of operators: one item in the ledger's table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import Item, from_item, to_item, to_milliseconds
from lakehook.domain.operator_notice import SubscriptionCondition
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_FORM = 1


@dataclass(frozen=True)
class DynamoConditionStore:
    """A subscription that is well is not in the item, which so stays small."""

    dynamodb: "DynamoDBClient"
    table: str

    def load(self) -> tuple[float, Mapping[str, SubscriptionCondition]]:
        with translate_aws_errors():
            answer = self.dynamodb.get_item(TableName=self.table, Key=_key(), ConsistentRead=True)
        if "Item" not in answer:
            return 0.0, {}
        values = from_item(answer["Item"])
        conditions = {
            name: SubscriptionCondition(
                is_disabled=is_disabled, is_down=is_down, dead_letters=dead_letters
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
            }
        )
        with translate_aws_errors():
            self.dynamodb.put_item(TableName=self.table, Item=item)


def _key() -> Item:
    return to_item({Table.PARTITION_KEY: "operators#", Table.SORT_KEY: "conditions"})
