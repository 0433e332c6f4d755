"""A row of DevLake's REST API gives the event that the ingress makes of the notice."""

from typing import Any

import pytest

from lakehook.domain.devlake.notification import PipelineRow, parse_notification
from lakehook.domain.errors import InvalidNotification
from tests.devlake.rows import CREATED_AT, shown
from tests.devlake_vectors import VECTORS, Vector, vector_named

OF_PIPELINES = [vector for vector in VECTORS if "ProjectName" in vector.document]


def as_shown(notice: dict[str, Any], blueprint: int = 0) -> dict[str, Any]:
    """The row of a notice as DevLake's REST API would show it."""
    return shown(
        notice["PipelineID"],
        notice["Status"],
        createdAt=notice["CreatedAt"],
        updatedAt=notice["UpdatedAt"],
        beganAt=notice["BeganAt"],
        finishedAt=notice["FinishedAt"],
        blueprintId=blueprint,
    )


@pytest.mark.parametrize("vector", OF_PIPELINES, ids=lambda of_pipeline: of_pipeline.name)
def test_the_event_is_that_of_the_notice_that_go_writes_to_the_last_byte(vector: Vector):
    project = vector.document["ProjectName"]

    event = PipelineRow.parse(as_shown(vector.document)).to_event(project)

    notice = {**parse_notification(vector.raw), "trigger_source": "manual"}
    assert {name: event.document.get(name) for name in notice} == notice
    assert event.document["data"]["devlake"] == vector.body


def test_the_blueprint_is_the_trigger():
    row = PipelineRow.parse(shown(39, blueprintId=7))

    assert row.to_event("payments").document["trigger_source"] == "blueprint:7"
    assert row.to_event("").document["trigger_source"] == "blueprint:7"
    assert PipelineRow.parse(shown(39)).to_event("").document["trigger_source"] == "manual"


def test_a_row_of_a_named_source_is_the_event_that_its_notice_was():
    body = vector_named("TASK_FAILED")
    row = PipelineRow.parse(as_shown(body.document))

    event = row.to_event(body.document["ProjectName"], source="staging")

    assert event.pipeline_key == "staging/39"
    assert event.id == parse_notification(body.raw, "staging")["event_id"] != row.to_event("").id


@pytest.mark.parametrize(
    ("status", "changes", "changed_at"),
    [
        ("TASK_CREATED", {"beganAt": None, "finishedAt": None, "updatedAt": CREATED_AT}, 3600),
        ("TASK_RUNNING", {"finishedAt": None, "updatedAt": CREATED_AT}, 3000),
        ("TASK_FAILED", {"updatedAt": CREATED_AT}, 2400),
        ("TASK_FAILED", {"updatedAt": CREATED_AT, "finishedAt": None}, 3000),
        ("TASK_RERUN", {}, 2400),
    ],
)
def test_a_row_has_changed_at_the_latest_of_its_times(
    status: str, changes: dict[str, Any], changed_at: int
):
    noon = 1_767_268_800

    row = PipelineRow.parse(shown(39, status, **changes))

    assert noon - row.changed_at == pytest.approx(changed_at, abs=0.2)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"status": "TASK_PONDERING"}, "Status: not one of"),
        ({"status": None}, "Status: not one of"),
        ({"id": "39"}, "PipelineID: not an integer"),
        ({"id": None}, "PipelineID: not an integer"),
        ({"createdAt": "yesterday"}, "CreatedAt: not an RFC 3339 time"),
        ({"updatedAt": None}, "UpdatedAt: not an RFC 3339 time"),
        ({"beganAt": 7}, "BeganAt: not an RFC 3339 time"),
        ({"blueprintId": None}, "blueprintId: not an integer from 0 to"),
        ({"blueprintId": True}, "blueprintId: not an integer from 0 to"),
        ({"blueprintId": -1}, "blueprintId: not an integer from 0 to"),
        ({"blueprintId": 2**64}, "blueprintId: not an integer from 0 to"),
        ({"id": 0}, "id: not 1 or more"),
    ],
)
def test_a_row_that_no_notice_could_have_is_refused(changes: dict[str, Any], complaint: str):
    with pytest.raises(InvalidNotification, match=complaint):
        PipelineRow.parse(shown(39) | changes)
