"""The journal on DynamoDB: a pipeline's counter, and each of its events with its sequence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_conflict import retry_conflicts
from lakehook.adapters.dynamo_item import Item, from_item, to_item
from lakehook.adapters.dynamo_read import batch_get, pages_of
from lakehook.adapters.journal_items import (
    ASIDE,
    COUNTER,
    EVENT,
    Values,
    accepted_of,
    aside_values,
    counter_values,
    event_name,
    event_values,
    numbered_of,
    pipeline_of,
    set_aside_of,
)
from lakehook.domain.delivery import NumberedEvent
from lakehook.domain.event import Event
from lakehook.domain.pipeline import Advance, EventSkip, Pipeline
from lakehook.ports.clock import Clock
from lakehook.ports.history import Accepted, SetAside
from lakehook.settings import PipelinesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_NEW = f"attribute_not_exists({Table.PARTITION_KEY})"


@dataclass(frozen=True)
class DynamoJournal:
    """Plays ``Journal`` for fan-out and ``Chronicle`` for the command."""

    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock
    retention_seconds: float = 30 * 24 * 3600.0

    def open(self, event: Event) -> tuple[Pipeline, Sequence[NumberedEvent]]:
        """One read; two for a repeat of an event from which others were inferred."""
        found = self._read(event.pipeline_key, COUNTER, event_name(event))
        counter, known = found.get(COUNTER), found.get(event_name(event))
        pipeline = pipeline_of(counter) if counter else Pipeline(event.pipeline_key)
        if not known:
            return pipeline, ()
        implied = self._read(event.pipeline_key, *known.get("implied", ()))
        events = map(numbered_of, (*implied.values(), known))
        return pipeline, sorted(events, key=lambda one: one.sequence)

    def append(self, advance: Advance) -> None:
        now = self.clock.now()
        *implied, newest = advance.numbered
        events = [event_values(one) for one in implied] + [event_values(newest, implied)]
        puts = [self._event(advance.before.key, one, now) for one in events]
        self._put_all([*puts, self._counter(advance.before, advance.after(now=now), now)])

    def set_aside(self, event: Event, skip: EventSkip) -> None:
        """One write; a transaction where the pipeline has learnt of a later beginning."""
        now = self.clock.now()
        aside = self._kept(skip.before.key, aside_values(event, skip.fate), now)
        if skip.changes_pipeline:
            self._put_all([aside, self._counter(skip.before, skip.after, now)])
            return
        with own_trouble():
            self.dynamodb.put_item(**aside)

    def history(self, pipeline_key: str) -> Sequence[Accepted]:
        events = map(accepted_of, self._all(pipeline_key, EVENT))
        return sorted(events, key=lambda one: one.numbered.sequence)

    def unsent(self, pipeline_key: str) -> Sequence[SetAside]:
        return sorted(map(set_aside_of, self._all(pipeline_key, ASIDE)), key=lambda one: one.at)

    def _read(self, pipeline_key: str, *records: str) -> dict[str, Values]:
        keys = [to_item({**_key(pipeline_key), Table.SORT_KEY: record}) for record in records]
        items = map(from_item, batch_get(self.dynamodb, self.table, keys))
        return {item[Table.SORT_KEY]: item for item in items}

    def _all(self, pipeline_key: str, kind: str) -> Iterator[Values]:
        items = pages_of(
            self.dynamodb.query,
            TableName=self.table,
            ConsistentRead=True,
            KeyConditionExpression="#pipeline = :pipeline AND begins_with(#record, :kind)",
            ExpressionAttributeNames={
                "#pipeline": Table.PARTITION_KEY,
                "#record": Table.SORT_KEY,
            },
            ExpressionAttributeValues=to_item({":pipeline": pipeline_key, ":kind": kind}),
        )
        return map(from_item, items)

    def _event(self, pipeline_key: str, values: Values, now: float) -> Any:
        return self._kept(pipeline_key, values, now) | {"ConditionExpression": _NEW}

    def _kept(self, pipeline_key: str, values: Values, now: float) -> Any:
        item = {
            **_key(pipeline_key),
            **values,
            "accepted_at": round(now * 1000),
            Table.TTL: int(now + self.retention_seconds),
        }
        return {"TableName": self.table, "Item": to_item(item)}

    def _put_all(self, puts: Sequence[Any]) -> None:
        actions: list[Any] = [{"Put": put} for put in puts]
        with own_trouble():
            retry_conflicts(
                lambda: self.dynamodb.transact_write_items(TransactItems=actions), self.clock
            )

    def _counter(self, before: Pipeline, after: Pipeline, now: float) -> Any:
        """On the version read: a sequence, and of one the beginning that it knew, which moves on.

        A worker that was frozen would else write an earlier beginning over a later one.
        """
        item = {**_key(after.key), **counter_values(after), "changed_at": round(now * 1000)}
        put: Item = {"TableName": self.table, "Item": to_item(item), "ConditionExpression": _NEW}
        if before.sequence:
            began_at = before.round.began_at
            began = "#began_at = :began_at" if began_at else "attribute_not_exists(#began_at)"
            values = {":sequence": before.sequence, ":began_at": began_at}
            put["ConditionExpression"] = f"#sequence = :sequence AND {began}"
            put["ExpressionAttributeNames"] = {"#sequence": "sequence", "#began_at": "began_at"}
            put["ExpressionAttributeValues"] = to_item(values)
        return put


def _key(pipeline_key: str) -> Values:
    return {Table.PARTITION_KEY: pipeline_key}
