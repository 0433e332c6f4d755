import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lakehook.domain.devlake.notification import GoTime, parse_notification
from lakehook.domain.errors import InvalidNotification
from lakehook.domain.event import Event
from tests.devlake_vectors import STATUSES, TIMES, VECTORS, Vector, vector_named

ROOT = Path(__file__).parents[2]


def a_body(**changes: Any) -> bytes:
    fields = vector_named("TASK_RUNNING").document | changes
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_every_notice_is_an_event_that_carries_devlakes_own_body(vector: Vector):
    event = Event.from_document(parse_notification(vector.raw))

    assert event.document["data"]["devlake"] == vector.body
    assert event.id == event.document["event_id"]


def test_every_notice_is_an_event_by_the_published_schema():
    schema = json.loads((ROOT / "docs" / "schemas" / "event.v1.json").read_text(encoding="utf-8"))

    for vector in VECTORS:
        Draft202012Validator(schema).validate(parse_notification(vector.raw))


def test_the_statuses_are_events_of_pipelines():
    events = {
        status.document["Status"]: parse_notification(status.raw)["event_type"]
        for status in STATUSES
    }

    assert events == {
        "TASK_CREATED": "PIPELINE_CREATED",
        "TASK_RERUN": "PIPELINE_CREATED",
        "TASK_RESUME": "PIPELINE_CREATED",
        "TASK_RUNNING": "PIPELINE_RUNNING",
        "TASK_COMPLETED": "PIPELINE_COMPLETED",
        "TASK_FAILED": "PIPELINE_FAILED",
        "TASK_CANCELLED": "PIPELINE_CANCELLED",
        "TASK_PARTIAL": "PIPELINE_PARTIAL",
    }


def test_an_end_has_all_its_times_as_written():
    assert {**parse_notification(vector_named("TASK_PARTIAL").raw), "data": ...} == {
        "pipeline_id": 39,
        "event_type": "PIPELINE_PARTIAL",
        "trigger_source": "unknown",
        "timestamp": "2024-09-05T15:28:00.389+08:00",
        "event_id": "devlake:39:PIPELINE_PARTIAL:2024-09-05T07:08:02.1Z",
        "project_name": "lake",
        "created_at": "2024-09-05T15:08:00.389+08:00",
        "updated_at": "2024-09-05T15:08:01.785+08:00",
        "began_at": "2024-09-05T15:08:02.1+08:00",
        "finished_at": "2024-09-05T15:28:00.389+08:00",
        "data": ...,
    }


@pytest.mark.parametrize(
    ("status", "changed_at"),
    [
        ("TASK_CREATED", "2024-09-05T15:08:00.389+08:00"),
        ("TASK_RERUN", "2024-09-05T15:08:01.785+08:00"),
        ("TASK_RUNNING", "2024-09-05T15:08:02.1+08:00"),
        ("TASK_FAILED", "2024-09-05T15:28:00.389+08:00"),
    ],
)
def test_the_timestamp_is_when_the_state_began(status: str, changed_at: str):
    assert parse_notification(vector_named(status).raw)["timestamp"] == changed_at


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"Status": "TASK_RUNNING", "BeganAt": None}, id="running"),
        pytest.param({"Status": "TASK_FAILED", "FinishedAt": None}, id="an end"),
    ],
)
def test_a_state_whose_own_time_is_unknown_changed_when_the_row_did(changes: dict[str, Any]):
    document = parse_notification(a_body(**changes))

    assert document["timestamp"] == document["updated_at"]


def test_fields_left_by_an_earlier_run_are_not_in_the_event():
    last_run = {"BeganAt": "2024-09-04T00:00:00Z", "FinishedAt": "2024-09-04T01:00:00Z"}

    waiting = parse_notification(a_body(Status="TASK_RERUN", **last_run))
    running = parse_notification(a_body(Status="TASK_RUNNING", FinishedAt=last_run["FinishedAt"]))

    assert not {"began_at", "finished_at"} & waiting.keys()
    assert "finished_at" not in running


def test_a_late_created_notice_that_says_running_is_the_running_one():
    late = a_body(UpdatedAt="2024-09-05T15:09:00+08:00", BeganAt="2024-09-05T07:08:02.1Z")

    assert (
        parse_notification(late)["event_id"]
        == parse_notification(vector_named("TASK_RUNNING").raw)["event_id"]
    )


def test_each_round_and_each_pipeline_of_another_database_has_ids_of_its_own():
    first, second = {"BeganAt": "2024-09-05T07:00:00Z"}, {"BeganAt": "2024-09-05T08:00:00Z"}
    life = [
        a_body(Status="TASK_CREATED", BeganAt=None),
        a_body(Status="TASK_CREATED", BeganAt=None, CreatedAt="2025-01-01T00:00:00Z"),
        *(
            a_body(Status=status, **began)
            for began in (first, second)
            for status in ("TASK_RUNNING", "TASK_FAILED", "TASK_RERUN")
        ),
    ]

    ids = [parse_notification(body)["event_id"] for body in life]

    assert len(set(ids)) == len(ids) == 8


def test_a_notice_does_not_say_who_started_its_pipeline_nor_does_its_project():
    """A project's blueprint may be started by hand, and one without a project by its schedule."""
    without, of_project = (
        parse_notification(a_body(ProjectName="")),
        parse_notification(a_body(ProjectName="湖")),
    )

    assert "project_name" not in without
    assert of_project["project_name"] == "湖"
    assert without["trigger_source"] == of_project["trigger_source"] == "unknown"
    assert parse_notification(vector_named("without a project").raw)["trigger_source"] == "unknown"


def test_the_oldest_form_is_a_task_that_has_succeeded():
    assert {**parse_notification(vector_named("of a task").raw), "data": ...} == {
        "pipeline_id": "task:39",
        "event_type": "TASK_COMPLETED",
        "trigger_source": "unknown",
        "timestamp": "2021-09-30T15:28:00.785+08:00",
        "event_id": "devlake:task:39:2021-09-30T07:28:00.785Z",
        "created_at": "2021-09-30T15:28:00.389+08:00",
        "updated_at": "2021-09-30T15:28:00.785+08:00",
        "task": {"id": 39, "plugin": "jenkins"},
        "data": ...,
    }


def test_the_websites_spelling_of_the_end_is_understood():
    body = a_body(Status="TASK_COMPLETED", FinishedAt=..., FinishedAT="2024-09-05T16:00:00Z")

    assert parse_notification(body)["finished_at"] == "2024-09-05T16:00:00Z"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "not JSON"),
        (b"\xff{}", "not UTF-8 at byte 0"),
        (b"[]", "not a JSON object but an array"),
        (b"{}", "PipelineID: not an integer"),
        (b'{"PipelineID": NaN}', "NaN is not a number"),
        (a_body(Status="TASK_LOST"), "Status: not one of TASK_CREATED, "),
        (a_body(Status=["TASK_CREATED"]), "Status: not one of"),
        (a_body(PipelineID=...), "PipelineID: not an integer from 0 to 18446744073709551615"),
        (a_body(PipelineID="39"), "PipelineID: not an integer"),
        (a_body(PipelineID=True), "PipelineID: not an integer"),
        (a_body(PipelineID=39.0), "PipelineID: not an integer"),
        (a_body(PipelineID=-1), "PipelineID: not an integer"),
        (a_body(PipelineID=2**64), "PipelineID: not an integer"),
        (a_body(ProjectName=7), "ProjectName: not a string"),
        (a_body(CreatedAt=None), "CreatedAt: not an RFC 3339 time"),
        (a_body(UpdatedAt=...), "UpdatedAt: not an RFC 3339 time"),
        (a_body(BeganAt="yesterday"), "BeganAt: not an RFC 3339 time"),
        (a_body(BeganAt=1725520080), "BeganAt: not an RFC 3339 time"),
        (a_body(UpdatedAt="2024-02-30T00:00:00Z"), "UpdatedAt: not an RFC 3339 time"),
        (a_body(UpdatedAt="2024-09-05T15:08:61Z"), "UpdatedAt: not an RFC 3339 time"),
        (b'{"TaskID": "39"}', "TaskID: not an integer"),
        (b'{"TaskID": 39}', "UpdatedAt: not an RFC 3339 time"),
    ],
)
def test_an_invalid_notice_is_refused_with_the_reason(body: bytes, complaint: str):
    with pytest.raises(InvalidNotification) as refused:
        parse_notification(body)

    assert complaint in str(refused.value)


@given(st.binary())
def test_any_body_is_a_notice_or_refused(body: bytes):
    with pytest.raises(InvalidNotification):
        parse_notification(body)


@given(
    st.dictionaries(
        st.sampled_from([*vector_named("TASK_FAILED").document, "TaskID", "FinishedAT"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([*dict(TIMES)]),
    )
)
def test_any_field_is_accepted_or_refused(changes: dict[str, Any]):
    with suppress(InvalidNotification):
        assert Event.from_document(parse_notification(a_body(**changes)))


@pytest.mark.parametrize(("time", "expected"), TIMES)
def test_a_time_is_written_as_go_writes_it(time: str, expected: str):
    assert str(GoTime.parse(time)) == expected


@pytest.mark.parametrize(
    ("time", "in_utc"),
    [
        ("2024-09-05T15:08:00.389+08:00", "2024-09-05T07:08:00.389Z"),
        ("2024-09-05t07:08:00.3890z", "2024-09-05T07:08:00.389Z"),
        ("2024-09-05 07:08:00-00:00", "2024-09-05T07:08:00Z"),
        ("2016-12-31T23:59:60.1234567891Z", "2016-12-31T23:59:59.123456789Z"),
        ("0001-01-01T00:00:00+08:00", "0001-01-01T00:00:00+08:00"),
    ],
)
def test_the_id_of_a_time_does_not_depend_on_its_offset(time: str, in_utc: str):
    assert GoTime.parse(time).in_utc == in_utc
