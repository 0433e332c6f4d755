"""Responses of a real DevLake are read: see tests/outside/devlake/rest."""

import pytest

from lakehook.adapters.devlake.rest import ApiResponse, RestDevLake
from lakehook.domain.devlake.notification import PipelineRow
from lakehook.domain.errors import NotDevlake
from lakehook.domain.json_document import parse_json_object
from tests.outside import OUTSIDE

RECORDED = OUTSIDE / "devlake" / "rest"
NOT_FOUND, BAD_REQUEST = 404, 400


def recorded(name: str, status: int = 200) -> RestDevLake:
    body = (RECORDED / f"{name}.json").read_bytes()
    return RestDevLake(lambda _: ApiResponse(status, body))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("pipelines-page-1", 50),
        ("pipelines-page-4", 17),
        ("pipelines-page-99", 0),
        ("pipelines-pending", 4),
        ("pipelines-status-failed", 5),
        ("pipelines-of-blueprint", 1),
    ],
)
def test_every_recorded_pipeline_is_a_row(name: str, count: int):
    rows = [PipelineRow.parse(row) for row in recorded(name).page(1)]

    assert len(rows) == count
    assert [row.id for row in rows] == sorted((row.id for row in rows), reverse=True)


@pytest.mark.parametrize(
    ("status", "number", "tasks"),
    [
        ("TASK_RUNNING", 168, [180]),
        ("TASK_COMPLETED", 167, [179]),
        ("TASK_FAILED", 119, [131]),
        ("TASK_PARTIAL", 170, [183, 182]),
    ],
)
def test_each_state_has_its_row_and_its_tasks(status: str, number: int, tasks: list[int]):
    row = recorded(f"pipeline-{status}").pipeline(number)

    assert row
    assert (row["id"], row["status"]) == (number, status)
    task_rows = recorded(f"pipeline-{status}-tasks").tasks_of(number)
    assert [task["id"] for task in task_rows] == tasks


def test_a_missing_pipeline_is_none():
    assert recorded("pipeline-404", NOT_FOUND).pipeline(99999) is None
    assert list(recorded("pipeline-404", NOT_FOUND).tasks_of(99999)) == []
    assert recorded("blueprint-3", NOT_FOUND).project_of(3) == ""


def test_a_response_about_another_pipeline_is_refused():
    with pytest.raises(NotDevlake, match="GET /pipelines/118 has another id: 119"):
        recorded("pipeline-TASK_FAILED").pipeline(118)
    with pytest.raises(NotDevlake, match="GET /pipelines/118/tasks has another pipelineId: 119"):
        recorded("pipeline-TASK_FAILED-tasks").tasks_of(118)
    with pytest.raises(NotDevlake, match="GET /blueprints/2 has another id: 1"):
        recorded("blueprint-1").project_of(2)


def test_a_refusal_is_no_pipeline():
    with pytest.raises(NotDevlake, match="400 to GET /pipelines/1"):
        recorded("pipeline-400", BAD_REQUEST).pipeline(1)


def test_a_blueprint_has_its_project():
    document = parse_json_object((RECORDED / "blueprint-1.json").read_text(encoding="utf-8"))

    assert recorded("blueprint-1").project_of(1) == document["projectName"]
    assert "湖" in document["projectName"]


def test_the_version_is_read():
    assert recorded("version").version() == "420e494@scratch"
