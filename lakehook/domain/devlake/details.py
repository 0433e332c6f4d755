"""Details in a DevLake row beyond a notification: names, counts, the error, the failed tasks.

All of it is untrusted text, so it is bounded, and error texts lose their credentials. Values that
an earlier run left in the row are ignored:

- ``errorName`` is never cleared, ``message`` is when a run begins;
- ``spentSeconds`` is written when a run ends; a run that a restart interrupts never writes it;
- ``finishedTasks`` counts the tasks of all runs.

https://github.com/apache/incubator-devlake/blob/main/backend/server/services/pipeline_runner.go
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from lakehook.domain.error_text import summary_of, without_credentials
from lakehook.domain.event import EventType, keep_valid
from lakehook.domain.event_fields import MAX_FAILED_TASKS, MAX_TASK_MESSAGE
from lakehook.domain.json_document import Document
from lakehook.domain.text import single_line, truncate

MAX_NAME_CHARACTERS = 200
MAX_INTEGER = 2**63 - 1
MAX_LABELS, MAX_LABEL_CHARACTERS = 20, 100
MAX_MESSAGE_CHARACTERS, MAX_ERROR_NAME_CHARACTERS = 4000, 1000

FIELDS = (
    "name",
    "labels",
    "totalTasks",
    "finishedTasks",
    "spentSeconds",
    "message",
    "errorName",
)
"""Fields of a row that a notification does not have."""

FAILED_TYPES = frozenset((EventType.PIPELINE_FAILED, EventType.PIPELINE_PARTIAL))
"""Final states whose tasks are worth reading."""

_FAILED, _CANCELLED = "TASK_FAILED", "TASK_CANCELLED"
_ENDED = (_FAILED, _CANCELLED, "TASK_COMPLETED", "TASK_PARTIAL")


def lasting_details(row: Mapping[str, Any]) -> Document:
    """Return the details that apply to every event of the pipeline."""
    return keep_valid(
        {
            "pipeline_name": _line(row.get("name"), MAX_NAME_CHARACTERS) or None,
            "labels": list(_labels(row.get("labels"))) or None,
            "total_tasks": _bounded(row.get("totalTasks")),
        }
    )


def end_details(row: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]] = ()) -> Document:
    """Return the details of an end; ``tasks`` are those of this run, if they were read."""
    message = _text(row.get("message"), MAX_MESSAGE_CHARACTERS)
    error_name = _text(row.get("errorName"), MAX_ERROR_NAME_CHARACTERS)
    return keep_valid(
        {
            "message": message or None,
            "error_name": (error_name or None) if message else None,
            "finished_tasks": _ended(tasks) if tasks else _finished(row),
            "spent_seconds": _bounded(row.get("spentSeconds")),
            "failed_tasks": list(_failed(tasks))[:MAX_FAILED_TASKS] or None,
        }
    )


def _finished(row: Mapping[str, Any]) -> Any:
    """Return the count, or None where reruns have made it exceed the total."""
    finished, total = row.get("finishedTasks"), row.get("totalTasks")
    if type(finished) is int and type(total) is int and finished > total:
        return None
    return _bounded(finished)


def _bounded(number: Any) -> Any:
    """Return the number, or None if it exceeds a database's integers."""
    is_number = isinstance(number, (int, float, Decimal))
    return None if is_number and number > MAX_INTEGER else number


def _ended(tasks: Sequence[Mapping[str, Any]]) -> int:
    return sum(task.get("status") in _ENDED for task in tasks)


def _failed(tasks: Sequence[Mapping[str, Any]]) -> Iterator[Document]:
    """Yield the failed tasks in the order of their creation, the cancelled ones last."""
    for status in (_FAILED, _CANCELLED):
        of_status = [task for task in tasks if task.get("status") == status and _is_task(task)]
        for task in sorted(of_status, key=lambda task: int(task["id"])):
            yield _failed_task(task)


def _is_task(task: Mapping[str, Any]) -> bool:
    number = task.get("id")
    return type(number) is int and number <= MAX_INTEGER and isinstance(task.get("plugin"), str)


def _failed_task(task: Mapping[str, Any]) -> Document:
    message = summary_of(_text(task.get("message"), MAX_MESSAGE_CHARACTERS))
    fields = {
        "id": task["id"],
        "plugin": _line(task["plugin"], MAX_NAME_CHARACTERS),
        "status": task["status"],
        "message": single_line(message, MAX_TASK_MESSAGE) or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _labels(value: Any) -> Iterator[str]:
    for label in value[:MAX_LABELS] if isinstance(value, list) else ():
        if line := _line(label, MAX_LABEL_CHARACTERS):
            yield line


def _line(value: Any, most: int) -> str:
    return single_line(value, most) if isinstance(value, str) else ""


def _text(value: Any, most: int) -> str:
    """Keep lines, and remove control and invisible characters."""
    if not isinstance(value, str):
        return ""
    seen = "".join(char if char.isprintable() or char in "\n\t" else " " for char in value)
    return truncate(without_credentials(seen), most)
