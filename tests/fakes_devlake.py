"""A stand-in for DevLake's REST API."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from lakehook.domain.devlake.api_address import ApiAddress
from lakehook.domain.document import Document
from lakehook.domain.errors import DevlakeAway

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


@dataclass
class FakeDevlake:
    pipelines: list[Document] = field(default_factory=list)
    projects: dict[int, str] = field(default_factory=dict)
    page_size: int = 50
    away: bool = False
    reached: list[ApiAddress] = field(default_factory=list)
    pages_read: int = 0
    projects_asked: list[int] = field(default_factory=list)

    def reach(self, address: ApiAddress) -> Self:
        self.reached.append(address)
        return self

    def page(self, number: int) -> Sequence[Document]:
        self._be_there()
        self.pages_read += 1
        newest_first = sorted(self.pipelines, key=lambda one: -one["id"])
        return newest_first[(number - 1) * self.page_size : number * self.page_size]

    def project_of(self, blueprint_id: int) -> str:
        self._be_there()
        self.projects_asked.append(blueprint_id)
        return self.projects.get(blueprint_id, "")

    def _be_there(self) -> None:
        if self.away:
            raise DevlakeAway("DevLake is away: no connection")
