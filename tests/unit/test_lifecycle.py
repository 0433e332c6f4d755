"""Runs of a pipeline: which events are emitted, inferred or skipped."""

from typing import Any

import pytest

from lakehook.domain.pipeline import Pipeline, PipelineTransition
from tests.builders import an_event


def to_time(minute: int) -> str:
    return f"2024-09-05T15:{minute:02}:00+08:00"


def notice(state: str, minute: int, began: int | None = None, **changes: Any) -> dict[str, Any]:
    """A notice of a pipeline created at minute 1, which may say when its run began."""
    began_at = {} if began is None else {"began_at": to_time(began)}
    fields = {
        "event_type": f"PIPELINE_{state}",
        "timestamp": to_time(minute),
        "created_at": to_time(1),
    }
    return {**fields, **began_at, **changes}


CREATED = notice("CREATED", 1)
RUNNING, RERUNNING = notice("RUNNING", 2, began=2), notice("RUNNING", 12, began=12)
FAILED = notice("FAILED", 5, began=2, finished_at=to_time(5), message="oh", data={"why": 1}, mine=2)
COMPLETED = notice("COMPLETED", 15, began=12)
RAN, ENDED = notice("RUNNING", 2), notice("FAILED", 5)  # without the time when it began

RUNNING_READ_LATE = RUNNING | {"timestamp": to_time(3)}  # of a notice that meant CREATED
FAILED_AGAIN, OTHER_END = notice("FAILED", 6, began=2), notice("COMPLETED", 6, began=2)

Emitted = list[str]


def emitted_by(*notices: dict[str, Any]) -> Emitted:
    """States that are emitted, in small letters if inferred, and the reasons of skipped ones."""
    emitted: Emitted = []
    pipeline = Pipeline("39")
    for fields in notices:
        transition = pipeline.apply(an_event(**fields))
        if isinstance(transition, PipelineTransition):
            emitted += [
                to_state(step.event.type, step.event.is_inferred) for step in transition.sequenced
            ]
            pipeline = transition.after(now=0)
        else:
            emitted.append(f"({transition.reason})")
            pipeline = transition.after
    return emitted


def to_state(event_type: str, is_inferred: bool) -> str:  # noqa: FBT001
    state = event_type.removeprefix("PIPELINE_")
    return state.lower() if is_inferred else state


@pytest.mark.parametrize(
    ("notices", "expected"),
    [
        pytest.param([CREATED, RUNNING, FAILED], "CREATED RUNNING FAILED", id="as it should be"),
        pytest.param([RUNNING], "created RUNNING", id="created is lost"),
        pytest.param([RUNNING, CREATED], "created RUNNING (duplicate)", id="running overtakes"),
        pytest.param([FAILED], "created running FAILED", id="only the end is seen"),
        pytest.param([ENDED], "created FAILED", id="an end of what never began"),
        pytest.param([CREATED, FAILED], "CREATED running FAILED", id="running is lost"),
        pytest.param([CREATED, ENDED], "CREATED FAILED", id="it ended before it began"),
        pytest.param(
            [FAILED, RUNNING, CREATED], "created running FAILED (duplicate) (duplicate)", id="late"
        ),
        pytest.param([CREATED, ENDED, RUNNING], "CREATED FAILED (stale)", id="out of order"),
        pytest.param(
            [RUNNING, RUNNING_READ_LATE, FAILED], "created RUNNING (duplicate) FAILED", id="row"
        ),
        pytest.param([CREATED, CREATED], "CREATED (duplicate)", id="created twice"),
        pytest.param([FAILED, FAILED_AGAIN], "created running FAILED (duplicate)", id="end x 2"),
        pytest.param([FAILED, OTHER_END], "created running FAILED (stale)", id="only one end"),
    ],
)
def test_a_run_is_emitted_in_order_and_each_state_once(
    notices: list[dict[str, Any]], expected: str
):
    assert emitted_by(*notices) == expected.split()


@pytest.mark.parametrize(
    ("notices", "expected"),
    [
        pytest.param([RERUNNING, COMPLETED], "created RUNNING COMPLETED", id="a later beginning"),
        pytest.param([COMPLETED], "created running COMPLETED", id="only the end of it is seen"),
        pytest.param([notice("CREATED", 11)], "CREATED", id="created again"),
        pytest.param([notice("CREATED", 11, began=2)], "CREATED", id="waiting, and once begun"),
        pytest.param([notice("RUNNING", 11)], "created RUNNING", id="running again"),
        pytest.param([notice("COMPLETED", 11)], "created COMPLETED", id="another end later on"),
        pytest.param([notice("CREATED", 5)], "(duplicate)", id="no later than the end"),
        pytest.param([notice("RUNNING", 4)], "(duplicate)", id="late, though not of a later round"),
        pytest.param([notice("FAILED", 11)], "(duplicate)", id="the same end once more"),
        pytest.param([notice("COMPLETED", 3)], "(stale)", id="an end that the other overtook"),
    ],
)
def test_after_an_end_a_later_round_may_begin(notices: list[dict[str, Any]], expected: str):
    assert emitted_by(CREATED, RUNNING, FAILED, *notices)[3:] == expected.split()


@pytest.mark.parametrize(
    ("notices", "expected"),
    [
        pytest.param([RUNNING], "(stale)", id="an earlier beginning"),
        pytest.param([FAILED], "(stale)", id="an earlier end"),
        pytest.param([ENDED], "(stale)", id="an end before the beginning"),
        pytest.param([RAN], "(stale)", id="no beginning, and before the end of the first round"),
        pytest.param([CREATED], "(stale)", id="created when the first round was"),
        pytest.param([COMPLETED, FAILED], "COMPLETED (stale)", id="even after its own end"),
    ],
)
def test_an_event_of_an_older_run_is_stale(notices: list[dict[str, Any]], expected: str):
    assert emitted_by(CREATED, RUNNING, FAILED, RERUNNING, *notices)[5:] == expected.split()


def test_an_end_from_before_the_round_began_does_not_end_it():
    assert emitted_by(RERUNNING, notice("CANCELLED", 3), COMPLETED)[2:] == ["(stale)", "COMPLETED"]


RESUMED = RERUNNING  # DevLake posts the same for a resumed run as for a new one
WAITS_TO_RESUME = notice("CREATED", 11, event_id="its_row_says_TASK_RESUME")
RESUMED_AGAIN = notice("RUNNING", 20, began=20)
RERUN_AFTER_IT, ITS_END = notice("RUNNING", 32, began=32), notice("FAILED", 33, began=32)


@pytest.mark.parametrize(
    ("notices", "expected"),
    [
        pytest.param([RESUMED, COMPLETED], "(duplicate) COMPLETED", id="running is said again"),
        pytest.param([COMPLETED, RESUMED], "COMPLETED (duplicate)", id="the end overtakes it"),
        pytest.param([COMPLETED], "COMPLETED", id="and nobody hears that it runs again"),
        pytest.param([RESUMED, FAILED, COMPLETED], "(duplicate) (stale) COMPLETED", id="late end"),
        pytest.param([COMPLETED, FAILED], "COMPLETED (stale)", id="end of the earlier beginning"),
        pytest.param([RESUMED, RUNNING], "(duplicate) (stale)", id="the first beginning once more"),
        pytest.param(
            [RESUMED, RESUMED_AGAIN, RESUMED, COMPLETED, notice("FAILED", 21, began=20)],
            "(duplicate) (duplicate) (stale) (stale) FAILED",
            id="resumed twice",
        ),
        pytest.param(
            [WAITS_TO_RESUME, RESUMED, COMPLETED],
            "(duplicate) (duplicate) COMPLETED",
            id="reconcile reads it while it waits to resume",
        ),
        pytest.param(
            [WAITS_TO_RESUME | {"began_at": to_time(12)}, RESUMED, COMPLETED],
            "(duplicate) (duplicate) COMPLETED",
            id="and whatever beginning it names while it waits",
        ),
        pytest.param(
            [RESUMED, COMPLETED, RERUN_AFTER_IT, COMPLETED, ITS_END],
            "(duplicate) COMPLETED created RUNNING (stale) FAILED",
            id="and is run again once it has ended",
        ),
    ],
)
def test_a_run_that_is_resumed_is_one_run_with_one_end(
    notices: list[dict[str, Any]], expected: str
):
    assert emitted_by(CREATED, RUNNING, *notices)[2:] == expected.split()


def test_an_earlier_beginning_is_stale_also_while_the_later_round_waits_to_begin():
    emitted = emitted_by(
        CREATED, RUNNING, FAILED, notice("CREATED", 11), RUNNING | {"event_id": "late"}
    )

    assert emitted[3:] == ["CREATED", "(stale)"]


def test_tasks_neither_open_nor_end_rounds():
    task = {"event_type": "TASK_FAILED", "task": {"id": 1}, "began_at": to_time(30)}

    assert emitted_by(task, CREATED, task, FAILED, task, COMPLETED) == [
        "TASK_FAILED",
        "CREATED",
        "TASK_FAILED",
        "running",
        "FAILED",
        "TASK_FAILED",
        "created",
        "running",
        "COMPLETED",
    ]


def stall(**data: Any) -> dict[str, Any]:
    return notice("STALLED", 40, data=data)


@pytest.mark.parametrize(
    ("notices", "expected"),
    [
        pytest.param([CREATED, stall(state="created", round=1)], "STALLED", id="still created"),
        pytest.param([RUNNING, stall(state="running", round=1)], "STALLED", id="still running"),
        pytest.param([RUNNING, stall()], "STALLED", id="whatever it is in"),
        pytest.param([RUNNING, stall(state="created", round=1)], "(stall_over)", id="has begun"),
        pytest.param(
            [RERUNNING, stall(state="running", round=2)], "(stall_over)", id="other round"
        ),
        pytest.param([ENDED, stall()], "(stall_over)", id="has ended"),
        pytest.param([stall()], "(stall_over)", id="never heard of"),
        pytest.param([CREATED, stall(), stall()], "STALLED (duplicate)", id="told before"),
        pytest.param([CREATED, stall(), RUNNING, stall()], "STALLED RUNNING STALLED", id="again"),
    ],
)
def test_a_stall_is_emitted_once_and_while_it_lasts(notices: list[dict[str, Any]], expected: str):
    assert emitted_by(*notices)[-len(expected.split()) :] == expected.split()


def inferred_of(*notices: dict[str, Any]) -> list[dict[str, Any]]:
    pipeline = Pipeline("39")
    for fields in notices:
        transition = pipeline.apply(an_event(**fields))
        assert isinstance(transition, PipelineTransition)
        pipeline = transition.after(now=0)
    return [step.event.document for step in transition.sequenced[:-1]]


def test_an_inferred_event_says_so_and_has_only_the_facts_of_its_state():
    of_pipeline = {
        "source": "staging",
        "pipeline_name": "nightly",
        "labels": ["a"],
        "pipeline_url": "https://devlake.example/advanced/pipeline/39",
    }
    created, running = inferred_of({**FAILED, **of_pipeline, "finished_tasks": 7})

    common = {
        "pipeline_id": 39,
        "trigger_source": "blueprint:7",
        "project_name": "湖",
        "created_at": to_time(1),
        **of_pipeline,
        "inferred": True,
    }
    assert created == {
        **common,
        "event_type": "PIPELINE_CREATED",
        "timestamp": to_time(1),
        "updated_at": to_time(1),
    }
    assert running == {
        **common,
        "event_type": "PIPELINE_RUNNING",
        "timestamp": to_time(2),
        "updated_at": to_time(2),
        "began_at": to_time(2),
    }


@pytest.mark.parametrize(
    ("changes", "minute"),
    [({}, 1), ({"created_at": None}, 2), ({"created_at": ..., "began_at": None}, 5)],
)
def test_an_inferred_creation_is_as_early_as_anything_known(changes: dict[str, Any], minute: int):
    assert inferred_of(FAILED | changes)[0]["timestamp"] == to_time(minute)


def ids_of(*notices: dict[str, Any]) -> list[str]:
    pipeline, ids = Pipeline("39"), []
    for fields in notices:
        transition = pipeline.apply(an_event(**fields))
        assert isinstance(transition, PipelineTransition)
        pipeline = transition.after(now=0)
        ids += [step.event.id for step in transition.sequenced]
    return ids


def test_an_inferred_event_is_named_by_its_round_and_the_same_every_time():
    ids = ids_of(FAILED, COMPLETED)

    assert len(set(ids)) == 6
    assert ids_of(RUNNING)[0] == ids[0]
    assert ids == ids_of(FAILED, COMPLETED)
