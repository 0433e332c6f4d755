"""The journal: a counter for each pipeline, with its newest events, and its older events.

Past events are read by scanning the journal. An index by time would cost a write for each event,
for a rare query. A page without a match only says where to continue.

Unfinished pipelines are found by a sparse index with whole counters, so the scheduler reads nothing
else. It is sharded by the pipeline, since each event writes to it, and a full partition of an index
throttles its table. The index may lag behind; a lease is taken on the table itself.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-indexes-gsi-sharding.html
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import (
    Item,
    batch_get,
    batch_get_all,
    batch_put,
    from_item,
    is_written,
    read_pages,
    to_item,
    to_milliseconds,
)
from lakehook.adapters.dynamodb.journal_items import (
    COUNTER,
    EVENT,
    SKIPPED,
    CounterWrite,
    CounterWriter,
    Values,
    accepted_from_item,
    event_name,
    kept_item,
    pipeline_from_item,
    recent_from_item,
    record_key,
    sequenced_from_item,
    skipped_from_item,
    skipped_values,
    unfinished_partition,
    unfinished_partitions,
)
from lakehook.adapters.dynamodb.partiql import execute_writes_again
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.event import Event
from lakehook.domain.pipeline import (
    AcceptedEvent,
    EventSkip,
    Pipeline,
    PipelineState,
    PipelineTransition,
)
from lakehook.ports.stores import JournalEntry, JournalPage, LoadedEvent, SkippedEvent
from lakehook.ports.system import Clock
from lakehook.settings import PipelinesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


MAX_ITEMS = 500
_AFTER_EVENTS, _AFTER_SKIPPED = "event$", "aside$"  # "$" is next to "#"
_BETWEEN = "/"  # separates source and pipeline; neither contains it
_BEHIND_A_SLASH = " "  # occurs neither in keys nor in event ids
_NAMES = {"#unended": Table.ACTIVE, "#entered_at": Table.ENTERED_AT}
_STILL = "#unended IN (:unended, :unsharded) AND #entered_at = :entered_at"
_FREE = "(attribute_not_exists(leased_until) OR leased_until <= :now)"


@dataclass(frozen=True)
class DynamoJournal:
    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock
    retention_seconds: float = 30 * 24 * 3600.0
    items_a_page: int = MAX_ITEMS

    def load(self, events: Sequence[Event]) -> Sequence[LoadedEvent]:
        return self.loaded(events, batch_get(self.dynamodb, self.table, self.keys(events)))

    def keys(self, events: Sequence[Event]) -> list[Item]:
        """Return what is to be read of events of different pipelines."""
        return [
            record_key(event.pipeline_key, record)
            for event in events
            for record in (COUNTER, event_name(event))
        ]

    def loaded(self, events: Sequence[Event], items: Iterable[Item]) -> Sequence[LoadedEvent]:
        """Combine what was read. Inferred events are read in addition for old events only."""
        records = _by_key(items)
        inferred = batch_get_all(
            self.dynamodb,
            self.table,
            [
                record_key(key, name)
                for (key, _), values in records.items()
                for name in values.get("implied", ())
            ],
        )
        records |= _by_key(inferred)
        return [_loaded(event, records) for event in events]

    def append(
        self, steps: Sequence[PipelineTransition | EventSkip]
    ) -> Mapping[str, InfrastructureError]:
        """Write what the counters no longer hold, then the counters, then skipped events.

        So at any time each accepted event is in its pipeline's counter, or has an item of its own.
        A skipped event of which the counter learns something is written last: if that fails, its
        message is received again, and is skipped again.
        """
        now = self.clock.now()
        writer = CounterWriter(self.table, self.retention_seconds)
        writes = [writer.write(step, now) for step in steps if _moves(step)]
        failed = self._put([item for write in writes for item in write.displaced])
        failed |= self._write_counters([w for w in writes if w.pipeline_key not in failed])
        skipped = [
            kept_item(
                step.before.key,
                skipped_values(step.event, step.reason),
                now,
                self.retention_seconds,
            )
            for step in steps
            if isinstance(step, EventSkip) and step.before.key not in failed
        ]
        return failed | self._put(skipped)

    def events(self, pipeline_key: str) -> Sequence[AcceptedEvent]:
        """Read the counter and the events' items behind it: an event may be moving there."""
        items = self._all(pipeline_key, COUNTER, _AFTER_EVENTS)
        accepted_events = {
            accepted.sequenced.sequence: accepted
            for values in items
            for accepted in self._accepted_from_item(values)
        }
        return [accepted_events[sequence] for sequence in sorted(accepted_events)]

    def skipped(self, pipeline_key: str) -> Sequence[SkippedEvent]:
        return sorted(
            map(skipped_from_item, self._all(pipeline_key, SKIPPED, _AFTER_SKIPPED)),
            key=lambda skipped: skipped.at,
        )

    def read_pipelines(self, keys: Collection[str]) -> Mapping[str, Pipeline]:
        counters = [record_key(key, COUNTER) for key in keys]
        items = batch_get_all(self.dynamodb, self.table, counters)
        pipelines = (pipeline_from_item(from_item(item)) for item in items)
        return {pipeline.key: pipeline for pipeline in pipelines}

    def page(self, *, since: float, until: float, after: str) -> JournalPage:
        """Scan a page. A pipeline's counter is before its events' items, where they move to.

        So a scan meets each event at least once, though it is read while the pipeline goes on.
        """
        first, end = to_milliseconds(since), to_milliseconds(until)
        start = {"ExclusiveStartKey": _key_at(after)} if after else {}
        with translate_aws_errors():
            answer: Any = self.dynamodb.scan(
                TableName=self.table,
                ConsistentRead=True,
                Limit=self.items_a_page,
                FilterExpression="begins_with(#record, :event)"
                " AND accepted_at BETWEEN :since AND :until"
                " OR #record = :counter AND accepted_at >= :since AND recent_since <= :until",
                ExpressionAttributeNames={"#record": Table.SORT_KEY},
                ExpressionAttributeValues=to_item(
                    {
                        ":event": EVENT,
                        ":counter": COUNTER,
                        ":since": first,
                        ":until": end,
                    }
                ),
                **start,
            )
        entries = [
            entry
            for entry in self._entries(answer["Items"], after)
            if first <= to_milliseconds(entry.accepted.at) <= end
        ]
        last = answer.get("LastEvaluatedKey")
        return JournalPage(entries, _cursor(last) if last else "", answer["ScannedCount"])

    def _entries(self, items: Iterable[Item], after: str) -> Iterator[JournalEntry]:
        """Yield each item's events. Only behind the last of them is the cursor behind the item."""
        for item in items:
            accepted = self._accepted_from_item(from_item(item))
            for number, event in enumerate(accepted, start=1):
                yield JournalEntry(event, _cursor(item) if number == len(accepted) else after)
            after = _cursor(item)

    def _accepted_from_item(self, values: Values) -> Sequence[AcceptedEvent]:
        if values[Table.SORT_KEY] == COUNTER:
            return recent_from_item(values, now=self.clock.now())
        return [accepted_from_item(values)]

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
        return is_written(
            lambda: self.dynamodb.update_item(
                TableName=self.table,
                Key=record_key(pipeline.key, COUNTER),
                UpdateExpression="SET leased_until = :until",
                ConditionExpression=f"{_STILL} AND {_FREE}",
                ExpressionAttributeNames=_NAMES,
                ExpressionAttributeValues=to_item(values),
            )
        )

    def _all(self, pipeline_key: str, first: str, last: str) -> Iterator[Values]:
        items = read_pages(
            self.dynamodb.query,
            TableName=self.table,
            ConsistentRead=True,
            KeyConditionExpression="#pipeline = :pipeline AND #record BETWEEN :first AND :last",
            ExpressionAttributeNames={
                "#pipeline": Table.PARTITION_KEY,
                "#record": Table.SORT_KEY,
            },
            ExpressionAttributeValues=to_item(
                {":pipeline": pipeline_key, ":first": first, ":last": last}
            ),
        )
        return map(from_item, items)

    def _write_counters(self, writes: Sequence[CounterWrite]) -> dict[str, InfrastructureError]:
        statements = [write.statement for write in writes]
        errors = execute_writes_again(self.dynamodb, statements, self.clock)
        return {
            write.pipeline_key: InfrastructureError(f"pipeline {write.pipeline_key}: {error}")
            for write, error in zip(writes, errors, strict=True)
            if error
        }

    def _put(self, items: Sequence[Item]) -> dict[str, InfrastructureError]:
        return {
            item[Table.PARTITION_KEY]["S"]: InfrastructureError(
                f"{self.table}: BatchWriteItem left an item unwritten"
            )
            for item in batch_put(self.dynamodb, self.table, items, self.clock)
        }


def _moves(step: PipelineTransition | EventSkip) -> bool:
    return not isinstance(step, EventSkip) or step.changes_pipeline


def _by_key(items: Iterable[Item]) -> dict[tuple[str, str], Values]:
    records = map(from_item, items)
    return {(values[Table.PARTITION_KEY], values[Table.SORT_KEY]): values for values in records}


def _loaded(event: Event, records: Mapping[tuple[str, str], Values]) -> LoadedEvent:
    key = event.pipeline_key
    counter, existing = records.get((key, COUNTER)), records.get((key, event_name(event)))
    pipeline = pipeline_from_item(counter) if counter else Pipeline(key)
    if recent := pipeline.find_recent(event):
        return LoadedEvent(pipeline, recent)
    if not existing:
        return LoadedEvent(pipeline)
    names = [(key, name) for name in existing.get("implied", ())]
    implied = [records[name] for name in names if name in records]  # each expires by itself
    return LoadedEvent(pipeline, [*map(sequenced_from_item, (*implied, existing))])


def _cursor(item: Any) -> str:
    pipeline, record = item[Table.PARTITION_KEY]["S"], item[Table.SORT_KEY]["S"]
    between = _BEHIND_A_SLASH if _BETWEEN in pipeline else _BETWEEN
    return f"{pipeline}{between}{record}"


def _key_at(cursor: str) -> Any:
    between = _BEHIND_A_SLASH if _BEHIND_A_SLASH in cursor else _BETWEEN
    pipeline, _, record = cursor.partition(between)
    return to_item({Table.PARTITION_KEY: pipeline, Table.SORT_KEY: record})
