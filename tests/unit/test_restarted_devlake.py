"""A DevLake that restarts during a run: the events that subscribers receive.

By default it resumes what ran: ``RESUME_PIPELINES``, ``markInterruptedPipelineAs`` in
https://github.com/apache/incubator-devlake/blob/main/backend/server/services/pipeline.go
"""

import pytest

from lakehook.domain.devlake.notification import parse_notification
from lakehook.domain.event import EventType
from lakehook.domain.json_document import to_json
from lakehook.ports.queues import EventMessage
from tests.builders import a_subscription
from tests.devlake.rows import Row, notice_of, waiting_pipeline
from tests.fanning_out import FanOutFunction


def to_time(minute: int) -> str:
    return f"2024-09-05T15:{minute:02}:00.5+08:00"


CREATED = waiting_pipeline(39, to_time(0))
RUNNING = dict(CREATED, status="TASK_RUNNING", beganAt=to_time(1))
RESUMES = dict(RUNNING, status="TASK_RESUME", updatedAt=to_time(10))
RUNS_AGAIN = dict(RESUMES, status="TASK_RUNNING", beganAt=to_time(11))
COMPLETED = dict(RUNS_AGAIN, status="TASK_COMPLETED", updatedAt=to_time(20), finishedAt=to_time(20))
INTERRUPTED = dict(RUNNING, status="TASK_FAILED", updatedAt=to_time(10))  # it is not to resume
WAITS_FOR_ITS_RERUN = dict(INTERRUPTED, status="TASK_RERUN", updatedAt=to_time(30))
RERUNS = dict(WAITS_FOR_ITS_RERUN, status="TASK_RUNNING", beganAt=to_time(31))
CANCELLED = dict(RERUNS, status="TASK_CANCELLED", updatedAt=to_time(40), finishedAt=to_time(40))


def received_types(*rows: Row) -> list[str]:
    """Types of the events that a subscriber receives, in small letters if inferred."""
    subscription = a_subscription(event_types=tuple(EventType))
    function = FanOutFunction(subscription)
    for number, row in enumerate(rows):
        body = to_json(parse_notification(notice_of(row, "lake").encode()))
        function.fan_out([EventMessage(str(number), str(row["id"]), body)])
    types = [
        (delivery.event.type.removeprefix("PIPELINE_"), delivery.event)
        for delivery in function.queue.sent
    ]
    return [event_type.lower() if event.is_inferred else event_type for event_type, event in types]


ONE_RUN = "CREATED RUNNING COMPLETED"
RUNS = {
    "it resumes": ([CREATED, RUNNING, RUNS_AGAIN, COMPLETED], ONE_RUN),
    "and reconcile reads its row while it waits": (
        [CREATED, RUNNING, RESUMES, RUNS_AGAIN, COMPLETED],
        ONE_RUN,
    ),
    "nothing was heard of it before": ([RESUMES, RUNS_AGAIN, COMPLETED], ONE_RUN),
    "its end was lost, and it is run again": (
        [CREATED, RUNNING, WAITS_FOR_ITS_RERUN, RERUNS, CANCELLED],
        "CREATED RUNNING CANCELLED",
    ),
    "reconcile reads the end that nobody said, and it is run again": (
        [CREATED, RUNNING, INTERRUPTED, WAITS_FOR_ITS_RERUN, RERUNS, CANCELLED],
        "CREATED RUNNING FAILED CREATED RUNNING CANCELLED",
    ),
    "and its rerun is heard of when it begins": (
        [CREATED, RUNNING, INTERRUPTED, RERUNS, CANCELLED],
        "CREATED RUNNING FAILED created RUNNING CANCELLED",
    ),
    "only ends are said, to v1.0.1": ([COMPLETED], "created running COMPLETED"),
}


@pytest.mark.parametrize(("rows", "expected"), RUNS.values(), ids=RUNS)
def test_each_run_is_received_once_and_to_its_end(rows: list[Row], expected: str):
    assert received_types(*rows) == expected.split()


# What DevLake 420e494 (2026-05-05) posted of a pipeline while it was stopped and started again.
WAITED = waiting_pipeline(87, "2026-11-29T19:54:38.866Z", updatedAt="2026-11-29T19:54:38.883Z")
BEGAN = dict(
    WAITED,
    status="TASK_RUNNING",
    updatedAt="2026-11-29T19:54:39.883Z",
    beganAt="2026-11-29T19:54:39.879Z",
)
RESUMED = dict(BEGAN, updatedAt="2026-11-29T19:54:44.537Z", beganAt="2026-11-29T19:54:44.535Z")
ENDED = dict(
    RESUMED,
    status="TASK_COMPLETED",
    updatedAt="2026-11-29T19:54:56.725Z",
    finishedAt="2026-11-29T19:54:56.724Z",
)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([WAITED, BEGAN, RESUMED, ENDED], "CREATED RUNNING COMPLETED", id="as posted"),
        pytest.param([BEGAN, WAITED, RESUMED, ENDED], "created RUNNING COMPLETED", id="overtaken"),
        pytest.param([WAITED, BEGAN, ENDED, RESUMED], "CREATED RUNNING COMPLETED", id="too late"),
        pytest.param([WAITED, BEGAN, ENDED], "CREATED RUNNING COMPLETED", id="lost"),
    ],
)
def test_the_notices_of_a_real_devlake_are_one_run(rows: list[Row], expected: str):
    assert received_types(*rows) == expected.split()
