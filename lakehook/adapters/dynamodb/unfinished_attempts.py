"""Attempts of fan-out at single events without an outcome: one item per message, in the journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import Item, batch_get, from_item, to_item
from lakehook.ports.queues import EventMessage
from lakehook.ports.system import Clock
from lakehook.settings import PipelinesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ATTEMPTS = "unfinished#"
ATTEMPTS_KEPT_SECONDS = 14 * 24 * 3600.0  # the retention of the queue


@dataclass(frozen=True)
class DynamoUnfinishedAttempts:
    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock

    def count(self, messages: Sequence[EventMessage]) -> Mapping[EventMessage, int]:
        items = batch_get(
            self.dynamodb, self.table, [_attempts_key(message) for message in messages]
        )
        numbers = {item[Table.SORT_KEY]: item["attempts"] for item in map(from_item, items)}
        return {message: numbers.get(_ATTEMPTS + message.id, 0) for message in messages}

    def save(self, message: EventMessage, number: int) -> None:
        kept_until = int(self.clock.now() + ATTEMPTS_KEPT_SECONDS)
        item = _attempts_key(message) | to_item({"attempts": number, Table.TTL: kept_until})
        with translate_aws_errors():
            self.dynamodb.put_item(TableName=self.table, Item=item)


def _attempts_key(message: EventMessage) -> Item:
    return to_item({Table.PARTITION_KEY: message.group, Table.SORT_KEY: _ATTEMPTS + message.id})
