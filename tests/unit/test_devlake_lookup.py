"""Look-ups of the ingress at DevLake's API, which never delay or lose a notice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pytest

from lakehook.adapters.devlake.client import QUIET_SECONDS, DevLakeDetails
from lakehook.domain.devlake.notification import PipelineRow
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.errors import DevlakeUnavailable, InfrastructureError, InvalidInput, NotDevlake
from lakehook.domain.json_document import Document
from tests.devlake.port import FakeDevlake
from tests.devlake.rows import a_task, shown
from tests.fakes import FakeClock

SOURCE = DevLakeSource(api_url="http://devlake:8080")
STAGING = DevLakeSource("staging", api_url="http://staging:8080")
FAILED = shown(39, "TASK_FAILED", blueprintId=7, message="oh", totalTasks=2, finishedTasks=2)
TASKS = [a_task(2, "TASK_COMPLETED"), a_task(1, message="401")]
LASTING = {"trigger_source": "blueprint:7", "pipeline_name": "nightly", "total_tasks": 2}


def noticed(row: Document, source: str | None = None) -> Document:
    """Fields of the notice that DevLake would send for the row."""
    document = PipelineRow.parse(row).to_event("", source=source).document
    return {name: document[name] for name in document if name not in LASTING}


@dataclass
class Ingress:
    devlake: FakeDevlake = field(default_factory=FakeDevlake)
    staging: FakeDevlake = field(default_factory=FakeDevlake)
    clock: FakeClock = field(default_factory=FakeClock)
    warnings: list[tuple[str | None, str]] = field(default_factory=list)
    connected: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.devlake.pipelines, self.devlake.tasks = [FAILED], {39: TASKS}
        self.details = DevLakeDetails(self.connect, self.clock.now, self.warn)

    def connect(self, source: DevLakeSource) -> FakeDevlake:
        self.connected.append(source.name)
        return self.staging if source.name else self.devlake

    def warn(self, source: str | None, reason: str) -> None:
        self.warnings.append((source, reason))

    def look_up(self, row: Document = FAILED, source: DevLakeSource = SOURCE) -> Document:
        return self.details.of_event(source, noticed(row, source.name))


@pytest.fixture
def ingress() -> Ingress:
    return Ingress()


def test_a_failure_has_the_details_of_its_tasks(ingress: Ingress):
    details = ingress.look_up()

    assert details == LASTING | {
        "message": "oh",
        "finished_tasks": 2,
        "spent_seconds": 600,
        "failed_tasks": [{"id": 1, "plugin": "gitlab", "status": "TASK_FAILED", "message": "401"}],
    }
    assert ingress.warnings == []


@pytest.mark.parametrize(
    ("status", "task_reads"),
    [
        ("TASK_CREATED", []),
        ("TASK_RUNNING", []),
        ("TASK_COMPLETED", []),
        ("TASK_CANCELLED", []),
        ("TASK_FAILED", [39]),
        ("TASK_PARTIAL", [39]),
    ],
)
def test_tasks_are_read_only_of_failed_pipelines(
    ingress: Ingress, status: str, task_reads: list[int]
):
    row = FAILED | {"status": status}
    ingress.devlake.pipelines = [row]

    assert ingress.look_up(row).items() >= LASTING.items()
    assert list(ingress.devlake.tasks_asked) == task_reads


def test_no_tasks_are_read_of_a_row_in_a_later_state(ingress: Ingress):
    earlier = FAILED | {"beganAt": "2026-01-01T11:05:00Z"}

    assert ingress.look_up(earlier) == LASTING
    assert list(ingress.devlake.tasks_asked) == []


def test_a_pipeline_that_devlake_does_not_know_yet_is_no_failure(ingress: Ingress):
    ingress.devlake.pipelines = []
    assert ingress.look_up() == {}

    ingress.devlake.pipelines = [FAILED]
    assert ingress.look_up().items() >= LASTING.items()
    assert ingress.warnings == []


def test_each_source_has_its_own_api(ingress: Ingress):
    ingress.staging.pipelines = [FAILED | {"name": "of staging"}]

    assert ingress.look_up()["pipeline_name"] == "nightly"
    assert ingress.look_up(source=STAGING)["pipeline_name"] == "of staging"
    assert ingress.look_up(source=STAGING)["pipeline_name"] == "of staging"
    assert ingress.connected == [None, "staging"]


def test_without_an_api_or_of_the_oldest_notices_nothing_is_asked(ingress: Ingress):
    nowhere = DevLakeSource(ui_url="http://devlake:4000")

    assert ingress.look_up(source=nowhere) == {}
    assert ingress.details.of_event(SOURCE, noticed(FAILED) | {"pipeline_id": "task:7"}) == {}
    assert ingress.connected == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            DevlakeUnavailable("DevLake is unavailable: no connection"),
            "DevLake is unavailable: no connection",
        ),
        (NotDevlake("not JSON"), "not JSON"),
        (InvalidInput("401"), "401"),
        (InfrastructureError("Secrets Manager is away"), "Secrets Manager is away"),
        (KeyError("s3cret"), "unexpected: KeyError"),
    ],
)
def test_after_a_failure_a_source_is_left_alone_for_a_while_and_only_that_one(
    ingress: Ingress, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
):
    def fail(_: int) -> NoReturn:
        raise error

    ingress.staging.pipelines = [FAILED]
    monkeypatch.setattr(ingress.devlake, "pipeline", fail)
    assert [ingress.look_up(), ingress.look_up()] == [{}, {}]
    assert ingress.warnings == [(None, reason)]
    assert ingress.look_up(source=STAGING).items() >= LASTING.items()
    monkeypatch.undo()

    ingress.clock.sleep(QUIET_SECONDS - 1)
    assert ingress.look_up() == {}
    ingress.clock.sleep(1)
    assert ingress.look_up().items() >= LASTING.items()


@pytest.mark.parametrize(
    "changes",
    [
        {"blueprintId": None},
        {"blueprintId": "7"},
        {"blueprintId": True},
        {"blueprintId": -1},
        {"blueprintId": 2**64},
        {"status": "TASK_PONDERING"},
        {"createdAt": None},
    ],
)
def test_an_invalid_row_is_a_warning_and_left_out(ingress: Ingress, changes: dict[str, Any]):
    ingress.devlake.pipelines = [FAILED | changes]

    assert ingress.look_up() == {}
    ((_, reason),) = ingress.warnings
    assert reason.startswith("its response is not a pipeline of DevLake: ")


def test_if_only_the_tasks_cannot_be_read_the_details_of_the_row_are_used(
    ingress: Ingress, monkeypatch: pytest.MonkeyPatch
):
    def fail(_: int) -> Sequence[Document]:
        raise DevlakeUnavailable("DevLake answered 500 to GET /pipelines/39/tasks")

    monkeypatch.setattr(ingress.devlake, "tasks_of", fail)

    details = ingress.look_up()

    assert details["message"] == "oh"
    assert "failed_tasks" not in details
    assert ingress.warnings == [(None, "DevLake answered 500 to GET /pipelines/39/tasks")]
