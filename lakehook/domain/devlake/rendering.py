"""An event in DevLake's words, byte for byte as its Go writes them."""

from dataclasses import dataclass

from lakehook.domain.devlake.go_time import GoTime
from lakehook.domain.devlake.notice import OWN_BODY, read_notice
from lakehook.domain.devlake.status import GREATEST_ID, STATUSES, is_end
from lakehook.domain.document import Document, text_of
from lakehook.domain.errors import BadNotice
from lakehook.domain.event import Event, EventType

_ESCAPED_BY_GO = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"})


@dataclass(frozen=True)
class Unsendable:
    """DevLake has no words for it."""

    reason: str


def render(event: Event) -> bytes | Unsendable:
    """DevLake's own body where the event came with one, else the same of the event's fields."""
    if reason := silence(event):
        return Unsendable(reason)
    return (_own_body(event) or go_json(_fields(event))).encode()


def silence(event: Event) -> str | None:
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
    return text_of(value).translate(_ESCAPED_BY_GO)


def _is_number(pipeline_id: str) -> bool:
    if not pipeline_id.isdecimal() or str(int(pipeline_id)) != pipeline_id:
        return False
    return int(pipeline_id) <= GREATEST_ID


def _own_body(event: Event) -> str | None:
    """As it came, unless it tells of another state: an event may be inferred from a later one."""
    text = (event.document.get("data") or {}).get(OWN_BODY)
    if not isinstance(text, str):
        return None
    try:
        told = read_notice(text.encode())
    except BadNotice:
        return None
    is_same = (str(told["pipeline_id"]), told["event_type"]) == (event.pipeline_id, event.type)
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
        "CreatedAt": _written(said.get("created_at") or said.get("began_at") or at),
        "UpdatedAt": _written(updated or at),
        "BeganAt": _written(began),
        "FinishedAt": _written(finished),
        "Status": STATUSES[event.type],
    }


def _written(time: str | None) -> str | None:
    return str(GoTime.parse(time)) if time else None
