"""A DevLake that starts again in the midst of a run: what subscribers hear of its rows.

By default it resumes what ran: ``RESUME_PIPELINES``, ``markInterruptedPipelineAs`` in
https://github.com/apache/incubator-devlake/blob/main/backend/server/services/pipeline.go
"""

from typing import Any

import pytest

from lakehook.domain.devlake.notification import parse_notification
from lakehook.domain.event import EventType
from lakehook.domain.json_document import to_json
from lakehook.ports.queues import EventMessage
from tests.builders import a_subscription
from tests.devlake.rows import Row, notice_of, waiting_pipeline
from tests.fanning_out import FanOutFunction


def at(minute: int) -> str:
    return f"2024-09-05T15:{minute:02}:00.5+08:00"


def changed(row: Row, **changes: Any) -> Row:
    return row | changes


CREATED = waiting_pipeline(39, at(0))
RUNNING = changed(CREATED, status="TASK_RUNNING", beganAt=at(1))
RESUMES = changed(RUNNING, status="TASK_RESUME", updatedAt=at(10))
RUNS_AGAIN = changed(RESUMES, status="TASK_RUNNING", beganAt=at(11))
COMPLETED = changed(RUNS_AGAIN, status="TASK_COMPLETED", updatedAt=at(20), finishedAt=at(20))
INTERRUPTED = changed(RUNNING, status="TASK_FAILED", updatedAt=at(10))  # it is not to resume
WAITS_FOR_ITS_RERUN = changed(INTERRUPTED, status="TASK_RERUN", updatedAt=at(30))
RERUNS = changed(WAITS_FOR_ITS_RERUN, status="TASK_RUNNING", beganAt=at(31))
CANCELLED = changed(RERUNS, status="TASK_CANCELLED", updatedAt=at(40), finishedAt=at(40))


def heard_of(*rows: Row) -> list[str]:
    """What is sent to a subscriber of everything, in small letters where it is inferred."""
    everything = a_subscription(event_types=tuple(EventType))
    function = FanOutFunction(everything)
    for number, row in enumerate(rows):
        function.fan_out(
            [
                EventMessage(
                    str(number),
                    str(row["id"]),
                    to_json(parse_notification(notice_of(row, "lake").encode())),
                )
            ]
        )
    types = [(one.event.type.removeprefix("PIPELINE_"), one.event) for one in function.queue.sent]
    return [word.lower() if event.is_inferred else word for word, event in types]


@pytest.mark.parametrize(
    ("rows", "heard"),
    [
        pytest.param(
            [CREATED, RUNNING, RUNS_AGAIN, COMPLETED],
            "CREATED RUNNING COMPLETED",
            id="it resumes",
        ),
        pytest.param(
            [CREATED, RUNNING, RESUMES, RUNS_AGAIN, COMPLETED],
            "CREATED RUNNING COMPLETED",
            id="and reconcile reads its row while it waits",
        ),
        pytest.param(
            [RESUMES, RUNS_AGAIN, COMPLETED],
            "CREATED RUNNING COMPLETED",
            id="nothing was heard of it before",
        ),
        pytest.param(
            [CREATED, RUNNING, WAITS_FOR_ITS_RERUN, RERUNS, CANCELLED],
            "CREATED RUNNING CANCELLED",
            id="its end was lost, and it is run again",
        ),
        pytest.param(
            [CREATED, RUNNING, INTERRUPTED, WAITS_FOR_ITS_RERUN, RERUNS, CANCELLED],
            "CREATED RUNNING FAILED CREATED RUNNING CANCELLED",
            id="reconcile reads the end that nobody said, and it is run again",
        ),
        pytest.param(
            [CREATED, RUNNING, INTERRUPTED, RERUNS, CANCELLED],
            "CREATED RUNNING FAILED created RUNNING CANCELLED",
            id="and its rerun is heard of when it begins",
        ),
        pytest.param([COMPLETED], "created running COMPLETED", id="only ends are said, to v1.0.1"),
    ],
)
def test_each_run_is_heard_once_and_to_its_end(rows: list[Row], heard: str):
    assert heard_of(*rows) == heard.split()


# What DevLake 420e494 (2026-05-05) posted of a pipeline while it was stopped and started again.
WAITED = changed(
    waiting_pipeline(87, "2026-11-29T19:54:38.866Z"), updatedAt="2026-11-29T19:54:38.883Z"
)
BEGAN = changed(
    WAITED,
    status="TASK_RUNNING",
    updatedAt="2026-11-29T19:54:39.883Z",
    beganAt="2026-11-29T19:54:39.879Z",
)
RESUMED = changed(BEGAN, updatedAt="2026-11-29T19:54:44.537Z", beganAt="2026-11-29T19:54:44.535Z")
ENDED = changed(
    RESUMED,
    status="TASK_COMPLETED",
    updatedAt="2026-11-29T19:54:56.725Z",
    finishedAt="2026-11-29T19:54:56.724Z",
)


@pytest.mark.parametrize(
    ("rows", "heard"),
    [
        pytest.param([WAITED, BEGAN, RESUMED, ENDED], "CREATED RUNNING COMPLETED", id="as posted"),
        pytest.param([BEGAN, WAITED, RESUMED, ENDED], "created RUNNING COMPLETED", id="overtaken"),
        pytest.param([WAITED, BEGAN, ENDED, RESUMED], "CREATED RUNNING COMPLETED", id="too late"),
        pytest.param([WAITED, BEGAN, ENDED], "CREATED RUNNING COMPLETED", id="lost"),
    ],
)
def test_what_a_real_one_posted_is_one_run(rows: list[Row], heard: str):
    assert heard_of(*rows) == heard.split()
