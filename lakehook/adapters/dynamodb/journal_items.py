"""Items of the journal: a pipeline's counter, its events and its skipped events.

The counter has the newest events as well, compressed: the events of a run are much alike, so those
of a short one fit into the kilobyte that a write is charged by. What no longer fits gets an item of
its own, before the counter is written without it. An inferred event is stored as the difference
from the event that it was inferred from.

The counter of an unfinished pipeline is in a sparse index, under its state; once its stall was
published it moves to a partition of its own there.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakehook.adapters.dynamodb.items import Item, to_item, to_milliseconds, write_units
from lakehook.adapters.dynamodb.partiql import Statement, insert, update
from lakehook.domain.delivery import SequencedEvent
from lakehook.domain.event import Event, EventType
from lakehook.domain.json_document import Document, read_stored, to_json
from lakehook.domain.pipeline import (
    ACTIVE_STATES,
    AcceptedEvent,
    EventSkip,
    Pipeline,
    PipelineInfo,
    PipelineRun,
    PipelineState,
    PipelineTransition,
    SkipReason,
    is_state,
)
from lakehook.ports.stores import SkippedEvent
from lakehook.settings import PipelinesTable as Table

COUNTER = "counter"
EVENT = "event#"
SKIPPED = "aside#"
VERSION = "version"
RECENT = "recent"
RECENT_SINCE = "recent_since"
ACCEPTED_AT = "accepted_at"
RECENT_NAMES = (RECENT, RECENT_SINCE, ACCEPTED_AT)
_EVENTS = "events"
_KEPT_SECONDS = "kept_seconds"
_STALLED = "#stalled"
UNFINISHED_SHARDS = 4  # of the index by state: one partition takes 1,000 writes a second

Values = dict[str, Any]
Transition = Sequence[AcceptedEvent]  # an event behind those that were inferred from it


def record_key(pipeline_key: str, record: str) -> Item:
    return to_item({Table.PARTITION_KEY: pipeline_key, Table.SORT_KEY: record})


def kept_item(pipeline_key: str, values: Values, at: float, retention_seconds: float) -> Item:
    """Build an item that expires so long after the event's acceptance."""
    return to_item(
        {
            Table.PARTITION_KEY: pipeline_key,
            **values,
            ACCEPTED_AT: to_milliseconds(at),
            Table.TTL: int(at + retention_seconds),
        }
    )


def event_name(event: Event) -> str:
    return EVENT + event.id


def unfinished_partition(pipeline_key: str, state: PipelineState, *, stalled: bool) -> str:
    """Return the partition of the index that has the pipeline while it is in this state."""
    _, *shards = unfinished_partitions(state, stalled=stalled)
    return shards[zlib.crc32(pipeline_key.encode()) % UNFINISHED_SHARDS]


def unfinished_partitions(state: PipelineState, *, stalled: bool) -> Sequence[str]:
    """Return all partitions of a state; the first is that of pipelines of an earlier release."""
    name = f"{state}{_STALLED}" if stalled else str(state)
    return (name, *(f"{name}#{shard}" for shard in range(UNFINISHED_SHARDS)))


def event_values(sequenced: SequencedEvent, implied: Sequence[SequencedEvent] = ()) -> Values:
    """Build the values; ``implied`` are the events that were inferred from this one."""
    return {
        **_event_document(sequenced.event, in_=EVENT),
        "sequence": sequenced.sequence,
        "previous_event_type": sequenced.previous_event_type,
        "implied": [event_name(event.event) for event in implied] or None,
    }


def skipped_values(event: Event, reason: SkipReason) -> Values:
    return {**_event_document(event, in_=SKIPPED), "skip_reason": str(reason)}


def _event_document(event: Event, *, in_: str) -> Values:
    return {
        Table.SORT_KEY: in_ + event.id,
        "event_id": event.id,
        "event": to_json(event.document),
    }


def counter_values(pipeline: Pipeline) -> Values:
    return {
        Table.SORT_KEY: COUNTER,
        VERSION: pipeline.version,
        "sequence": pipeline.sequence,
        "event_type": pipeline.event_type,
        **_run_values(pipeline.run),
        **_info_values(pipeline.info),
        **_index_values(pipeline),
    }


def _run_values(run: PipelineRun) -> Values:
    return {
        "round": run.number,
        "emitted": [str(event_type) for event_type in run.emitted],
        "began_at": run.began_at,
        "state_changed_at": run.changed_at,
        "earlier_began_at": run.earlier_began_at,
        "earlier_ended_at": run.earlier_ended_at,
        "stalled": run.stalled,
    }


def _info_values(info: PipelineInfo | None) -> Values:
    if info is None:
        return {}
    return {
        "info_pipeline_id": info.pipeline_id,
        "trigger_source": info.trigger_source,
        "project_name": info.project_name,
        "source": info.source,
        "pipeline_name": info.pipeline_name,
        "pipeline_url": info.pipeline_url,
    }


def _index_values(pipeline: Pipeline) -> Values:
    entered_at = pipeline.entered_at
    values = {Table.ENTERED_AT: None if entered_at is None else round(entered_at * 1000)}
    if pipeline.run.state in ACTIVE_STATES:
        run = pipeline.run
        partition = unfinished_partition(pipeline.key, run.state, stalled=run.stalled)
        return {**values, Table.ACTIVE: partition}
    return values


def recent_values(recent: Sequence[Transition], *, kept_seconds: float) -> Values:
    """Build the counter's attributes of its newest events, which readers see for so long."""
    if not recent:
        return {}
    rows = [row for transition in recent for row in _rows(transition)]
    return {
        RECENT: zlib.compress(
            to_json({_KEPT_SECONDS: round(kept_seconds), _EVENTS: rows}).encode()
        ),
        RECENT_SINCE: to_milliseconds(recent[0][0].at),
        ACCEPTED_AT: to_milliseconds(recent[-1][-1].at),
    }


def _rows(transition: Transition) -> Iterator[list[Any]]:
    *inferred, newest = transition
    cause = newest.sequenced.event.document
    for accepted in inferred:
        yield _row(accepted, _difference(accepted.sequenced.event.document, cause))
    yield _row(newest, cause)


def _row(accepted: AcceptedEvent, stored: Any) -> list[Any]:
    event = accepted.sequenced
    at = to_milliseconds(accepted.at)
    return [at, event.sequence, event.event.id, event.previous_event_type, stored]


def _difference(document: Document, cause: Document) -> list[Any]:
    """Return each field's name, and its value unless the cause has the same."""
    return [
        [name] if name in cause and cause[name] == value else [name, value]
        for name, value in document.items()
    ]


def recent_from_item(
    values: Mapping[str, Any], *, now: float | None = None
) -> tuple[AcceptedEvent, ...]:
    """Read a counter's newest events; with ``now``, those that are still within the retention."""
    if RECENT not in values:
        return ()
    stored = read_stored(zlib.decompress(values[RECENT]).decode())
    since = float("-inf") if now is None else now - stored[_KEPT_SECONDS]
    accepted = [*_accepted_from_rows(reversed(stored[_EVENTS]))]
    return tuple(event for event in reversed(accepted) if event.at > since)


def _accepted_from_rows(rows: Iterable[Any]) -> Iterator[AcceptedEvent]:
    """Yield the events, the newest first: each before those that were inferred from it."""
    cause: Document = {}
    for at, sequence, event_id, previous_event_type, stored in rows:
        if isinstance(stored, list):
            document = {name: value[0] if value else cause[name] for name, *value in stored}
        else:
            document = cause = stored
        event = SequencedEvent(Event.restored(event_id, document), sequence, previous_event_type)
        yield AcceptedEvent(event, at / 1000)


def pipeline_from_item(values: Mapping[str, Any]) -> Pipeline:
    entered_at = values.get(Table.ENTERED_AT)
    return Pipeline(
        values[Table.PARTITION_KEY],
        values["sequence"],
        values["event_type"],
        _run_from_item(values),
        _info_from_item(values),
        None if entered_at is None else entered_at / 1000,
        values.get(VERSION, 0),
        recent_from_item(values),
    )


def _run_from_item(values: Mapping[str, Any]) -> PipelineRun:
    if "round" not in values:
        return _run_before(EventType(values["event_type"]))
    return PipelineRun(
        number=values["round"],
        emitted=tuple(EventType(event_type) for event_type in values["emitted"]),
        began_at=values.get("began_at"),
        changed_at=values.get("state_changed_at"),
        earlier_began_at=values.get("earlier_began_at"),
        earlier_ended_at=values.get("earlier_ended_at"),
        stalled=values["stalled"],
    )


def _run_before(newest: EventType) -> PipelineRun:
    """Read a run as the previous release wrote it, with the newest event only."""
    return PipelineRun(number=1, emitted=(newest,)) if is_state(newest) else PipelineRun()


def _info_from_item(values: Mapping[str, Any]) -> PipelineInfo | None:
    if "info_pipeline_id" not in values:
        return None
    return PipelineInfo(
        pipeline_id=values["info_pipeline_id"],
        trigger_source=values["trigger_source"],
        project_name=values.get("project_name"),
        source=values.get("source"),
        pipeline_name=values.get("pipeline_name"),
        pipeline_url=values.get("pipeline_url"),
    )


def sequenced_from_item(values: Mapping[str, Any]) -> SequencedEvent:
    return SequencedEvent(
        _event_from_item(values), values["sequence"], values.get("previous_event_type")
    )


def accepted_from_item(values: Mapping[str, Any]) -> AcceptedEvent:
    return AcceptedEvent(sequenced_from_item(values), values["accepted_at"] / 1000)


def skipped_from_item(values: Mapping[str, Any]) -> SkippedEvent:
    return SkippedEvent(
        _event_from_item(values), SkipReason(values["skip_reason"]), values["accepted_at"] / 1000
    )


def _event_from_item(values: Mapping[str, Any]) -> Event:
    return Event.restored(values["event_id"], read_stored(values["event"]))


@dataclass(frozen=True)
class CounterWrite:
    pipeline_key: str
    statement: Statement
    displaced: Sequence[Item]  # events that the counter has no room for any more


@dataclass(frozen=True)
class CounterWriter:
    table: str
    retention_seconds: float

    def write(self, step: PipelineTransition | EventSkip, now: float) -> CounterWrite:
        after = step.after if isinstance(step, EventSkip) else step.after(now=now)
        values = {
            Table.PARTITION_KEY: after.key,
            **counter_values(after),
            "changed_at": to_milliseconds(now),
        }
        names = {*values, *RECENT_NAMES, Table.ACTIVE, "leased_until"}
        item, displaced = self._divide(values, list(after.recent_transitions()), now)
        return CounterWrite(
            after.key,
            self._statement(step.before, item, removed=sorted(names - item.keys())),
            [
                kept_item(after.key, event_values(event, inferred), at, self.retention_seconds)
                for transition in displaced
                for event, inferred, at in _history(transition)
            ],
        )

    def _divide(
        self, values: Values, recent: list[Transition], now: float
    ) -> tuple[Item, Sequence[Transition]]:
        """Return the counter's item with as many recent events as cost no further write unit.

        What does not fit needs items of its own, but for what has expired.
        """
        *others, newest = recent or [()]
        kept = [old for old in others if old[-1].at + self.retention_seconds > now]
        item = self._counter_item(values, [*kept, newest])
        if write_units(item) == 1:
            return item, ()
        limit = write_units(self._counter_item(values, [newest]))
        displaced: list[Transition] = []
        while kept and write_units(item) > limit:
            displaced.append(kept.pop(0))
            item = self._counter_item(values, [*kept, newest])
        return item, displaced

    def _counter_item(self, values: Values, recent: Sequence[Transition]) -> Item:
        events = [transition for transition in recent if transition]
        return to_item({**values, **recent_values(events, kept_seconds=self.retention_seconds)})

    def _statement(self, before: Pipeline, item: Item, *, removed: Sequence[str]) -> Statement:
        if not before.sequence:
            return insert(self.table, item)
        key = record_key(before.key, COUNTER)
        values = {name: value for name, value in item.items() if name not in key}
        condition = to_item(_version_of(before))
        return update(self.table, key, values, removed=removed, condition=condition)


def _version_of(pipeline: Pipeline) -> Values:
    """Return what a counter must equal that has not been written since.

    Counters of an earlier release have no version; theirs are their sequence and their start.
    """
    if pipeline.version:
        return {VERSION: pipeline.version}
    return {"sequence": pipeline.sequence, "began_at": pipeline.run.began_at}


def _history(
    transition: Transition,
) -> Iterator[tuple[SequencedEvent, Sequence[SequencedEvent], float]]:
    """Yield each event with those that were inferred from it, and the time of its acceptance."""
    *inferred, newest = transition
    for accepted in inferred:
        yield accepted.sequenced, (), accepted.at
    yield newest.sequenced, [accepted.sequenced for accepted in inferred], newest.at
