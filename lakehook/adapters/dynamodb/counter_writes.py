"""Writes of a pipeline's counter: how many of the newest events it keeps, and on what condition.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lakehook.adapters.dynamodb.items import Item, to_item, to_milliseconds, write_units
from lakehook.adapters.dynamodb.journal_items import (
    COUNTER,
    RECENT_NAMES,
    VERSION,
    Transition,
    Values,
    counter_values,
    event_values,
    kept_item,
    recent_values,
    record_key,
)
from lakehook.adapters.dynamodb.partiql import Statement, insert, update
from lakehook.domain.delivery import SequencedEvent
from lakehook.domain.pipeline import EventSkip, Pipeline, PipelineTransition
from lakehook.settings import PipelinesTable as Table


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
