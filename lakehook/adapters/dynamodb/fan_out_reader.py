"""What fan-out reads of a round, in one request: the journal, and the subscriptions' generation.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lakehook.adapters.dynamodb.items import batch_get_tables
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.subscriptions import GENERATION_KEY, DynamoSubscriptions
from lakehook.domain.event import Event
from lakehook.domain.subscription import Subscription
from lakehook.ports.stores import LoadedEvent


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
