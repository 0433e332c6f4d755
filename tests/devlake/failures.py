"""Errors that DevLake writes into the rows of failed pipelines and tasks, with their causes.

Seen with one task that fails; that of a cancelled task is read from core/runner/run_task.go.
"""

from tests.devlake.rows import Row

_FAILURE, _CANCELLATION = "subtask sleep ended unexpectedly", "context canceled"

_CHAIN = """\
Wraps: (2) Error running task {task}.
  | Wraps: (2) subtask sleep ended unexpectedly
  | Wraps: (3) {cause}
  | Error types: (1) *hintdetail.withDetail (2) *hintdetail.withDetail (3) *errors.errorString
Error types: (1) *hintdetail.withDetail (2) *errors.errorString"""
_NAMES = """\
caused by: Error running task {task}.
Wraps: (2) subtask sleep ended unexpectedly
Wraps: (3) {cause}
Error types: (1) *hintdetail.withDetail (2) *hintdetail.withDetail (3) *errors.errorString
"""


def of_task(task: Row, status: str) -> Row:
    """Build the columns of a task; success keeps an earlier error (core/runner/run_task.go)."""
    match status:
        case "TASK_FAILED":
            return {
                "message": f"{_FAILURE}\nWraps: (2) {_cause(task)}"
                "\nError types: (1) *hintdetail.withDetail (2) *errors.errorString",
                "errorName": f"{_FAILURE}\ncaused by: {_cause(task)}",
                "failedSubTask": "sleep",
            }
        case "TASK_CANCELLED":
            return {"message": _CANCELLATION, "errorName": _CANCELLATION}
    return {"message": ""}


def of_pipeline(pipeline_id: int, task: Row) -> Row:
    """services/pipeline_runner.go; nothing resets ``error_name``, a rerun that succeeds neither."""
    return _pipeline(pipeline_id, task, _cause(task))


def of_cancelled_pipeline(pipeline_id: int, task: Row) -> Row:
    return _pipeline(pipeline_id, task, _CANCELLATION)


def _pipeline(pipeline_id: int, task: Row, cause: str) -> Row:
    first = f"Error running pipeline {pipeline_id}.\n"
    return {
        "message": first + _CHAIN.format(task=task["id"], cause=cause),
        "errorName": first + _NAMES.format(task=task["id"], cause=cause),
    }


def _cause(task: Row) -> str:
    return f"it was to fail after {task['options']['seconds']} s"
