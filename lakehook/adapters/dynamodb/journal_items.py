"""Items of the journal: a pipeline's counter, its events and its skipped events.

The counter of an unfinished pipeline is in a sparse index, under its state; once its stall was
published it moves to a partition of its own there.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

from lakehook.domain.delivery import SequencedEvent
from lakehook.domain.event import Event, EventType
from lakehook.domain.json_document import read_stored, to_json
from lakehook.domain.pipeline import (
    ACTIVE_STATES,
    Pipeline,
    PipelineInfo,
    PipelineRun,
    PipelineState,
    SkipReason,
    is_state,
)
from lakehook.ports.stores import AcceptedEvent, SkippedEvent
from lakehook.settings import PipelinesTable as Table

COUNTER = "counter"
EVENT = "event#"
SKIPPED = "aside#"
_STALLED = "#stalled"
UNFINISHED_SHARDS = 4  # of the index by state: one partition takes 1,000 writes a second

Values = dict[str, Any]


def event_name(event: Event) -> str:
    return EVENT + event.id


def unfinished_partition(pipeline_key: str, state: PipelineState, *, stalled: bool) -> str:
    """Return the partition of the index that has the pipeline while it is in this state."""
    _, *shards = unfinished_partitions(state, stalled=stalled)
    return shards[crc32(pipeline_key.encode()) % UNFINISHED_SHARDS]


def unfinished_partitions(state: PipelineState, *, stalled: bool) -> Sequence[str]:
    """Return all partitions of a state; the first is that of pipelines of an earlier release."""
    name = f"{state}{_STALLED}" if stalled else str(state)
    return (name, *(f"{name}#{shard}" for shard in range(UNFINISHED_SHARDS)))


def event_values(numbered: SequencedEvent, implied: Sequence[SequencedEvent] = ()) -> Values:
    """Build the values; ``implied`` are the events that were inferred from this one."""
    return {
        **_event_document(numbered.event, in_=EVENT),
        "sequence": numbered.sequence,
        "previous_event_type": numbered.previous_event_type,
        "implied": [event_name(event.event) for event in implied] or None,
    }


def skipped_values(event: Event, fate: SkipReason) -> Values:
    return {**_event_document(event, in_=SKIPPED), "skip_reason": str(fate)}


def _event_document(event: Event, *, in_: str) -> Values:
    return {
        Table.SORT_KEY: in_ + event.id,
        "event_id": event.id,
        "event": to_json(event.document),
    }


def counter_values(pipeline: Pipeline) -> Values:
    return {
        Table.SORT_KEY: COUNTER,
        "sequence": pipeline.sequence,
        "event_type": pipeline.event_type,
        **_run_values(pipeline.run),
        **_info_values(pipeline.info),
        **_index_values(pipeline),
    }


def _run_values(round_: PipelineRun) -> Values:
    return {
        "round": round_.number,
        "emitted": [str(event_type) for event_type in round_.emitted],
        "began_at": round_.began_at,
        "state_changed_at": round_.changed_at,
        "earlier_began_at": round_.earlier_began_at,
        "earlier_ended_at": round_.earlier_ended_at,
        "stalled": round_.stalled,
    }


def _info_values(label: PipelineInfo | None) -> Values:
    if label is None:
        return {}
    return {
        "info_pipeline_id": label.pipeline_id,
        "trigger_source": label.trigger_source,
        "project_name": label.project_name,
        "source": label.source,
        "pipeline_name": label.pipeline_name,
        "pipeline_url": label.pipeline_url,
    }


def _index_values(pipeline: Pipeline) -> Values:
    entered_at = pipeline.entered_at
    values = {Table.ENTERED_AT: None if entered_at is None else round(entered_at * 1000)}
    if pipeline.run.state in ACTIVE_STATES:
        run = pipeline.run
        partition = unfinished_partition(pipeline.key, run.state, stalled=run.stalled)
        return {**values, Table.ACTIVE: partition}
    return values


def pipeline_from_item(values: Mapping[str, Any]) -> Pipeline:
    entered_at = values.get(Table.ENTERED_AT)
    return Pipeline(
        values[Table.PARTITION_KEY],
        values["sequence"],
        values["event_type"],
        _run_from_item(values),
        _info_from_item(values),
        None if entered_at is None else entered_at / 1000,
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
