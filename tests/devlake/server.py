"""DevLake's server: the states of its pipelines, and the notifications that it posts."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import count
from threading import Event, Lock, RLock, Thread
from typing import Any

from tests.devlake import failures
from tests.devlake.notices import Notification, a_nonce
from tests.devlake.releases import MYSQL, NEWEST, Database, Release
from tests.devlake.rest import RestApi
from tests.devlake.rows import (
    CANCELLED,
    COMPLETED,
    FAILED,
    PARTIAL,
    RERUN,
    RESUME,
    RUNNING,
    WAITING,
    Row,
    Tables,
    a_blueprint,
    go_time,
    notice_of,
    planned_task,
    waiting_pipeline,
    waiting_task,
)

Plan = Sequence[Sequence[Row]]
ONE_TASK: Plan = ((planned_task(),),)

_PROGRESS = {
    "totalSubTasks": 1,
    "finishedSubTasks": 0,
    "totalRecords": 0,
    "finishedRecords": 0,
    "subTaskName": "sleep",
    "subTaskNumber": 1,
    "collectSubtaskNumber": 0,
    "otherSubtaskNumber": 0,
}
"""Of a task that runs, and of no other (seen)."""

_first_ids = count(900_001, 1000)
"""Several servers may post to one Lakehook: unless a test says so, no two share an id."""


class Refused(Exception):
    """Error that DevLake answers with 400."""


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass
class Clock:
    """The time of one server; no two of its rows have the same."""

    zone: tzinfo
    seconds: Callable[[], float] = time.time
    _last: datetime = _LONG_AGO
    _lock: Lock = field(default_factory=Lock)

    def now(self) -> datetime:
        with self._lock:
            now = datetime.fromtimestamp(self.seconds(), UTC)
            self._last = max(now, self._last + timedelta(milliseconds=1))
            return self._last.astimezone(self.zone)


@dataclass
class DevLake:
    """Steps are taken when a test says so; a real one takes the next pipeline each second.

    Each notice is posted once, and what came back is written down (seen).
    """

    endpoint: str = ""
    secret: str = field(default="", repr=False)
    release: Release = NEWEST
    database: Database = MYSQL
    resume_pipelines: bool = True  # RESUME_PIPELINES (core/config/config_viper.go)
    zone: tzinfo = UTC
    first_id: int = field(default_factory=lambda: next(_first_ids))
    tables: Tables = field(default_factory=Tables)
    notifications: list[Notification] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rest = RestApi(self.tables)
        self._clock = Clock(self.zone)
        self._pipeline_ids, self._blueprint_ids = count(self.first_id), count(self.first_id)
        self._goroutines: list[Thread] = []
        self._lock = RLock()

    # --- what its users do ---

    def add_blueprint(self, project: str = "", **columns: Any) -> int:
        with self._lock:
            number, now = next(self._blueprint_ids), self._now()
            times = {"createdAt": now, "updatedAt": now}
            self.tables.blueprints[number] = a_blueprint(number, project, **times | columns)
        return number

    def delete_blueprint(self, blueprint_id: int) -> None:
        """Delete a blueprint; its pipelines stay (services/blueprint.go DeleteBlueprint; seen)."""
        with self._lock:
            self._refuse_pending(blueprint_id)
            del self.tables.blueprints[blueprint_id]

    def create(
        self,
        blueprint_id: int = 0,
        *,
        plan: Plan = ONE_TASK,
        scheduled: Event | None = None,
        **columns: Any,
    ) -> int:
        """Create a pipeline by hand, cron or API: no row says which (services/blueprint.go).

        A goroutine posts the notice, at once or when it is ``scheduled``. It is started inside the
        transaction: on PostgreSQL one that runs at once finds no row (seen, 53 times of 58).
        """
        with self._lock:
            self._refuse_pending(blueprint_id)
            pipeline_id = self._insert(blueprint_id, [list(stage) for stage in plan], columns)
        if self.release.posts_beginnings:
            self._announce(pipeline_id, scheduled)
        return pipeline_id

    def cancel(self, pipeline_id: int) -> None:
        """Cancel a pipeline; a waiting one ends without a post (services/pipeline.go; seen)."""
        with self._lock:
            row = self.tables.pipelines[pipeline_id]
            is_running = row["status"] == RUNNING
            if not is_running:
                for waiting in (row, *self.tables.tasks_of(pipeline_id)):
                    self._update(waiting, status=CANCELLED)
        if is_running:
            self._end(pipeline_id, self._cancel_tasks)

    def rerun(self, pipeline_id: int) -> None:
        """Rerun all tasks that have not succeeded; nothing is posted (RerunPipeline; seen)."""
        with self._lock:
            row, tasks = self.tables.pipelines[pipeline_id], self.tables.tasks_of(pipeline_id)
            unsuccessful = [task for task in tasks if task["status"] != COMPLETED]
            if row["status"] in (*WAITING, RUNNING):
                raise Refused("pipeline is running, or waiting to run")
            if not unsuccessful:
                raise Refused("no tasks to be re-ran")
            for task in unsuccessful:
                self._update(task, status=FAILED)
                plan = {name: task[name] for name in ("plugin", "subtasks", "options")}
                place = (task["pipelineRow"], task["pipelineCol"])
                self._insert_task(pipeline_id, place, plan)["status"] = RERUN
            self._update(row, status=RERUN)

    def restart(self) -> None:
        """Rows are changed, nothing is posted (services/pipeline.go markInterruptedPipelineAs)."""
        status = RESUME if self.resume_pipelines else FAILED
        with self._lock:
            for row in (*self.tables.pipelines.values(), *self.tables.tasks.values()):
                if row["status"] == RUNNING:
                    self._update(row, status=status)

    # --- what it does by itself ---

    def run(self, pipeline_id: int) -> None:
        """Take it from the queue, and post so before any of its tasks is run (seen).

        ``began_at`` is new, ``finished_at`` stays what an earlier run left (dequeuePipeline; seen).
        """
        with self._lock:
            row = self.tables.pipelines[pipeline_id]
            assert row["status"] in WAITING, f"{pipeline_id} does not wait: {row['status']}"
            before = dict(row)
            self._update(row, status=RUNNING, message="", beganAt=self._now())
        if self.release.posts_beginnings:
            sees_commit = self.database.locks_tables or not self.release.starts_before_commit
            self._notify(pipeline_id, row if sees_commit else before)
        with self._lock:
            self._begin_stage(row, 1)

    def end(self, pipeline_id: int, *, failing: int = 0) -> None:
        """Run its tasks; so many of them fail, the first ones."""
        self._end(pipeline_id, lambda row: self._run_stages(row, failing))

    def live(self, pipeline_id: int, *, failing: int = 0) -> None:
        """A whole run."""
        self.run(pipeline_id)
        self.end(pipeline_id, failing=failing)

    def join(self) -> None:
        """Return when every goroutine has come to its end."""
        for goroutine in self._goroutines:
            goroutine.join()

    @property
    def answers(self) -> list[int]:
        """The ``response_code`` of each notification; 0 where there was no answer (seen)."""
        return [notification.response_code for notification in self.notifications]

    # --- rows ---

    def _refuse_pending(self, blueprint_id: int) -> None:
        for row in self.tables.pipelines.values():
            if row["blueprintId"] == blueprint_id != 0 and row["status"] in (*WAITING, RUNNING):
                raise Refused("there are pending pipelines of current blueprint already")

    def _insert(self, blueprint_id: int, plan: list[list[Row]], columns: Mapping[str, Any]) -> int:
        number, now = next(self._pipeline_ids), self._now()
        blueprint = self.tables.blueprints[blueprint_id] if blueprint_id else {}
        blueprint_columns = {
            name: blueprint[name] for name in ("name", "labels", "skipOnFail") if blueprint
        }
        counts = {"plan": plan, "totalTasks": sum(map(len, plan)), "blueprintId": blueprint_id}
        row = waiting_pipeline(number, now, **counts | blueprint_columns | columns)
        self.tables.pipelines[number] = row
        for stage, column, task in _places(plan):
            self._insert_task(number, (stage, column), task)
        self._update(row)
        return number

    def _insert_task(self, pipeline_id: int, place: tuple[int, int], plan: Row) -> Row:
        number = len(self.tables.tasks) + 1
        task = waiting_task(number, self._now(), pipeline_id, place, plan)
        self.tables.tasks[number] = task
        return task

    def _update(self, row: Row, **columns: Any) -> None:
        """Each update is one of ``updated_at`` too (impls/dalgorm/dalgorm.go; seen)."""
        row.update(columns, updatedAt=self._now())

    def _begin_stage(self, row: Row, stage: int) -> list[Row]:
        """Stage by stage, the tasks of one all at once (core/runner/run_pipeline.go)."""
        tasks = [
            task
            for task in reversed(self.tables.tasks_of(row["id"]))
            if task["pipelineRow"] == stage and task["status"] in (*WAITING, RUNNING)
        ]
        self._update(row, status=RUNNING, stage=stage)
        for task in tasks:
            began = task["beganAt"] or self._now()  # core/runner/run_task.go
            self._update(task, status=RUNNING, message="", beganAt=began)
            task["progressDetail"] = dict(_PROGRESS)
        return tasks

    def _end(self, pipeline_id: int, work: Callable[[Row], Mapping[str, Any]]) -> None:
        """``work`` returns the columns of its error, if any (services/pipeline_runner.go)."""
        with self._lock:
            row = self.tables.pipelines[pipeline_id]
            assert row["status"] == RUNNING, f"{pipeline_id} does not run: {row['status']}"
            error, finished = work(row), self._now()
            times = {"finishedAt": finished, "spentSeconds": _seconds(row["beganAt"], finished)}
            self._update(row, **{"status": self._status(row), **times, **error})
        self._notify(pipeline_id, row)

    def _run_stages(self, row: Row, failing: int) -> Mapping[str, Any]:
        """Run the stages; without ``skip_on_fail`` none after one in which a task has failed."""
        failed: list[Row] = []
        for stage in range(1, len(row["plan"]) + 1):
            for task in self._begin_stage(row, stage):
                fails = len(failed) < failing
                self._finish(row, task, FAILED if fails else COMPLETED)
                failed += [task] if fails else []
            if failed and not row["skipOnFail"]:
                return failures.of_pipeline(row["id"], failed[0])
        return {}

    def _cancel_tasks(self, row: Row) -> Mapping[str, Any]:
        running = [task for task in self.tables.tasks_of(row["id"]) if task["status"] == RUNNING]
        for task in running:
            self._finish(row, task, self.release.cancelled)
        status = {"status": CANCELLED} if self.release.cancelled == CANCELLED else {}
        return {**failures.of_cancelled_pipeline(row["id"], running[0]), **status}

    def _finish(self, row: Row, task: Row, status: str) -> None:
        """However it ended it counts: after reruns more than there are (run_task.go; seen)."""
        finished = self._now()
        task |= {"progress": int(status == COMPLETED), "progressDetail": None}
        times = {"finishedAt": finished, "spentSeconds": _seconds(task["beganAt"], finished)}
        self._update(task, **{"status": status, **times, **failures.of_task(task, status)})
        self._update(row, finishedTasks=row["finishedTasks"] + 1)

    def _status(self, row: Row) -> str:
        """``ComputePipelineStatus``, by the latest tasks (services/pipeline_runner.go)."""
        statuses = {task["status"] for task in self.tables.tasks_of(row["id"])}
        if not statuses & {FAILED, CANCELLED}:
            return COMPLETED
        return PARTIAL if row["skipOnFail"] and COMPLETED in statuses else FAILED

    # --- notices ---

    def _announce(self, pipeline_id: int, scheduled: Event | None) -> None:
        if scheduled:
            goroutine = Thread(target=self._notify_when, args=(scheduled, pipeline_id), daemon=True)
            self._goroutines.append(goroutine)
            goroutine.start()
        elif self.database.locks_tables:
            self._notify_when(None, pipeline_id)
        else:
            self.log.append(f"pipeline #{pipeline_id}: pipeline not found (404)")

    def _notify_when(self, scheduled: Event | None, pipeline_id: int) -> None:
        if scheduled:
            scheduled.wait()
        self._notify(pipeline_id, self.tables.pipelines[pipeline_id])

    def _notify(self, pipeline_id: int, row: Row) -> None:
        """``NotifyExternal`` says what the row is by then, whatever it was called for (seen)."""
        with self._lock:
            project = self._project_of(row)
            if project is None and self.release.names_project:
                self.log.append(f"pipeline #{pipeline_id}: blueprint not found (404)")
                return
            notification = Notification(
                id=len(self.notifications) + 1,
                endpoint=self.endpoint,
                nonce=a_nonce(self.release.alphabet),
                data=notice_of(row, project if self.release.names_project else None),
                secret=self.secret,
            )
            self.notifications.append(notification)
        if not notification.post():
            self.log.append(f"pipeline #{pipeline_id}: failed to send notification")

    def _project_of(self, row: Row) -> str | None:
        """None of a blueprint that was deleted; DevLake is silent from then on (seen)."""
        if not row["blueprintId"] and not self.release.needs_blueprint:
            return ""
        blueprint = self.tables.blueprints.get(row["blueprintId"])
        return blueprint and blueprint["projectName"]

    def _now(self) -> str:
        return go_time(self._clock.now(), self.database.digits)


def _places(plan: Plan) -> Iterator[tuple[int, int, Row]]:
    for stage, tasks in enumerate(plan, 1):
        for column, task in enumerate(tasks, 1):
            yield stage, column, task


def _seconds(began: str, finished: str) -> int:
    """Return whole unix seconds, so 0.2 s may be 1 (services/pipeline_runner.go)."""
    first, last = map(datetime.fromisoformat, (began, finished))
    return int(last.timestamp()) - int(first.timestamp())
