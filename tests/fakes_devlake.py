"""A stand-in for DevLake's REST API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from lakehook.domain.devlake.api_address import ApiAddress
from lakehook.domain.document import Document
from lakehook.domain.errors import DevlakeAway

VERSION = "420e494@scratch"
PENDING = ("TASK_CREATED", "TASK_RERUN", "TASK_RUNNING")
CREATED_AT, BEGAN_AT = "2026-01-01T11:00:00.125Z", "2026-01-01T11:10:00Z"
FINISHED_AT, UPDATED_AT = "2026-01-01T11:20:00Z", "2026-01-01T11:20:00.004Z"


def shown(number: int, status: str = "TASK_COMPLETED", **changes: Any) -> Document:
    """A pipeline that began and has ended, as DevLake's REST API shows it."""
    return {
        "id": number,
        "createdAt": CREATED_AT,
        "updatedAt": UPDATED_AT,
        "name": "nightly",
        "blueprintId": 0,
        "plan": [[{"plugin": "gitlab", "subtasks": [], "options": {"projectId": 1}}]],
        "totalTasks": 1,
        "finishedTasks": 1,
        "beganAt": BEGAN_AT,
        "finishedAt": FINISHED_AT,
        "status": status,
        "message": "",
        "errorName": "",
        "spentSeconds": 600,
        "stage": 1,
        "labels": [],
        "priority": 0,
        "skipOnFail": False,
    } | changes


def a_task(number: int, status: str = "TASK_FAILED", **changes: Any) -> Document:
    """A task as DevLake's REST API shows it: see tests/vectors/devlake/rest."""
    return {
        "id": number,
        "createdAt": CREATED_AT,
        "updatedAt": UPDATED_AT,
        "plugin": "gitlab",
        "subtasks": None,
        "options": {"projectId": 1},
        "status": status,
        "message": "",
        "errorName": "",
        "progress": 0,
        "progressDetail": None,
        "failedSubTask": "",
        "pipelineId": 39,
        "pipelineRow": 1,
        "pipelineCol": number,
        "beganAt": BEGAN_AT,
        "finishedAt": FINISHED_AT,
        "spentSeconds": 1,
    } | changes


def is_pending(row: Mapping[str, Any]) -> bool:
    """As ``GetDbPipelines`` selects with ``pending=1``."""
    return row["finishedAt"] is None and row["status"] in PENDING


@dataclass
class FakeDevlake:
    pipelines: list[Document] = field(default_factory=list)
    projects: dict[int, str] = field(default_factory=dict)
    page_size: int = 50
    away: bool = False
    reached: list[ApiAddress] = field(default_factory=list)
    pages_read: int = 0
    projects_asked: list[int] = field(default_factory=list)
    tasks: dict[int, list[Document]] = field(default_factory=dict)  # by pipeline
    tasks_asked: list[int] = field(default_factory=list)

    def reach(self, address: ApiAddress) -> Self:
        self.reached.append(address)
        return self

    def page(self, number: int, *, pending: bool = False) -> Sequence[Document]:
        self._be_there()
        self.pages_read += 1
        rows = [row for row in self.pipelines if not pending or is_pending(row)]
        newest_first = sorted(rows, key=lambda row: -row["id"])
        return newest_first[(number - 1) * self.page_size : number * self.page_size]

    def pipeline(self, pipeline_id: int) -> Document | None:
        self._be_there()
        return next((row for row in self.pipelines if row["id"] == pipeline_id), None)

    def tasks_of(self, pipeline_id: int) -> Sequence[Document]:
        self._be_there()
        self.tasks_asked.append(pipeline_id)
        return self.tasks.get(pipeline_id, [])

    def version(self) -> str:
        self._be_there()
        return VERSION

    def project_of(self, blueprint_id: int) -> str:
        self._be_there()
        self.projects_asked.append(blueprint_id)
        return self.projects.get(blueprint_id, "")

    def _be_there(self) -> None:
        if self.away:
            raise DevlakeAway("DevLake is away: no connection")


@dataclass
class FakeApiCredentials:
    """What is stored is seen when it is read ``fresh``."""

    stored: Mapping[str, str] = field(default_factory=dict)
    read_fresh: int = 0
    _seen: Mapping[str, str] | None = None

    def headers(self, *, fresh: bool = False) -> Mapping[str, str]:
        self.read_fresh += fresh
        if fresh or self._seen is None:
            self._seen = self.stored
        return self._seen
