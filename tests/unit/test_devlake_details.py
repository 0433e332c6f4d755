"""Details of a pipeline from its row: bounded, and none of an earlier run."""

import json
from typing import Any

import pytest

from lakehook.domain.devlake.notification import PipelineRow, parse_notification
from lakehook.domain.event import MAX_EVENT_BYTES
from lakehook.domain.json_document import Document, to_json
from tests.devlake.rows import a_task, shown
from tests.outside import OUTSIDE

RECORDED = OUTSIDE / "devlake" / "rest"
SECRET = "s3cr3t-0f-0urs"
NOT_ENDED = {"finishedAt": None}
ENDS = ("COMPLETED", "FAILED", "PARTIAL", "CANCELLED")


def recorded(status: str) -> tuple[PipelineRow, list[Document]]:
    row = json.loads((RECORDED / f"pipeline-{status}.json").read_text(encoding="utf-8"))
    tasks = RECORDED / f"pipeline-{status}-tasks.json"
    listed: list[Document] = (
        json.loads(tasks.read_text(encoding="utf-8"))["tasks"] if tasks.exists() else []
    )
    return PipelineRow.parse(row), listed


def details_of(row: Document, *tasks: Document) -> Document:
    """Details for the event of the row's present state."""
    event = PipelineRow.parse(row).to_event("payments", tasks=tasks).document
    names = set(event) - set(parse_notification(event["data"]["devlake"].encode()))
    return {name: event[name] for name in sorted(names)}


def failed(**changes: Any) -> Document:
    return shown(39, "TASK_FAILED", **changes)


# --- rows of a real DevLake ---


def test_a_run_that_failed_says_why_and_which_tasks():
    row, tasks = recorded("TASK_FAILED")

    document = row.to_event("", tasks=tasks).document

    assert document["pipeline_name"] == "p"
    assert document["message"].startswith("Error running pipeline 119.\nWraps: (2) Error running")
    assert document["error_name"].startswith("Error running pipeline 119.\ncaused by: Error")
    assert (document["finished_tasks"], document["total_tasks"]) == (1, 1)
    assert document["spent_seconds"] == 0
    assert document["failed_tasks"] == [
        {
            "id": 131,
            "plugin": "sleeper",
            "status": "TASK_FAILED",
            "message": "subtask sleep ended unexpectedly: it was to fail after 0.5 s",
        }
    ]
    assert "labels" not in document
    # Without its tasks, what finished in all runs is no count of this one.
    assert (row.shown["finishedTasks"], row.shown["totalTasks"]) == (3, 1)
    alone = row.to_event("").document
    assert alone["total_tasks"] == 1
    assert {"finished_tasks", "failed_tasks"} & set(alone) == set()


def test_a_run_that_failed_in_part_has_no_message_but_tasks():
    row, tasks = recorded("TASK_PARTIAL")

    document = row.to_event("", tasks=tasks).document

    assert document["labels"] == ["team-a"]
    assert (document["finished_tasks"], document["total_tasks"]) == (2, 2)
    assert document["spent_seconds"] == 1
    assert [task["id"] for task in document["failed_tasks"]] == [182]
    assert {"message", "error_name"} & set(document) == set()


@pytest.mark.parametrize("status", ["TASK_CREATED", "TASK_RUNNING"])
def test_an_unfinished_pipeline_has_a_name_and_a_number_of_tasks(status: str):
    row, _ = recorded(status)

    document = row.to_event("").document

    assert document["total_tasks"] == 1
    assert document["pipeline_name"]
    assert {"finished_tasks", "spent_seconds", "message"} & set(document) == set()


# --- fields of an earlier run ---


def test_the_error_of_an_earlier_run_is_left_out():
    """``errorName`` stays in the row for ever, ``message`` until the next run begins."""
    row = failed(errorName="what went wrong the last time")

    assert "error_name" not in details_of(row)
    assert details_of(failed(message="oh", errorName="oh"))["error_name"] == "oh"


@pytest.mark.parametrize("finished_at", [None, "2026-01-01T11:05:00Z"])
def test_a_run_that_a_restart_broke_off_has_not_lasted_as_long_as_the_one_before(
    finished_at: str | None,
):
    run = details_of(failed(finishedAt=finished_at, spentSeconds=600))

    assert "spent_seconds" not in run


def test_a_row_in_a_later_state_has_only_the_details_of_every_event():
    row = PipelineRow.parse(failed(message="oh", blueprintId=7, labels=["a"]))
    running = PipelineRow.parse(shown(39, "TASK_RUNNING", **NOT_ENDED)).to_event("").document
    later = {"beganAt": "2026-01-01T11:30:00Z", "finishedAt": "2026-01-01T11:40:00Z"}
    next_failure = PipelineRow.parse(failed(**later)).to_event("").document
    lasting = {
        "trigger_source": "blueprint:7",
        "pipeline_name": "nightly",
        "labels": ["a"],
        "total_tasks": 1,
    }

    assert row.details(running) == lasting
    assert row.details(next_failure, [a_task(1)]) == lasting
    assert row.details(PipelineRow.parse(failed()).to_event("").document)["message"] == "oh"


# --- bounds ---


def test_tasks_come_in_order_those_that_were_cancelled_last_and_not_all_of_them():
    tasks = [
        a_task(99, "TASK_CANCELLED"),
        *(a_task(number, message=f"{number}") for number in range(20, 0, -1)),
        a_task(50, "TASK_COMPLETED"),
        a_task(51, "TASK_CREATED"),
    ]

    ten_of_many = details_of(failed(totalTasks=23), *tasks)

    assert [task["id"] for task in ten_of_many["failed_tasks"]] == list(range(1, 11))
    assert ten_of_many["finished_tasks"] == 22
    two_tasks = details_of(failed(), a_task(2, "TASK_CANCELLED"), a_task(3))
    assert [(task["id"], task["status"]) for task in two_tasks["failed_tasks"]] == [
        (3, "TASK_FAILED"),
        (2, "TASK_CANCELLED"),
    ]
    assert "message" not in two_tasks["failed_tasks"][0]


def test_strangers_texts_are_truncated_and_stripped_of_credentials():
    long = "x" * 10_000
    row = failed(
        name=f"n\n{long}",
        labels=["a\tb", "", 7, long, *("c",) * 99],
        message=f"https://git:{SECRET}@github.com\n{long}",
        errorName=f"token={SECRET}",
    )

    cut = details_of(row, a_task(1, message=f"password={SECRET}\u202e {long}", plugin="p\x1b[1m"))

    assert SECRET not in to_json(cut)
    assert cut["pipeline_name"] == f"n {'x' * 197}…"
    assert cut["labels"][:3] == ["a b", f"{'x' * 99}…", "c"]
    assert len(cut["labels"]) == 18
    assert cut["message"].startswith("https://…@github.com\nxxx")
    assert len(cut["message"]) == 4000
    (task,) = cut["failed_tasks"]
    assert task["plugin"] == "p [1m"
    assert task["message"].startswith("password=… x")
    assert len(task["message"]) == 300


def test_an_event_with_the_most_details_is_far_from_the_largest():
    wide = "\U0001f4a5" * 4_001
    row = failed(name=wide, labels=[wide] * 99, message=wide, errorName=wide)
    tasks = [a_task(number, message=wide, plugin=wide) for number in range(11)]

    event = PipelineRow.parse(row).to_event("payments", tasks=tasks)

    assert len(to_json(event.document).encode()) < MAX_EVENT_BYTES // 2


@pytest.mark.parametrize(
    "changes",
    [
        {"name": 7, "labels": None, "message": ["a"], "errorName": {}},
        {"name": "", "labels": "abc", "message": "", "errorName": None},
        {"totalTasks": -1, "finishedTasks": "7", "spentSeconds": None},
        {"totalTasks": True, "finishedTasks": 1.5, "spentSeconds": -1},
        {"totalTasks": 2**63, "finishedTasks": 2**63, "spentSeconds": 2**63},
        {"totalTasks": 10**30, "finishedTasks": 10**30, "spentSeconds": 1e20},
    ],
)
def test_malformed_details_are_left_out(changes: dict[str, Any]):
    valid = details_of(failed(**changes))

    assert set(valid) <= {
        "pipeline_name",
        "total_tasks",
        "finished_tasks",
        "spent_seconds",
    } - {_EVENT_NAMES[name] for name in changes if name in _EVENT_NAMES}


_EVENT_NAMES = {
    "name": "pipeline_name",
    "totalTasks": "total_tasks",
    "finishedTasks": "finished_tasks",
    "spentSeconds": "spent_seconds",
}


def test_a_task_that_is_malformed_is_left_out_and_one_whose_status_is_no_text_has_not_ended():
    malformed = [{}, {"id": 1}, {"id": "1", "plugin": "a"}, {"id": True}, a_task(2**63)]

    parsed = details_of(
        failed(), *(task | {"status": "TASK_FAILED"} for task in malformed), a_task(7)
    )

    assert [task["id"] for task in parsed["failed_tasks"]] == [7]
    parsed = details_of(failed(), a_task(7), a_task(8) | {"status": {"is": "failed"}})
    assert parsed["finished_tasks"] == 1


_OF_A_NOTICE = (
    "id", "createdAt", "updatedAt", "beganAt", "finishedAt", "status", "blueprintId"
)  # fmt: skip


def test_a_cancelled_run_has_no_error():
    """DevLake's message, seen 2026-11-29 on 420e494, is that the run was cancelled."""
    message = "Error running pipeline 4.\nWraps: (2) context canceled"
    row = PipelineRow.parse(shown(39, "TASK_CANCELLED", message=message, errorName=message))

    assert {"message", "error_name"} & set(row.to_event("").document) == set()
