"""Results of pings, kept in the ledger's table for a day."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import Item, from_item, to_item
from lakehook.adapters.dynamodb.ledger_items import attempt_from_item, attempt_to_item
from lakehook.domain.ping import Ping, PingResult
from lakehook.ports.system import Clock
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True)
class DynamoPings:
    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock

    def record(self, ping: Ping, result: PingResult) -> None:
        item = _key(ping) | to_item(
            {
                Table.TTL: int(self.clock.now()) + KEPT_SECONDS,
                "attempt": attempt_to_item(result.attempt),
                "echoed": result.echoed,
            }
        )
        with translate_aws_errors():
            self.dynamodb.put_item(TableName=self.table, Item=item)

    def find(self, ping: Ping) -> PingResult | None:
        with translate_aws_errors():
            answer = self.dynamodb.get_item(
                TableName=self.table, Key=_key(ping), ConsistentRead=True
            )
        if "Item" not in answer:
            return None
        values = from_item(answer["Item"])
        return PingResult(attempt_from_item(values["attempt"]), echoed=values["echoed"])


def _key(ping: Ping) -> Item:
    """Return the key, in the partition of the endpoint's health."""
    return to_item({Table.PARTITION_KEY: f"{ping.subscription_id}#", Table.SORT_KEY: ping.event_id})
