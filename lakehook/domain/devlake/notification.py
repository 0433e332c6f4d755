"""DevLake's notifications: parsed into events, written byte for byte, or made from an API row.

DevLake reads the row when it sends, and a rerun starts with the values of the run before it. Fields
that do not fit the event's state are ignored: a waiting pipeline has not begun, and a running one
has not finished. A notification contains neither the trigger nor the project.

https://github.com/apache/incubator-devlake/blob/main/backend/core/models/task.go

https://github.com/apache/incubator-devlake/blob/main/backend/core/models/pipeline.go
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from lakehook.domain.devlake.details import FAILED_TYPES, FIELDS, end_details, lasting_details
from lakehook.domain.errors import InvalidNotification
from lakehook.domain.event import UNKNOWN_TRIGGER, Event, EventType
from lakehook.domain.json_document import Document, parse_json_object, to_json
from lakehook.domain.time import is_later, parse_rfc3339

_RFC_3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:)(\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_NANOSECOND_DIGITS = 9

CREATED = "TASK_CREATED"

EVENT_TYPES = {
    CREATED: EventType.PIPELINE_CREATED,
    "TASK_RERUN": EventType.PIPELINE_CREATED,  # the pipeline waits again
    "TASK_RESUME": EventType.PIPELINE_CREATED,
    "TASK_RUNNING": EventType.PIPELINE_RUNNING,
    "TASK_COMPLETED": EventType.PIPELINE_COMPLETED,
    "TASK_FAILED": EventType.PIPELINE_FAILED,
    "TASK_CANCELLED": EventType.PIPELINE_CANCELLED,
    "TASK_PARTIAL": EventType.PIPELINE_PARTIAL,
}

STATUSES = {event_type: word for word, event_type in reversed(EVENT_TYPES.items())}
"""DevLake's status of each event type, the first of two; other types have none."""

MAX_ID = 2**64 - 1
OWN_BODY = "devlake"
"""Key in an event's ``data`` of the body that DevLake sent."""

_A_TIME = "an RFC 3339 time with an offset, such as 2024-09-05T15:08:00.389+08:00"
_ESCAPED_BY_GO = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"})

# In the order of DevLake's notification; its project comes before them.
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
class GoTime:
    """Time with nanoseconds, which ``datetime`` can't hold, and with its original offset."""

    moment: datetime  # whole seconds
    fraction: str = ""  # of a second: digits without trailing zeros

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse RFC 3339; raises ``ValueError`` without an offset, or if it is no date."""
        match = _RFC_3339.fullmatch(text)
        if not match:
            raise ValueError("not RFC 3339 with an offset")
        date, minute, second, fraction, offset = match.groups(default="")
        second = "59" if second == "60" else second  # Go does not support leap seconds
        moment = datetime.fromisoformat(f"{date}T{minute}{second}{offset.upper()}")
        return cls(moment, fraction[:_NANOSECOND_DIGITS].rstrip("0"))

    def __str__(self) -> str:
        written = self.moment.isoformat().replace("+00:00", "Z")
        whole, offset = written[: len("2024-09-05T15:08:00")], written[len("2024-09-05T15:08:00") :]
        return f"{whole}.{self.fraction}{offset}" if self.fraction else written

    @property
    def in_utc(self) -> str:
        """Text in UTC, the same for the same instant whatever the offset was."""
        try:
            return str(GoTime(self.moment.astimezone(UTC), self.fraction))
        except OverflowError:  # on the first and the last day of the calendar
            return str(self)


@dataclass(frozen=True)
class UnsupportedEvent:
    """Reason why DevLake's format cannot express an event."""

    reason: str


@dataclass(frozen=True)
class PipelineRow:
    """A pipeline's row in DevLake's API. It names the blueprint, which names the project."""

    id: int
    blueprint_id: int  # 0 if there is none
    changed_at: float  # unix seconds, the latest time in the row
    document: Document
    shown: Document = field(default_factory=dict, repr=False)  # others

    @classmethod
    def parse(cls, shown: Mapping[str, Any]) -> Self:
        """Parse a row; ``InvalidNotification`` if a notification could not have these values."""
        raw = {name: shown.get(field) for name, field in _SAID_AS.items()}
        document = parse_notification(go_json(raw).encode())
        if document["pipeline_id"] == 0:  # DevLake's ids start at 1
            raise InvalidNotification("id: not 1 or more")
        blueprint_id = shown.get("blueprintId")
        if type(blueprint_id) is not int or not 0 <= blueprint_id <= MAX_ID:
            raise _rejection("blueprintId", f"an integer from 0 to {MAX_ID}")
        times = (document[name] for name in _TIMES if name in document)
        changed_at = max(parse_rfc3339(time).timestamp() for time in times)
        beside = {name: shown[name] for name in FIELDS if name in shown}
        return cls(document["pipeline_id"], blueprint_id, changed_at, raw, beside)

    @property
    def trigger_source(self) -> str:
        """Trigger; DevLake does not store whether a person or the schedule started a blueprint."""
        return f"blueprint:{self.blueprint_id}" if self.blueprint_id else "manual"

    @property
    def has_failed_tasks(self) -> bool:
        """Whether its tasks are worth reading."""
        return self._notice()["event_type"] in FAILED_TYPES

    def to_event(
        self,
        project: str,
        *,
        source: str | None = None,
        tasks: Sequence[Mapping[str, Any]] = (),
    ) -> Event:
        """Build the event that the ingress builds from the notification; its id is the same."""
        notice = self._notice(project, source)
        return Event.with_details(notice, self.details(notice, tasks))

    def details(self, notice: Document, tasks: Sequence[Mapping[str, Any]] = ()) -> Document:
        """Return the fields that the row adds to a notification.

        If the pipeline has changed since the notification, only those that apply to every event.
        """
        fields = {"trigger_source": self.trigger_source, **lasting_details(self.shown)}
        if self.is_state_of(notice) and is_end(EventType(notice["event_type"])):
            fields |= end_details(self.shown, tasks)
            if "finished_at" not in notice:  # a restart interrupted the run
                fields.pop("spent_seconds", None)
            if notice["event_type"] == EventType.PIPELINE_CANCELLED:  # nothing else is known
                fields = {n: fields[n] for n in fields if n not in {"message", "error_name"}}
        return fields

    def is_state_of(self, notice: Document) -> bool:
        """Whether a notification of the row's present state would equal this one."""
        own = self._notice()
        return all(own.get(name) == notice.get(name) for name in ("event_type", "began_at"))

    def _notice(self, project: str = "", source: str | None = None) -> Document:
        return parse_notification(
            go_json({"ProjectName": project, **self.document}).encode(), source
        )


def is_end(event_type: EventType) -> bool:
    return event_type not in {EventType.PIPELINE_CREATED, EventType.PIPELINE_RUNNING}


def parse_notification(body: bytes, source: str | None = None) -> Document:
    """Parse a notification into an event's fields; ``InvalidNotification`` names the wrong field.

    Each DevLake numbers its pipelines from 1, so the id contains the name of a named source.
    """
    try:
        text = body.decode()
        raw = parse_json_object(text)
    except UnicodeDecodeError as error:
        raise InvalidNotification(f"not UTF-8 at byte {error.start}") from None
    except ValueError as error:
        raise InvalidNotification(str(error)) from None
    of_source = "" if source is None else f"{source}/"
    fields = _task_event(raw, of_source) if "TaskID" in raw else _pipeline_event(raw, of_source)
    named = {} if source is None else {"source": source}
    return {**fields, **named, "data": {OWN_BODY: text}}


def _pipeline_event(raw: Document, of_source: str) -> Document:
    number, event_type = _number(raw, "PipelineID"), _event_type(raw)
    project = _text(raw, "ProjectName")
    began = None if event_type is EventType.PIPELINE_CREATED else _time(raw, "BeganAt")
    finished = _finished(raw) if is_end(event_type) else None
    fields = {
        "pipeline_id": number,
        "event_type": str(event_type),
        "trigger_source": UNKNOWN_TRIGGER,
        "timestamp": _changed_at(raw, event_type),
        "event_id": f"devlake:{of_source}{number}:{event_type}:{_run(raw)}",
        "project_name": project or None,
        "created_at": _required_time(raw, "CreatedAt"),
        "updated_at": _required_time(raw, "UpdatedAt"),
        "began_at": began,
        "finished_at": finished,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _task_event(raw: Document, of_source: str) -> Document:
    """Parse the oldest form: it reports only a task's success, and no pipeline."""
    number, at = _number(raw, "TaskID"), _required_time(raw, "UpdatedAt")
    return {
        "pipeline_id": f"task:{number}",
        "event_type": str(EventType.TASK_COMPLETED),
        "trigger_source": UNKNOWN_TRIGGER,
        "timestamp": at,
        "event_id": f"devlake:{of_source}task:{number}:{GoTime.parse(at).in_utc}",
        "created_at": _required_time(raw, "CreatedAt"),
        "updated_at": at,
        "task": {"id": number, "plugin": _text(raw, "PluginName")},
    }


def _run(raw: Document) -> str:
    """Return the identity of the run: its start time; while waiting, the run before it, if any.

    Two notifications of one state therefore become the same event, whatever else the row contains.
    """
    return GoTime.parse(_time(raw, "BeganAt") or _required_time(raw, "CreatedAt")).in_utc


def _changed_at(raw: Document, event_type: EventType) -> str:
    match event_type:
        case EventType.PIPELINE_CREATED:
            at = _time(raw, "CreatedAt") if raw["Status"] == CREATED else None
        case EventType.PIPELINE_RUNNING:
            at = _time(raw, "BeganAt")
        case _:
            at = _finished(raw)
    return at or _required_time(raw, "UpdatedAt")


def _finished(raw: Document) -> str | None:
    """Return the end time, whose field DevLake's website spells differently from DevLake.

    A run that a restart interrupted has no end of its own; the row keeps that of the run before.
    """
    finished = _time(raw, "FinishedAt") or _time(raw, "FinishedAT")
    return None if is_later(_time(raw, "BeganAt"), finished) else finished


def _event_type(raw: Document) -> EventType:
    status = raw.get("Status")
    if not isinstance(status, str) or status not in EVENT_TYPES:
        raise _rejection("Status", f"one of {', '.join(EVENT_TYPES)}")
    return EVENT_TYPES[status]


def _number(raw: Document, name: str) -> int:
    value = raw.get(name)
    if type(value) is not int or not 0 <= value <= MAX_ID:
        raise _rejection(name, f"an integer from 0 to {MAX_ID}")
    return value


def _text(raw: Document, name: str) -> str:
    value = raw.get(name) or ""
    if not isinstance(value, str):
        raise _rejection(name, "a string")
    return value


def _required_time(raw: Document, name: str) -> str:
    value = _time(raw, name)
    if value is None:
        raise _rejection(name, _A_TIME)
    return value


def _time(raw: Document, name: str) -> str | None:
    value: Any = raw.get(name)
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
    """Render DevLake's own body if the event carries it, else one of the event's fields."""
    if reason := unsupported_reason(event):
        return UnsupportedEvent(reason)
    return (_own_body(event) or go_json(_fields(event))).encode()


def unsupported_reason(event: Event) -> str | None:
    """Return why DevLake's format cannot express an event, without rendering it."""
    if event.type not in STATUSES:
        return f"DevLake has no status for {event.type}"
    if not _is_number(event.pipeline_id):
        return f"DevLake's pipelines have integers for ids, not {event.pipeline_id}"
    return None


def go_json(value: object) -> str:
    """Write compact JSON as Go's ``json.Marshal`` does: safe within HTML and JavaScript.

    https://pkg.go.dev/encoding/json#Marshal. The five characters occur only within JSON strings.
    """
    return to_json(value).translate(_ESCAPED_BY_GO)


def _is_number(pipeline_id: str) -> bool:
    if not pipeline_id.isdecimal() or str(int(pipeline_id)) != pipeline_id:
        return False
    return int(pipeline_id) <= MAX_ID


def _own_body(event: Event) -> str | None:
    """Return the body as received, unless the event was inferred from one of another state."""
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
    """Return the fields in the order of DevLake's struct. ``CreatedAt`` is never null there."""
    document = event.document
    at = document["timestamp"]
    began = None if event.type is EventType.PIPELINE_CREATED else document.get("began_at")
    finished = document.get("finished_at") if is_end(event.type) else None
    updated = None if document.get("inferred") else document.get("updated_at")
    return {
        "ProjectName": document.get("project_name") or "",
        "PipelineID": int(event.pipeline_id),
        "CreatedAt": _formatted(document.get("created_at") or document.get("began_at") or at),
        "UpdatedAt": _formatted(updated or at),
        "BeganAt": _formatted(began),
        "FinishedAt": _formatted(finished),
        "Status": STATUSES[event.type],
    }


def _formatted(time: str | None) -> str | None:
    return str(GoTime.parse(time)) if time else None
