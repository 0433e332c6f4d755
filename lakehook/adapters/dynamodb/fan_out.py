"""Reader of a round of fan-out, by one request, and the store of its attempts at single events.

A round needs the journal, and the subscriptions' generation. An attempt without an outcome has one
item for its message, in the journal.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import Item, batch_get, batch_get_tables, from_item, to_item
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.subscriptions import GENERATION_KEY, DynamoSubscriptions
from lakehook.domain.event import Event
from lakehook.domain.subscription import Subscription
from lakehook.ports.queues import EventMessage
from lakehook.ports.stores import LoadedEvent
from lakehook.ports.system import Clock
from lakehook.settings import PipelinesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class DynamoFanOutReader:
    journal: DynamoJournal
    subscriptions: DynamoSubscriptions

    def load(self, events: Sequence[Event]) -> tuple[Sequence[LoadedEvent], Sequence[Subscription]]:
        journal, subscriptions = self.journal, self.subscriptions
        items = batch_get_tables(
            journal.dynamodb,
            {journal.table: journal.keys(events), subscriptions.table: [GENERATION_KEY]},
        )
        return (
            journal.loaded(events, items[journal.table]),
            subscriptions.all_of_generation(items[subscriptions.table]),
        )


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
