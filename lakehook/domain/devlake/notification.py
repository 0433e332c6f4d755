"""DevLake's notifications: parsed into events, written byte for byte, or made from an API row.

DevLake reads the row when it sends, and a rerun begins with what the run before has left in it.
Fields that belong to another state than the event's are ignored: a waiting pipeline has not begun,
and a running one has not finished. A notification does not say who or what started a pipeline, nor
its project.

https://github.com/apache/incubator-devlake/blob/main/backend/core/models/task.go
https://github.com/apache/incubator-devlake/blob/main/backend/core/models/pipeline.go
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from lakehook.domain.devlake.details import FAILED_TYPES, FIELDS, end_details, lasting_details
from lakehook.domain.devlake.go_time import GoTime
from lakehook.domain.errors import InvalidNotification
from lakehook.domain.event import UNKNOWN_TRIGGER, Event, EventType
from lakehook.domain.json_document import Document, parse_json_object, to_json
from lakehook.domain.time import is_later, parse_rfc3339

CREATED = "TASK_CREATED"

EVENT_TYPES = {
    CREATED: EventType.PIPELINE_CREATED,
    "TASK_RERUN": EventType.PIPELINE_CREATED,  # it waits again
    "TASK_RESUME": EventType.PIPELINE_CREATED,
    "TASK_RUNNING": EventType.PIPELINE_RUNNING,
    "TASK_COMPLETED": EventType.PIPELINE_COMPLETED,
    "TASK_FAILED": EventType.PIPELINE_FAILED,
    "TASK_CANCELLED": EventType.PIPELINE_CANCELLED,
    "TASK_PARTIAL": EventType.PIPELINE_PARTIAL,
}

STATUSES = {event_type: word for word, event_type in reversed(EVENT_TYPES.items())}
"""Of two words for one state, the first. What is not here, DevLake has no word for."""

MAX_ID = 2**64 - 1
OWN_BODY = "devlake"
"""Where an event's ``data`` carries the body that DevLake sent."""
_A_TIME = "an RFC 3339 time with an offset, such as 2024-09-05T15:08:00.389+08:00"
_ESCAPED_BY_GO = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"})

# In the order of DevLake's notice; its project comes before them.
_SAID_AS = {
    "PipelineID": "id",
    "CreatedAt": "createdAt",
    "UpdatedAt": "updatedAt",
    "BeganAt": "beganAt",
    "FinishedAt": "finishedAt",
    "Status": "status",
}
_TIMES = ("updated_at", "began_at", "timestamp")


@dataclass(frozen=True)
class UnsupportedEvent:
    """DevLake has no words for it."""

    reason: str


@dataclass(frozen=True)
class PipelineRow:
    """Its project is not in it, but its blueprint is, and the project is the blueprint's."""

    id: int
    blueprint_id: int  # 0 for none
    changed_at: float  # unix seconds, the latest of all that it says
    document: Document
    shown: Document = field(default_factory=dict, repr=False)  # beside what a notice says

    @classmethod
    def parse(cls, shown: Mapping[str, Any]) -> Self:
        """``InvalidNotification`` if DevLake could not have said this in a notice."""
        said = {name: shown.get(field) for name, field in _SAID_AS.items()}
        document = parse_notification(go_json(said).encode())
        if document["pipeline_id"] == 0:  # DevLake counts from 1
            raise InvalidNotification("id: not 1 or more")
        blueprint_id = shown.get("blueprintId")
        if type(blueprint_id) is not int or not 0 <= blueprint_id <= MAX_ID:
            raise _rejection("blueprintId", f"an integer from 0 to {MAX_ID}")
        times = (document[name] for name in _TIMES if name in document)
        changed_at = max(parse_rfc3339(time).timestamp() for time in times)
        beside = {name: shown[name] for name in FIELDS if name in shown}
        return cls(document["pipeline_id"], blueprint_id, changed_at, said, beside)

    @property
    def trigger_source(self) -> str:
        """Whether a blueprint was started by hand or by its schedule, DevLake does not store."""
        return f"blueprint:{self.blueprint_id}" if self.blueprint_id else "manual"

    @property
    def has_failed_tasks(self) -> bool:
        """Whether it is worth reading its tasks."""
        return self._notice()["event_type"] in FAILED_TYPES

    def to_event(
        self,
        project: str,
        *,
        source: str | None = None,
        tasks: Sequence[Mapping[str, Any]] = (),
    ) -> Event:
        """What the ingress makes of the notice: the same id, so it is known if it came."""
        notice = self._notice(project, source)
        return Event.with_details(notice, self.details(notice, tasks))

    def details(self, notice: Document, tasks: Sequence[Mapping[str, Any]] = ()) -> Document:
        """The fields that it adds to those of a notice.

        If it has moved on since the notice was sent, only what holds for every event.
        """
        fields = {"trigger_source": self.trigger_source, **lasting_details(self.shown)}
        if self.is_state_of(notice) and is_end(EventType(notice["event_type"])):
            fields |= end_details(self.shown, tasks)
            if "finished_at" not in notice:  # a restart has broken it off
                fields.pop("spent_seconds", None)
            if notice["event_type"] == EventType.PIPELINE_CANCELLED:  # it says no more than that
                fields = {n: fields[n] for n in fields if n not in {"message", "error_name"}}
        return fields

    def is_state_of(self, notice: Document) -> bool:
        """Whether a notice of its present state would say the same as this one."""
        own = self._notice()
        return all(own.get(name) == notice.get(name) for name in ("event_type", "began_at"))

    def _notice(self, project: str = "", source: str | None = None) -> Document:
        return parse_notification(
            go_json({"ProjectName": project, **self.document}).encode(), source
        )


def is_end(event_type: EventType) -> bool:
    return event_type not in {EventType.PIPELINE_CREATED, EventType.PIPELINE_RUNNING}


def parse_notification(body: bytes, source: str | None = None) -> Document:
    """An event's fields; ``InvalidNotification`` names the field of DevLake's and what it must be.

    Every DevLake counts its pipelines from 1, so a source that has a name is part of the id.
    """
    try:
        text = body.decode()
        said = parse_json_object(text)
    except UnicodeDecodeError as error:
        raise InvalidNotification(f"not UTF-8 at byte {error.start}") from None
    except ValueError as error:
        raise InvalidNotification(str(error)) from None
    of_source = "" if source is None else f"{source}/"
    fields = _task_event(said, of_source) if "TaskID" in said else _pipeline_event(said, of_source)
    named = {} if source is None else {"source": source}
    return {**fields, **named, "data": {OWN_BODY: text}}


def _pipeline_event(said: Document, of_source: str) -> Document:
    number, event_type = _number(said, "PipelineID"), _event_type(said)
    project = _text(said, "ProjectName")
    began = None if event_type is EventType.PIPELINE_CREATED else _time(said, "BeganAt")
    finished = _finished(said) if is_end(event_type) else None
    fields = {
        "pipeline_id": number,
        "event_type": str(event_type),
        "trigger_source": UNKNOWN_TRIGGER,
        "timestamp": _changed_at(said, event_type),
        "event_id": f"devlake:{of_source}{number}:{event_type}:{_run(said)}",
        "project_name": project or None,
        "created_at": _required_time(said, "CreatedAt"),
        "updated_at": _required_time(said, "UpdatedAt"),
        "began_at": began,
        "finished_at": finished,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _task_event(said: Document, of_source: str) -> Document:
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


def _run(said: Document) -> str:
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
        raise _rejection("Status", f"one of {', '.join(EVENT_TYPES)}")
    return EVENT_TYPES[status]


def _number(said: Document, name: str) -> int:
    value = said.get(name)
    if type(value) is not int or not 0 <= value <= MAX_ID:
        raise _rejection(name, f"an integer from 0 to {MAX_ID}")
    return value


def _text(said: Document, name: str) -> str:
    value = said.get(name) or ""
    if not isinstance(value, str):
        raise _rejection(name, "a string")
    return value


def _required_time(said: Document, name: str) -> str:
    value = _time(said, name)
    if value is None:
        raise _rejection(name, _A_TIME)
    return value


def _time(said: Document, name: str) -> str | None:
    value: Any = said.get(name)
    if value is None:
        return None
    try:
        GoTime.parse(value)
    except (TypeError, ValueError):
        raise _rejection(name, _A_TIME) from None
    return str(value)


def _rejection(name: str, wanted: str) -> InvalidNotification:
    return InvalidNotification(f"{name}: not {wanted}")


def render(event: Event) -> bytes | UnsupportedEvent:
    """DevLake's own body where the event came with one, else the same of the event's fields."""
    if reason := unsupported_reason(event):
        return UnsupportedEvent(reason)
    return (_own_body(event) or go_json(_fields(event))).encode()


def unsupported_reason(event: Event) -> str | None:
    """Why DevLake has no words for it; asked for each subscription, so nothing is rendered."""
    if event.type not in STATUSES:
        return f"DevLake has no status for {event.type}"
    if not _is_number(event.pipeline_id):
        return f"DevLake's pipelines have integers for ids, not {event.pipeline_id}"
    return None


def go_json(value: object) -> str:
    """Compact JSON as Go's ``json.Marshal`` writes it: safe within HTML and JavaScript.

    https://pkg.go.dev/encoding/json#Marshal. The five signs occur nowhere in JSON but in strings.
    """
    return to_json(value).translate(_ESCAPED_BY_GO)


def _is_number(pipeline_id: str) -> bool:
    if not pipeline_id.isdecimal() or str(int(pipeline_id)) != pipeline_id:
        return False
    return int(pipeline_id) <= MAX_ID


def _own_body(event: Event) -> str | None:
    """As it came, unless it tells of another state: an event may be inferred from a later one."""
    text = (event.document.get("data") or {}).get(OWN_BODY)
    if not isinstance(text, str):
        return None
    try:
        notification = parse_notification(text.encode())
    except InvalidNotification:
        return None
    is_same = (str(notification["pipeline_id"]), notification["event_type"]) == (
        event.pipeline_id,
        event.type,
    )
    return text if is_same else None


def _fields(event: Event) -> Document:
    """In the order of DevLake's struct. Its creation is never null, so something must stand in."""
    said = event.document
    at = said["timestamp"]
    began = None if event.type is EventType.PIPELINE_CREATED else said.get("began_at")
    finished = said.get("finished_at") if is_end(event.type) else None
    updated = None if said.get("inferred") else said.get("updated_at")
    return {
        "ProjectName": said.get("project_name") or "",
        "PipelineID": int(event.pipeline_id),
        "CreatedAt": _formatted(said.get("created_at") or said.get("began_at") or at),
        "UpdatedAt": _formatted(updated or at),
        "BeganAt": _formatted(began),
        "FinishedAt": _formatted(finished),
        "Status": STATUSES[event.type],
    }


def _formatted(time: str | None) -> str | None:
    return str(GoTime.parse(time)) if time else None
