"""Fields of an event: values of a Python program converted to JSON, and checks of optional fields.

Each check returns what is wrong with a value, or None.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from lakehook.domain.errors import InvalidEvent
from lakehook.domain.json_document import MAX_LEVELS, Document
from lakehook.domain.time import parse_rfc3339

_ENVELOPES = (
    # https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html
    (
        "SNS",
        ("Type", "TopicArn", "Message"),
        "turn on raw message delivery for the topic's subscription (RawMessageDelivery)",
    ),
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
    (
        "EventBridge",
        ("detail-type", "source", "detail"),
        "send $.detail alone, by the input path of the rule's target (InputPath)",
    ),
    # https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    ("CloudEvents", ("specversion", "type", "source"), "send its data alone"),
)

MAX_BITS = 14_000  # Python writes at most 4300 digits
MAX_SHOWN = 80  # characters of a rejected value

Check = Callable[[Any], str | None]

MAX_FAILED_TASKS = 10
MAX_TASK_MESSAGE = 300  # characters

_EVENT_ID = re.compile(r"[!-~]{1,128}")
_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_URL = re.compile(r"https?://[!-~]{1,2040}")


def envelope_problem(document: Document) -> str | None:
    """Return what a document that is not an event is wrapped in, and the remedy."""
    for name, fields, remedy in _ENVELOPES:
        if all(field in document for field in fields):
            return (
                f"the event is in an envelope of {name} ({', '.join(fields)}): {remedy},"
                " in the group of its pipeline; see docs/producers.md"
            )
    return None


def to_event_document(values: Mapping[str, Any]) -> Document:
    """Build the document of an event; a field that is ``None`` is left out.

    ``InvalidEvent`` names the field whose value can't be converted to JSON.
    """
    if not isinstance(values, Mapping):
        raise InvalidEvent(f"{show_value(values)} is not an event: give an Event or a dict")
    present = {name: value for name, value in values.items() if value is not None}
    return _convert_object(present, "", 1)


def show_value(value: Any) -> str:
    """Format an untrusted value on one line, in ASCII, with a bounded length."""
    shown = ascii(value)
    return shown if len(shown) <= MAX_SHOWN else shown[: MAX_SHOWN - 3] + "..."


def _json_value(value: Any, path: str, level: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    for kind, convert in _CONVERTERS:
        if isinstance(value, kind):
            return convert(value, path, level)
    raise InvalidEvent(
        f"{path}: {show_value(value)} is a {type(value).__name__}, which JSON can't hold; give"
        " text, a number, a datetime, a list or a dict"
    )


def _convert_object(values: Mapping[Any, Any], path: str, level: int) -> Document:
    _reject_depth(path, level)
    return {
        _convert_name(name, path): _json_value(
            value, f"{path}.{name}" if path else str(name), level + 1
        )
        for name, value in values.items()
    }


def _convert_name(name: Any, path: str) -> str:
    if not isinstance(name, str):
        raise InvalidEvent(f"{path or 'the event'}: the key {show_value(name)} is not a string")
    return _convert_text(name, path or "the event", 0)


def _convert_list(values: list[Any] | tuple[Any, ...], path: str, level: int) -> list[Any]:
    _reject_depth(path, level)
    return [_json_value(value, f"{path}[{index}]", level + 1) for index, value in enumerate(values)]


def _convert_text(value: str, path: str, _level: int) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidEvent(
            f"{path}: {show_value(value)} is not Unicode: a lone surrogate"
        ) from None
    return str(value)


def _convert_time(value: datetime, path: str, _level: int) -> str:
    if value.utcoffset() is None:
        raise InvalidEvent(
            f"{path}: {value} has no time zone; give one that has, such as datetime.now(UTC)"
        )
    return value.isoformat()


def _convert_number(value: float | Decimal, path: str, _level: int) -> float | Decimal:
    if (isinstance(value, Decimal) and not value.is_finite()) or not isfinite(value):
        raise InvalidEvent(f"{path}: {value} is not a finite number")
    return value


def _convert_integer(value: int, path: str, _level: int) -> int:
    if value.bit_length() > MAX_BITS:
        raise InvalidEvent(f"{path}: an integer of more than {MAX_BITS} bits")
    return int(value)


def _reject_depth(path: str, level: int) -> None:
    if level > MAX_LEVELS:
        raise InvalidEvent(f"{path[:MAX_SHOWN]}: nested deeper than {MAX_LEVELS} levels")


_CONVERTERS: tuple[tuple[type | tuple[type, ...], Callable[[Any, str, int], Any]], ...] = (
    (str, _convert_text),
    (int, _convert_integer),
    ((float, Decimal), _convert_number),
    (datetime, _convert_time),
    (Mapping, _convert_object),
    ((list, tuple), _convert_list),
)


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
