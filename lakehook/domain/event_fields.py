"""Optional fields of an event: each check returns what is wrong with a value, or None."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lakehook.domain.time import parse_rfc3339

Check = Callable[[Any], str | None]

MAX_FAILED_TASKS = 10
MAX_TASK_MESSAGE = 300  # characters

_EVENT_ID = re.compile(r"[!-~]{1,128}")
_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_URL = re.compile(r"https?://[!-~]{1,2040}")


def check_source(value: Any) -> str | None:
    if isinstance(value, str) and _SOURCE.fullmatch(value):
        return None
    return "is not 1 to 32 letters, digits or -_, a letter or digit first"


def check_time(value: Any) -> str | None:
    try:
        parse_rfc3339(value)
    except (TypeError, ValueError):
        return "is not an RFC 3339 time with an offset, such as 2024-09-05T15:08:00+08:00"
    return None


def _event_id(value: Any) -> str | None:
    if isinstance(value, str) and _EVENT_ID.fullmatch(value):
        return None
    return "is not a string of 1 to 128 printable ASCII characters without spaces"


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "is not a string"


def _object(value: Any) -> str | None:
    return None if isinstance(value, dict) else "is not an object"


def _boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "is not true or false"


def _texts(value: Any) -> str | None:
    is_list = isinstance(value, list) and all(isinstance(text, str) for text in value)
    return None if is_list else "is not a list of strings"


def _count(value: Any) -> str | None:
    return None if type(value) is int and value >= 0 else "is not an integer of 0 or more"


def _seconds(value: Any) -> str | None:
    is_finite = type(value) in {int, float, Decimal} and 0 <= value < float("inf")
    return None if is_finite else "is not a number of 0 or more"


def _url(value: Any) -> str | None:
    if isinstance(value, str) and _URL.fullmatch(value):
        return None
    return "is not an http(s) URL of at most 2048 printable ASCII characters"


def _failed_tasks(value: Any) -> str | None:
    is_list = isinstance(value, list) and len(value) <= MAX_FAILED_TASKS
    if is_list and all(_is_failed_task(task) for task in value):
        return None
    return (
        f"is not a list of at most {MAX_FAILED_TASKS} tasks, each with an id, a plugin and maybe a"
        f" status and a message: one line of at most {MAX_TASK_MESSAGE} characters"
    )


OPTIONAL: dict[str, Check] = {
    "event_id": _event_id,
    "source": check_source,
    "project_name": _text,
    "pipeline_name": _text,
    "labels": _texts,
    "created_at": check_time,
    "updated_at": check_time,
    "began_at": check_time,
    "finished_at": check_time,
    "message": _text,
    "error_name": _text,
    "total_tasks": _count,
    "finished_tasks": _count,
    "spent_seconds": _seconds,
    "failed_tasks": _failed_tasks,
    "pipeline_url": _url,
    "reconciled": _boolean,
    "task": _object,
    "data": _object,
}


def _is_failed_task(task: Any) -> bool:
    if not isinstance(task, dict) or not isinstance(task.get("plugin"), str):
        return False
    status, message = task.get("status"), task.get("message")
    return (
        type(task.get("id")) in {int, str}
        and (status is None or isinstance(status, str))
        and (message is None or _is_line(message))
    )


def _is_line(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > MAX_TASK_MESSAGE:
        return False
    return not {"\r", "\n"} & set(value)
