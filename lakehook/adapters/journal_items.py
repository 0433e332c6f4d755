"""How the journal writes a pipeline's counter, its events and what was set aside.

The counter of a pipeline that has not ended is in a sparse index, under the state it is in; once
its stall was told it moves to a place of its own there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lakehook.domain.delivery import NumberedEvent
from lakehook.domain.document import read_stored, text_of
from lakehook.domain.event import Event, EventType
from lakehook.domain.lifecycle import UNENDED, Fate, Round, Stage, is_state
from lakehook.domain.pipeline import Label, Pipeline
from lakehook.ports.history import Accepted, SetAside
from lakehook.settings import PipelinesTable as Table

COUNTER = "counter"
EVENT = "event#"
ASIDE = "aside#"
_STALLED = "#stalled"

Values = dict[str, Any]


def event_name(event: Event) -> str:
    return EVENT + event.id


def unended_name(stage: Stage, *, stalled: bool) -> str:
    return f"{stage}{_STALLED}" if stalled else str(stage)


def event_values(numbered: NumberedEvent, implied: Sequence[NumberedEvent] = ()) -> Values:
    """``implied`` are those that were inferred from this one."""
    return {
        **_said(numbered.event, in_=EVENT),
        "sequence": numbered.sequence,
        "previous_event_type": numbered.previous_event_type,
        "implied": [event_name(one.event) for one in implied] or None,
    }


def aside_values(event: Event, fate: Fate) -> Values:
    return {**_said(event, in_=ASIDE), "fate": str(fate)}


def _said(event: Event, *, in_: str) -> Values:
    return {
        Table.SORT_KEY: in_ + event.id,
        "event_id": event.id,
        "event": text_of(event.document),
    }


def counter_values(pipeline: Pipeline) -> Values:
    return {
        Table.SORT_KEY: COUNTER,
        "sequence": pipeline.sequence,
        "event_type": pipeline.event_type,
        **_round_values(pipeline.round),
        **_label_values(pipeline.label),
        **_index_values(pipeline),
    }


def _round_values(round_: Round) -> Values:
    return {
        "round": round_.number,
        "told": [str(one) for one in round_.told],
        "began_at": round_.began_at,
        "state_changed_at": round_.changed_at,
        "earlier_began_at": round_.earlier_began_at,
        "earlier_ended_at": round_.earlier_ended_at,
        "stalled": round_.stalled,
    }


def _label_values(label: Label | None) -> Values:
    if label is None:
        return {}
    return {
        "said_id": label.pipeline_id,
        "trigger_source": label.trigger_source,
        "project_name": label.project_name,
        "source": label.source,
        "pipeline_name": label.pipeline_name,
        "pipeline_url": label.pipeline_url,
    }


def _index_values(pipeline: Pipeline) -> Values:
    entered_at = pipeline.entered_at
    values = {Table.ENTERED_AT: None if entered_at is None else round(entered_at * 1000)}
    if pipeline.round.stage in UNENDED:
        name = unended_name(pipeline.round.stage, stalled=pipeline.round.stalled)
        return {**values, Table.UNENDED: name}
    return values


def pipeline_of(values: Mapping[str, Any]) -> Pipeline:
    entered_at = values.get(Table.ENTERED_AT)
    return Pipeline(
        values[Table.PARTITION_KEY],
        values["sequence"],
        values["event_type"],
        _round_of(values),
        _label_of(values),
        None if entered_at is None else entered_at / 1000,
    )


def _round_of(values: Mapping[str, Any]) -> Round:
    if "round" not in values:
        return _round_of_one_before(EventType(values["event_type"]))
    return Round(
        number=values["round"],
        told=tuple(EventType(one) for one in values["told"]),
        began_at=values.get("began_at"),
        changed_at=values.get("state_changed_at"),
        earlier_began_at=values.get("earlier_began_at"),
        earlier_ended_at=values.get("earlier_ended_at"),
        stalled=values["stalled"],
    )


def _round_of_one_before(newest: EventType) -> Round:
    """As the release before wrote it, which knew no more than the newest event."""
    return Round(number=1, told=(newest,)) if is_state(newest) else Round()


def _label_of(values: Mapping[str, Any]) -> Label | None:
    if "said_id" not in values:
        return None
    return Label(
        pipeline_id=values["said_id"],
        trigger_source=values["trigger_source"],
        project_name=values.get("project_name"),
        source=values.get("source"),
        pipeline_name=values.get("pipeline_name"),
        pipeline_url=values.get("pipeline_url"),
    )


def numbered_of(values: Mapping[str, Any]) -> NumberedEvent:
    return NumberedEvent(_event_of(values), values["sequence"], values.get("previous_event_type"))


def accepted_of(values: Mapping[str, Any]) -> Accepted:
    return Accepted(numbered_of(values), values["accepted_at"] / 1000)


def set_aside_of(values: Mapping[str, Any]) -> SetAside:
    return SetAside(_event_of(values), Fate(values["fate"]), values["accepted_at"] / 1000)


def _event_of(values: Mapping[str, Any]) -> Event:
    return Event(values["event_id"], read_stored(values["event"]))
