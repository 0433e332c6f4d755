"""DevLake's rows as Go writes them: to the REST API whole, into a notice seven fields of them.

The order of the keys is that of core/models/{pipeline,task,blueprint}.go and of
services/pipeline_notification.go.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Row = dict[str, Any]

CREATED, RERUN, RESUME, RUNNING = "TASK_CREATED", "TASK_RERUN", "TASK_RESUME", "TASK_RUNNING"
COMPLETED, FAILED, CANCELLED = "TASK_COMPLETED", "TASK_FAILED", "TASK_CANCELLED"
PARTIAL = "TASK_PARTIAL"

WAITING = (CREATED, RERUN, RESUME)
"""What the queue takes next (services/pipeline.go dequeuePipeline)."""

PENDING = (CREATED, RERUN, RUNNING)
"""``PendingTaskStatus``: without TASK_RESUME (core/models/task.go)."""

CREATED_AT, BEGAN_AT = "2026-01-01T11:00:00.125Z", "2026-01-01T11:10:00Z"
FINISHED_AT, UPDATED_AT = "2026-01-01T11:20:00Z", "2026-01-01T11:20:00.004Z"

_GO_ESCAPES = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
_NOTICE = {
    "PipelineID": "id",
    "CreatedAt": "createdAt",
    "UpdatedAt": "updatedAt",
    "BeganAt": "beganAt",
    "FinishedAt": "finishedAt",
    "Status": "status",
}


@dataclass
class Tables:
    """Each by its primary key; the keys of tasks and notifications count from 1."""

    pipelines: dict[int, Row] = field(default_factory=dict)
    tasks: dict[int, Row] = field(default_factory=dict)
    blueprints: dict[int, Row] = field(default_factory=dict)

    def tasks_of(self, pipeline_id: int) -> list[Row]:
        """The latest of each place in the plan, the newest first (GetTasksWithLastStatus)."""
        latest: dict[tuple[int, int], Row] = {}
        for task in sorted([*self.tasks.values()], key=lambda task: -task["id"]):
            if task["pipelineId"] == pipeline_id:
                latest.setdefault((task["pipelineRow"], task["pipelineCol"]), task)
        return list(latest.values())


def go_json(value: Any) -> str:
    """``encoding/json``: no spaces, UTF-8 as it is, and what HTML could misread escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "".join(_GO_ESCAPES.get(character, character) for character in text)


def go_time(moment: datetime, digits: int = 3) -> str:
    """RFC 3339 without trailing zeros; MySQL keeps 3 digits of a second, PostgreSQL 6 (seen)."""
    fraction = f"{moment.microsecond:06}"[:digits].rstrip("0")
    whole = moment.replace(microsecond=0).isoformat()
    seconds, offset = whole[:19], whole[19:].replace("+00:00", "Z")
    return f"{seconds}.{fraction}{offset}" if fraction else f"{seconds}{offset}"


def notice_of(row: Row, project: str | None) -> str:
    """The body of a notice; ``None`` for a release whose notices have no project."""
    fields = {} if project is None else {"ProjectName": project}
    return go_json(fields | {name: row[column] for name, column in _NOTICE.items()})


def planned_task(*, fail: bool = False, seconds: float = 1) -> Row:
    """A task of a plan, for the plugin that was run when DevLake was watched."""
    return {"plugin": "sleeper", "subtasks": None, "options": {"fail": fail, "seconds": seconds}}


def shown(number: int, status: str = COMPLETED, **changes: Any) -> Row:
    """Build a row of ``_devlake_pipelines`` that began and ended, unless ``changes`` differ."""
    return {
        "id": number,
        "createdAt": CREATED_AT,
        "updatedAt": UPDATED_AT,
        "name": "nightly",
        "blueprintId": 0,
        "plan": [[planned_task()]],
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
        "timeAfter": None,
        "skipCollectors": False,
        "fullSync": False,
    } | changes


def waiting_pipeline(number: int, at: str, **changes: Any) -> Row:
    """Build a row as ``CreateDbPipeline`` inserts it (services/pipeline_helper.go)."""
    fresh = {
        "createdAt": at,
        "updatedAt": at,
        "finishedTasks": 0,
        "beganAt": None,
        "finishedAt": None,
        "spentSeconds": 0,
        "stage": 0,
    }
    return shown(number, CREATED, **fresh) | changes


def a_task(number: int, status: str = FAILED, **changes: Any) -> Row:
    """A row of ``_devlake_tasks`` that began and has ended, if ``changes`` say nothing else."""
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


def waiting_task(number: int, at: str, pipeline_id: int, place: tuple[int, int], plan: Row) -> Row:
    """Build a row as ``createTask`` inserts it (services/task.go)."""
    fresh = {"createdAt": at, "updatedAt": at, "beganAt": None, "finishedAt": None}
    where = {"pipelineId": pipeline_id, "pipelineRow": place[0], "pipelineCol": place[1]}
    return a_task(number, CREATED, spentSeconds=0, **fresh | where | plan)


def a_blueprint(number: int, project: str = "", **changes: Any) -> Row:
    """A row of ``_devlake_blueprints``; one without a project was made in the advanced mode."""
    return {
        "name": f"{project}-Blueprint",
        "projectName": project,
        "mode": "NORMAL" if project else "ADVANCED",
        "plan": [[planned_task()]],
        "enable": True,
        "cronConfig": "0 0 * * *",
        "isManual": False,
        "beforePlan": None,
        "afterPlan": None,
        "labels": [],
        "connections": [],
        "priority": 0,
        "skipOnFail": False,
        "timeAfter": None,
        "skipCollectors": False,
        "fullSync": False,
        "id": number,
        "createdAt": CREATED_AT,
        "updatedAt": CREATED_AT,
    } | changes
