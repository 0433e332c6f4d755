"""Lost, repeated and reordered notices: every subscriber receives a consistent sequence."""

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
    """Draw a pipeline that may be cancelled while it waits, or run, be interrupted and resumed."""
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
    """Draw notices lost, repeated and reordered, with repeated times, tasks and stalls."""
    source = draw(sources())
    numbers = st.integers(0, len(source.rows) - 1)
    rows = [source.rows[n] for n in draw(st.lists(numbers, max_size=2 * len(source.rows)))]
    task = source.rows[0] | {"event_type": "TASK_RUNNING", "task": {"id": 1}}
    stall = source.rows[0] | {"event_type": "PIPELINE_STALLED"}
    odd = st.sampled_from([task, stall])
    return source, draw(st.permutations(rows + draw(st.lists(odd, max_size=2))))


def deliver_to_subscriber(
    rows: list[Row], *, in_batches_of: int = 10
) -> tuple[FakeJournal, list[Row]]:
    """Deliver notices, each batch twice; return what a subscriber of all types is sent once."""
    subscription = a_subscription(event_types=tuple(EventType))
    function = FanOutFunction(subscription)
    journal, queue = function.journal, function.queue
    notices = [
        EventMessage(str(n), pipeline_key_of(row), json.dumps(row)) for n, row in enumerate(rows)
    ]
    for start in range(0, len(notices), in_batches_of):
        batch = notices[start : start + in_batches_of]
        assert function.fan_out(batch) == []
        assert function.fan_out(batch[-1:]) == []
    sent = {delivery.id: delivery for delivery in queue.sent}
    for lane in {delivery.lane for delivery in queue.sent}:
        of_lane = [delivery for delivery in sent.values() if delivery.lane == lane]
        assert [delivery.sequence for delivery in of_lane] == list(range(1, len(of_lane) + 1))
        previous = [None, *(str(delivery.event.type) for delivery in of_lane)]
        assert [delivery.sequenced.previous_event_type for delivery in of_lane] == previous[:-1]
    return journal, [delivery.event.document for delivery in sent.values()]


@given(mangled(), mangled(), st.data())
def test_two_sources_with_the_same_ids_do_not_affect_each_other(
    first: Any, second: Any, data: st.DataObject
):
    """Notices are interleaved in any order, and events of both sources have the same ids."""
    alone = {
        None: deliver_to_subscriber(first[1])[1],
        "staging": deliver_to_subscriber(second[1])[1],
    }
    rows = [*first[1], *({**row, "source": "staging"} for row in second[1])]
    order = data.draw(st.permutations([*(0 for _ in first[1]), *(1 for _ in second[1])]))
    queues = {0: iter(rows[: len(first[1])]), 1: iter(rows[len(first[1]) :])}

    together = deliver_to_subscriber([next(queues[index]) for index in order])[1]

    for source, documents in alone.items():
        of_source = [row for row in together if row.get("source") == source]
        assert [{k: v for k, v in row.items() if k != "source"} for row in of_source] == documents


def states_of(documents: list[Row]) -> list[Row]:
    return [document for document in documents if is_state(EventType(document["event_type"]))]


def letters(documents: list[Row]) -> str:
    types = [document["event_type"].removeprefix("PIPELINE_") for document in documents]
    return "".join(STATES.get(event_type, "e") for event_type in types)


@given(mangled())
def test_runs_are_consecutive_up_to_the_last_end_whatever_is_lost_repeated_or_reordered(
    mangling: Any,
):
    source, rows = mangling

    journal, documents = deliver_to_subscriber(rows)

    states = states_of(documents)
    assert STORY.fullmatch(letters(states))
    rounds = [
        (document["event_type"], document["began_at"])
        for document in states
        if document["event_type"] != "PIPELINE_CREATED" and "began_at" in document
    ]
    assert len(rounds) == len(set(rounds))
    if source.last_end and source.rows[-1] in rows:
        assert states[-1]["event_type"] == f"PIPELINE_{source.last_end}"
        assert states[-1]["began_at"] == source.rows[-1]["began_at"]
    source_documents = [document for document in documents if not document.get("inferred")]
    skipped = [skip.event.document for skip in journal.skipped("39")]
    assert all(row in source_documents or row in skipped for row in rows)


@given(sources())
def test_notices_in_order_and_without_loss_are_delivered_unchanged(source: Source):
    _, documents = deliver_to_subscriber(list(source.rows), in_batches_of=3)

    source_documents = [document for document in documents if not document.get("inferred")]
    assert source_documents == without_resumptions(source.rows)


def without_resumptions(rows: Iterable[Row]) -> list[Row]:
    """Reduce each run to its first beginning and its end, without resumptions."""
    documents: list[Row] = []
    for row in rows:
        is_resumption = letters(documents[-1:]) + letters([row]) in ("rc", "rr", "cc")
        documents += [] if is_resumption else [row]
    return documents


@given(mangled())
def test_notices_without_beginnings_are_delivered_in_order(mangling: Any):
    _, rows = mangling
    bare = [{k: v for k, v in row.items() if k not in ("began_at", "created_at")} for row in rows]

    _, documents = deliver_to_subscriber(bare)

    assert STORY.fullmatch(letters(states_of(documents)))
