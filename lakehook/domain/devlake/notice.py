"""A notice of DevLake, read as one of our events.

The row that a notice tells of is read when it is sent, and a rerun begins with what the run before
has left in it. What the row says of another state than its own is not taken for the event's: a
waiting pipeline has not begun, and a running one has not finished. A notice does not say who or
what started a pipeline, nor does its project.
"""

from typing import Any

from lakehook.domain.devlake.go_time import GoTime
from lakehook.domain.devlake.status import CREATED, EVENT_TYPES, GREATEST_ID, is_end
from lakehook.domain.document import Document, read_document
from lakehook.domain.errors import BadNotice
from lakehook.domain.event import UNKNOWN_TRIGGER, EventType
from lakehook.domain.instant import is_later

OWN_BODY = "devlake"
"""Where an event's ``data`` carries the body that DevLake sent."""


def read_notice(body: bytes, source: str | None = None) -> Document:
    """An event's fields; ``BadNotice`` names the field of DevLake's and what it must be.

    Every DevLake counts its pipelines from 1, so a source that has a name is part of the id.
    """
    try:
        text = body.decode()
        said = read_document(text)
    except UnicodeDecodeError as error:
        raise BadNotice(f"not UTF-8 at byte {error.start}") from None
    except ValueError as error:
        raise BadNotice(str(error)) from None
    of_source = "" if source is None else f"{source}/"
    fields = _of_task(said, of_source) if "TaskID" in said else _of_pipeline(said, of_source)
    named = {} if source is None else {"source": source}
    return {**fields, **named, "data": {OWN_BODY: text}}


def _of_pipeline(said: Document, of_source: str) -> Document:
    number, event_type = _number(said, "PipelineID"), _event_type(said)
    project = _text(said, "ProjectName")
    began = None if event_type is EventType.PIPELINE_CREATED else _time(said, "BeganAt")
    finished = _finished(said) if is_end(event_type) else None
    fields = {
        "pipeline_id": number,
        "event_type": str(event_type),
        "trigger_source": UNKNOWN_TRIGGER,
        "timestamp": _changed_at(said, event_type),
        "event_id": f"devlake:{of_source}{number}:{event_type}:{_round(said)}",
        "project_name": project or None,
        "created_at": _required_time(said, "CreatedAt"),
        "updated_at": _required_time(said, "UpdatedAt"),
        "began_at": began,
        "finished_at": finished,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _of_task(said: Document, of_source: str) -> Document:
    """The oldest form knows one state, that a task has succeeded, and not of which pipeline."""
    number, at = _number(said, "TaskID"), _required_time(said, "UpdatedAt")
    return {
        "pipeline_id": f"task:{number}",
        "event_type": str(EventType.TASK_COMPLETED),
        "trigger_source": UNKNOWN_TRIGGER,
        "timestamp": at,
        "event_id": f"devlake:{of_source}task:{number}:{GoTime.parse(at).in_utc}",
        "created_at": _required_time(said, "CreatedAt"),
        "updated_at": at,
        "task": {"id": number, "plugin": _text(said, "PluginName")},
    }


def _round(said: Document) -> str:
    """A run and its end are known by when it began; what waits, by the run before it, if any.

    So two notices of one state are one event, whoever was late and whatever else the row says.
    """
    return GoTime.parse(_time(said, "BeganAt") or _required_time(said, "CreatedAt")).in_utc


def _changed_at(said: Document, event_type: EventType) -> str:
    match event_type:
        case EventType.PIPELINE_CREATED:
            at = _time(said, "CreatedAt") if said["Status"] == CREATED else None
        case EventType.PIPELINE_RUNNING:
            at = _time(said, "BeganAt")
        case _:
            at = _finished(said)
    return at or _required_time(said, "UpdatedAt")


def _finished(said: Document) -> str | None:
    """DevLake's website spells it otherwise than DevLake.

    A run that a restart of DevLake has broken off never finishes; then it is the run before's.
    """
    finished = _time(said, "FinishedAt") or _time(said, "FinishedAT")
    return None if is_later(_time(said, "BeganAt"), finished) else finished


def _event_type(said: Document) -> EventType:
    status = said.get("Status")
    if not isinstance(status, str) or status not in EVENT_TYPES:
        raise _refused("Status", f"one of {', '.join(EVENT_TYPES)}")
    return EVENT_TYPES[status]


def _number(said: Document, name: str) -> int:
    value = said.get(name)
    if type(value) is not int or not 0 <= value <= GREATEST_ID:
        raise _refused(name, f"an integer from 0 to {GREATEST_ID}")
    return value


def _text(said: Document, name: str) -> str:
    value = said.get(name) or ""
    if not isinstance(value, str):
        raise _refused(name, "a string")
    return value


def _required_time(said: Document, name: str) -> str:
    value = _time(said, name)
    if value is None:
        raise _refused(name, _A_TIME)
    return value


def _time(said: Document, name: str) -> str | None:
    value: Any = said.get(name)
    if value is None:
        return None
    try:
        GoTime.parse(value)
    except (TypeError, ValueError):
        raise _refused(name, _A_TIME) from None
    return str(value)


_A_TIME = "an RFC 3339 time with an offset, such as 2024-09-05T15:08:00.389+08:00"


def _refused(name: str, wanted: str) -> BadNotice:
    return BadNotice(f"{name}: not {wanted}")
