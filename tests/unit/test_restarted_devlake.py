"""A DevLake that starts again in the midst of a run: what subscribers hear of its rows.

By default it resumes what ran: ``RESUME_PIPELINES``, ``markInterruptedPipelineAs`` in
https://github.com/apache/incubator-devlake/blob/main/backend/server/services/pipeline.go
"""

from dataclasses import replace

import pytest

from lakehook.domain.devlake.notice import read_notice
from lakehook.domain.document import text_of
from lakehook.domain.event import EventType
from lakehook.fan_out import FanOut
from lakehook.ports.events import Notice
from tests.builders import a_subscription
from tests.devlake import Row
from tests.fakes import FakeJournal, FakeOutbox, FakeSiding, FakeSubscriptions, FakeTelemetry


def at(minute: int) -> str:
    return f"2024-09-05T15:{minute:02}:00.5+08:00"


CREATED = Row(39, "lake", at(0), at(0))
RUNNING = replace(CREATED, status="TASK_RUNNING", began_at=at(1))
RESUMES = replace(RUNNING, status="TASK_RESUME", updated_at=at(10))
RUNS_AGAIN = replace(RESUMES, status="TASK_RUNNING", began_at=at(11))
COMPLETED = replace(RUNS_AGAIN, status="TASK_COMPLETED", updated_at=at(20), finished_at=at(20))
INTERRUPTED = replace(RUNNING, status="TASK_FAILED", updated_at=at(10))  # it is not to resume
WAITS_FOR_ITS_RERUN = replace(INTERRUPTED, status="TASK_RERUN", updated_at=at(30))
RERUNS = replace(WAITS_FOR_ITS_RERUN, status="TASK_RUNNING", began_at=at(31))
CANCELLED = replace(RERUNS, status="TASK_CANCELLED", updated_at=at(40), finished_at=at(40))


def heard_of(*rows: Row) -> list[str]:
    """What is sent to a subscriber of everything, in small letters where it is inferred."""
    everything = a_subscription(event_types=tuple(EventType))
    outbox = FakeOutbox()
    fan_out = FanOut(
        FakeJournal(),
        FakeSubscriptions({everything.id: everything}),
        outbox,
        FakeSiding(),
        FakeTelemetry(),
    )
    for number, row in enumerate(rows):
        fan_out([Notice(str(number), str(row.id), text_of(read_notice(row.body().encode())))])
    types = [(one.event.type.removeprefix("PIPELINE_"), one.event) for one in outbox.sent]
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
WAITED = Row(87, "", "2026-11-29T19:54:38.866Z", "2026-11-29T19:54:38.883Z")
BEGAN = replace(
    WAITED,
    status="TASK_RUNNING",
    updated_at="2026-11-29T19:54:39.883Z",
    began_at="2026-11-29T19:54:39.879Z",
)
RESUMED = replace(BEGAN, updated_at="2026-11-29T19:54:44.537Z", began_at="2026-11-29T19:54:44.535Z")
ENDED = replace(
    RESUMED,
    status="TASK_COMPLETED",
    updated_at="2026-11-29T19:54:56.725Z",
    finished_at="2026-11-29T19:54:56.724Z",
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
