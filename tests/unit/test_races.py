"""Whatever becomes of a source's notices, every subscriber hears a story that makes sense."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.event import EventType, pipeline_key_of
from lakehook.domain.pipeline import is_state
from lakehook.ports.queues import EventMessage
from tests.builders import a_subscription
from tests.fakes import (
    NOON,
    FakeJournal,
)
from tests.fanning_out import FanOutFunction

Row = dict[str, Any]

STATES = {"CREATED": "c", "RUNNING": "r"}  # the others are ends
STORY = re.compile("(cr?e)*(cr?)?")  # only the newest round has no end
ENDS = ("COMPLETED", "FAILED", "PARTIAL", "CANCELLED")


@dataclass(frozen=True)
class Source:
    """DevLake's row of a pipeline as it changes, and a notice of each change."""

    rows: tuple[Row, ...]

    @property
    def last_end(self) -> str | None:
        last = self.rows[-1]["event_type"].removeprefix("PIPELINE_")
        return last if last in ENDS else None


@st.composite
def sources(draw: st.DrawFn) -> Source:
    """Called off while it waits, or not; then runs that end, or are interrupted and resumed."""
    clock = iter(range(1, 1000))
    at = lambda: datetime.fromtimestamp(NOON + 10 * next(clock), UTC).isoformat()  # noqa: E731
    row: Row = {"pipeline_id": 39, "trigger_source": "manual", "created_at": at()}
    row |= {"event_type": "PIPELINE_CREATED", "timestamp": row["created_at"]}
    rows = [row]
    if draw(st.booleans()):
        rows.append(row | {"event_type": "PIPELINE_CANCELLED", "timestamp": at()})
    for _ in range(draw(st.integers(1, 3))):
        began_at = at()
        row = row | {"event_type": "PIPELINE_RUNNING", "began_at": began_at, "timestamp": began_at}
        rows.append(row)
        if draw(st.booleans()):
            ended_at = at()
            end = f"PIPELINE_{draw(st.sampled_from(ENDS))}"
            row = row | {"event_type": end, "finished_at": ended_at, "timestamp": ended_at}
            rows.append(row)
        if draw(st.booleans()):
            rows.append(row := row | {"event_type": "PIPELINE_CREATED", "timestamp": at()})
    return Source(tuple(rows))


@st.composite
def mangled(draw: st.DrawFn) -> tuple[Source, list[Row]]:
    """Lost, repeated, in any order; a change's time said twice; tasks and stalls in between."""
    source = draw(sources())
    numbers = st.integers(0, len(source.rows) - 1)
    rows = [source.rows[n] for n in draw(st.lists(numbers, max_size=2 * len(source.rows)))]
    task = source.rows[0] | {"event_type": "TASK_RUNNING", "task": {"id": 1}}
    stall = source.rows[0] | {"event_type": "PIPELINE_STALLED"}
    odd = st.sampled_from([task, stall])
    return source, draw(st.permutations(rows + draw(st.lists(odd, max_size=2))))


def heard(rows: list[Row], *, in_batches_of: int = 10) -> tuple[FakeJournal, list[Row]]:
    """What a subscriber of everything is sent, repeats left out; each batch comes twice."""
    everything = a_subscription(event_types=tuple(EventType))
    function = FanOutFunction(everything)
    journal, queue = function.journal, function.queue
    notices = [
        EventMessage(str(n), pipeline_key_of(row), json.dumps(row)) for n, row in enumerate(rows)
    ]
    for start in range(0, len(notices), in_batches_of):
        batch = notices[start : start + in_batches_of]
        assert function.fan_out(batch) == []
        assert function.fan_out(batch[-1:]) == []
    sent = {one.id: one for one in queue.sent}
    for lane in {one.lane for one in queue.sent}:
        of_lane = [one for one in sent.values() if one.lane == lane]
        assert [one.sequence for one in of_lane] == list(range(1, len(of_lane) + 1))
        previous = [None, *(str(one.event.type) for one in of_lane)]
        assert [one.sequenced.previous_event_type for one in of_lane] == previous[:-1]
    return journal, [one.event.document for one in sent.values()]


@given(mangled(), mangled(), st.data())
def test_two_sources_that_count_alike_are_heard_as_if_each_were_alone(
    first: Any, second: Any, data: st.DataObject
):
    """Whatever they say in between each other; their events have the same ids, too."""
    alone = {None: heard(first[1])[1], "staging": heard(second[1])[1]}
    rows = [*first[1], *({**row, "source": "staging"} for row in second[1])]
    order = data.draw(st.permutations([*(0 for _ in first[1]), *(1 for _ in second[1])]))
    queues = {0: iter(rows[: len(first[1])]), 1: iter(rows[len(first[1]) :])}

    together = heard([next(queues[which]) for which in order])[1]

    for source, told in alone.items():
        of_it = [row for row in together if row.get("source") == source]
        assert [{k: v for k, v in row.items() if k != "source"} for row in of_it] == told


def states_of(told: list[Row]) -> list[Row]:
    return [one for one in told if is_state(EventType(one["event_type"]))]


def letters(states: list[Row]) -> str:
    types = [state["event_type"].removeprefix("PIPELINE_") for state in states]
    return "".join(STATES.get(one, "e") for one in types)


@given(mangled())
def test_whatever_is_lost_repeated_or_swapped_rounds_follow_each_other_to_the_last_end_said(
    mangling: Any,
):
    source, rows = mangling

    journal, told = heard(rows)

    states = states_of(told)
    assert STORY.fullmatch(letters(states))
    rounds = [
        (one["event_type"], one["began_at"])
        for one in states
        if one["event_type"] != "PIPELINE_CREATED" and "began_at" in one
    ]
    assert len(rounds) == len(set(rounds))
    if source.last_end and source.rows[-1] in rows:
        assert states[-1]["event_type"] == f"PIPELINE_{source.last_end}"
        assert states[-1]["began_at"] == source.rows[-1]["began_at"]
    said = [one for one in told if not one.get("inferred")]
    aside = [one.event.document for one in journal.skipped("39")]
    assert all(row in said or row in aside for row in rows)


@given(sources())
def test_a_source_that_neither_races_nor_loses_is_told_word_for_word(source: Source):
    _, told = heard(list(source.rows), in_batches_of=3)

    said = [one for one in told if not one.get("inferred")]
    assert said == without_resumptions(source.rows)


def without_resumptions(rows: Iterable[Row]) -> list[Row]:
    """Each run from its first beginning to its end: that it waits and runs again says nothing."""
    told: list[Row] = []
    for row in rows:
        goes_on = letters(told[-1:]) + letters([row]) in ("rc", "rr", "cc")
        told += [] if goes_on else [row]
    return told


@given(mangled())
def test_a_source_that_says_no_beginnings_is_told_in_order_too(mangling: Any):
    _, rows = mangling
    bare = [{k: v for k, v in row.items() if k not in ("began_at", "created_at")} for row in rows]

    _, told = heard(bare)

    assert STORY.fullmatch(letters(states_of(told)))
