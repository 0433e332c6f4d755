"""The journal: a counter for each pipeline, and each of its events with its sequence.

Past events are read by scanning the journal. An index by time would cost a write for each event,
for a rare query. A page without a match only says where to continue.

Unfinished pipelines are found by a sparse index with whole counters, so the scheduler reads nothing
else. It is sharded by the pipeline, since each event writes to it, and a full partition of an index
throttles its table. The index may lag behind; a lease is taken on the table itself.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-indexes-gsi-sharding.html
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import (
    Item,
    batch_get,
    from_item,
    is_lost_race,
    read_pages,
    retry_conflicts,
    to_item,
    to_milliseconds,
)
from lakehook.adapters.dynamodb.journal_items import (
    COUNTER,
    EVENT,
    SKIPPED,
    Values,
    accepted_from_item,
    counter_values,
    event_name,
    event_values,
    pipeline_from_item,
    sequenced_from_item,
    skipped_from_item,
    skipped_values,
    unfinished_partition,
    unfinished_partitions,
)
from lakehook.domain.delivery import SequencedEvent
from lakehook.domain.event import Event
from lakehook.domain.pipeline import EventSkip, Pipeline, PipelineState, PipelineTransition
from lakehook.ports.queues import EventMessage
from lakehook.ports.stores import AcceptedEvent, JournalEntry, JournalPage, SkippedEvent
from lakehook.ports.system import Clock
from lakehook.settings import PipelinesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


_NEW = f"attribute_not_exists({Table.PARTITION_KEY})"
MAX_ITEMS = 500
_MAX_KEYS = 100  # limit of BatchGetItem
_BETWEEN = "/"  # separates source and pipeline; neither contains it
_BEHIND_A_SLASH = " "  # occurs neither in keys nor in event ids
_NAMES = {"#unended": Table.ACTIVE, "#entered_at": Table.ENTERED_AT}
_STILL = "#unended IN (:unended, :unsharded) AND #entered_at = :entered_at"
_FREE = "(attribute_not_exists(leased_until) OR leased_until <= :now)"

_ATTEMPTS = "unfinished#"
ATTEMPTS_KEPT_SECONDS = 14 * 24 * 3600.0  # the retention of the queue


@dataclass(frozen=True)
class DynamoJournal:
    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock
    retention_seconds: float = 30 * 24 * 3600.0
    items_a_page: int = MAX_ITEMS

    def load(self, event: Event) -> tuple[Pipeline, Sequence[SequencedEvent]]:
        """Read once, or twice for a repeated event from which others were inferred."""
        items = self._read(event.pipeline_key, COUNTER, event_name(event))
        counter, existing = items.get(COUNTER), items.get(event_name(event))
        pipeline = pipeline_from_item(counter) if counter else Pipeline(event.pipeline_key)
        if not existing:
            return pipeline, ()
        implied = self._read(event.pipeline_key, *existing.get("implied", ()))
        events = map(sequenced_from_item, (*implied.values(), existing))
        return pipeline, sorted(events, key=lambda event: event.sequence)

    def append(self, advance: PipelineTransition) -> None:
        now = self.clock.now()
        *implied, newest = advance.sequenced
        events = [event_values(event) for event in implied] + [event_values(newest, implied)]
        puts = [self._event(advance.before.key, event, now) for event in events]
        self._put_all([*puts, self._counter(advance.before, advance.after(now=now), now)])

    def record_skipped(self, event: Event, skip: EventSkip) -> None:
        """Record in one write, or in a transaction if the pipeline learnt of a later start."""
        now = self.clock.now()
        aside = self._kept(skip.before.key, skipped_values(event, skip.fate), now)
        if skip.changes_pipeline:
            self._put_all([aside, self._counter(skip.before, skip.after, now)])
            return
        with translate_aws_errors():
            self.dynamodb.put_item(**aside)

    def events(self, pipeline_key: str) -> Sequence[AcceptedEvent]:
        events = map(accepted_from_item, self._all(pipeline_key, EVENT))
        return sorted(events, key=lambda event: event.sequenced.sequence)

    def skipped(self, pipeline_key: str) -> Sequence[SkippedEvent]:
        return sorted(
            map(skipped_from_item, self._all(pipeline_key, SKIPPED)), key=lambda skipped: skipped.at
        )

    def read_pipelines(self, keys: Collection[str]) -> Mapping[str, Pipeline]:
        ordered = list(keys)
        pipelines = (
            pipeline_from_item(from_item(item))
            for start in range(0, len(ordered), _MAX_KEYS)
            for item in batch_get(
                self.dynamodb,
                self.table,
                [_counter_key(key) for key in ordered[start : start + _MAX_KEYS]],
            )
        )
        return {pipeline.key: pipeline for pipeline in pipelines}

    def page(self, *, since: float, until: float, after: str) -> JournalPage:
        start = {"ExclusiveStartKey": _key_at(after)} if after else {}
        with translate_aws_errors():
            answer: Any = self.dynamodb.scan(
                TableName=self.table,
                ConsistentRead=True,
                Limit=self.items_a_page,
                FilterExpression="begins_with(#record, :event)"
                " AND accepted_at BETWEEN :since AND :until",
                ExpressionAttributeNames={"#record": Table.SORT_KEY},
                ExpressionAttributeValues=to_item(
                    {
                        ":event": EVENT,
                        ":since": to_milliseconds(since),
                        ":until": to_milliseconds(until),
                    }
                ),
                **start,
            )
        entries = [
            JournalEntry(accepted_from_item(from_item(item)), _cursor(item))
            for item in answer["Items"]
        ]
        last = answer.get("LastEvaluatedKey")
        return JournalPage(entries, _cursor(last) if last else "", answer["ScannedCount"])

    def unfinished(
        self,
        state: PipelineState,
        *,
        until: float,
        since: float | None = None,
        stalled: bool = False,
    ) -> Iterator[Pipeline]:
        first, last = 0 if since is None else to_milliseconds(since), to_milliseconds(until)
        if first > last:  # DynamoDB rejects an empty interval
            return iter(())
        shards = [
            self._unfinished(partition, first, last)
            for partition in unfinished_partitions(state, stalled=stalled)
        ]
        items = merge(*shards, key=lambda values: values[Table.ENTERED_AT])
        return map(pipeline_from_item, items)

    def _unfinished(self, partition: str, first: int, last: int) -> Iterator[Values]:
        items = read_pages(
            self.dynamodb.query,
            TableName=self.table,
            IndexName=Table.ACTIVE_INDEX,
            KeyConditionExpression="#unended = :unended AND #entered_at BETWEEN :since AND :until",
            ExpressionAttributeNames=_NAMES,
            ExpressionAttributeValues=to_item(
                {":unended": partition, ":since": first, ":until": last}
            ),
        )
        return map(from_item, items)

    def lease_stall(self, pipeline: Pipeline, *, until: float) -> bool:
        assert pipeline.entered_at is not None, f"pipeline {pipeline.key} is in no state"
        run = pipeline.run
        unsharded, *_ = unfinished_partitions(run.state, stalled=run.stalled)
        values = {
            ":unended": unfinished_partition(pipeline.key, run.state, stalled=run.stalled),
            ":unsharded": unsharded,
            ":entered_at": to_milliseconds(pipeline.entered_at),
            ":now": to_milliseconds(self.clock.now()),
            ":until": to_milliseconds(until),
        }
        with translate_aws_errors():
            try:
                self.dynamodb.update_item(
                    TableName=self.table,
                    Key=_counter_key(pipeline.key),
                    UpdateExpression="SET leased_until = :until",
                    ConditionExpression=f"{_STILL} AND {_FREE}",
                    ExpressionAttributeNames=_NAMES,
                    ExpressionAttributeValues=to_item(values),
                )
            except ClientError as error:
                if not is_lost_race(error):
                    raise
                return False
        return True

    def _read(self, pipeline_key: str, *records: str) -> dict[str, Values]:
        keys = [to_item({**_key(pipeline_key), Table.SORT_KEY: record}) for record in records]
        items = map(from_item, batch_get(self.dynamodb, self.table, keys))
        return {item[Table.SORT_KEY]: item for item in items}

    def _all(self, pipeline_key: str, kind: str) -> Iterator[Values]:
        items = read_pages(
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
        with translate_aws_errors():
            retry_conflicts(
                lambda: self.dynamodb.transact_write_items(TransactItems=actions), self.clock
            )

    def _counter(self, before: Pipeline, after: Pipeline, now: float) -> Any:
        """Return a condition on the version read: the sequence, and the run's start.

        Without the start, a worker that was frozen could overwrite a later one.
        """
        item = {**_key(after.key), **counter_values(after), "changed_at": round(now * 1000)}
        put: Item = {"TableName": self.table, "Item": to_item(item), "ConditionExpression": _NEW}
        if before.sequence:
            began_at = before.run.began_at
            began = "#began_at = :began_at" if began_at else "attribute_not_exists(#began_at)"
            values = {":sequence": before.sequence, ":began_at": began_at}
            put["ConditionExpression"] = f"#sequence = :sequence AND {began}"
            put["ExpressionAttributeNames"] = {"#sequence": "sequence", "#began_at": "began_at"}
            put["ExpressionAttributeValues"] = to_item(values)
        return put


def _key(pipeline_key: str) -> Values:
    return {Table.PARTITION_KEY: pipeline_key}


def _counter_key(pipeline_key: str) -> Item:
    return to_item({**_key(pipeline_key), Table.SORT_KEY: COUNTER})


def _cursor(item: Any) -> str:
    pipeline, record = item[Table.PARTITION_KEY]["S"], item[Table.SORT_KEY]["S"]
    between = _BEHIND_A_SLASH if _BETWEEN in pipeline else _BETWEEN
    return f"{pipeline}{between}{record}"


def _key_at(cursor: str) -> Any:
    between = _BEHIND_A_SLASH if _BEHIND_A_SLASH in cursor else _BETWEEN
    pipeline, _, record = cursor.partition(between)
    return to_item({Table.PARTITION_KEY: pipeline, Table.SORT_KEY: record})


@dataclass(frozen=True)
class DynamoUnfinishedAttempts:
    """Attempts at single events without an outcome: one item per message."""

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
