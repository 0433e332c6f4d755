"""A story: what happened to a pipeline or a task, as facts that anybody may show.

Whatever comes from the event is a stranger's text: it is bounded, and on one line where it is
a name.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from lakehook.domain.chat.text import on_lines, on_one_line
from lakehook.domain.delivery import Delivery
from lakehook.domain.event import Event, EventType
from lakehook.domain.instant import instant

MOST_OF_A_NAME = 100  # characters
MOST_OF_A_MESSAGE = 4000

_LASTED = frozenset(("COMPLETED", "FAILED", "PARTIAL", "CANCELLED"))


@dataclass(frozen=True, kw_only=True)
class Story:
    """What nobody has said is empty, or none."""

    state: str  # the end of the event's type: CREATED, FAILED …
    pipeline: str
    trigger: str  # as the event has it: manual, automatic, blueprint:7, unknown
    at: datetime
    task: "Task | None" = None
    project: str = ""
    seconds: int | None = None  # how long it has lasted
    message: str = ""
    stalled_in: str = ""  # the state that it has not left
    inferred: bool = False
    late: bool = False
    replayed: bool = False

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        event, document = delivery.event, delivery.event.document
        return cls(
            state=_state(event.type),
            pipeline=event.pipeline_key,
            trigger=document["trigger_source"],
            at=instant(event.at),
            task=None if event.type.is_of_pipeline else Task.of(document.get("task") or {}),
            project=on_one_line(document.get("project_name") or "", MOST_OF_A_NAME),
            seconds=_seconds(event),
            message=on_lines(document.get("message") or "", MOST_OF_A_MESSAGE),
            stalled_in=_stalled_in(event),
            inferred=event.is_inferred,
            late=delivery.late,
            replayed=delivery.replayed,
        )


@dataclass(frozen=True)
class Task:
    id: str = ""
    plugin: str = ""

    @classmethod
    def of(cls, said: dict[str, Any]) -> Self:
        return cls(_name(said.get("id")), _name(said.get("plugin")))


def _state(event_type: EventType) -> str:
    return event_type.partition("_")[2]


def _name(said: Any) -> str:
    """Of what an event's ``task`` holds nothing is promised."""
    return on_one_line(str(said), MOST_OF_A_NAME) if isinstance(said, str | int) else ""


def _stalled_in(event: Event) -> str:
    """See ``domain/stall.py``."""
    if event.type is not EventType.PIPELINE_STALLED:
        return ""
    return _name((event.document.get("data") or {}).get("state")).upper()


def _seconds(event: Event) -> int | None:
    """From the beginning to the end, or to the event where no end is told."""
    if event.type is EventType.PIPELINE_STALLED:
        seconds = (event.document.get("data") or {}).get("seconds")
        return seconds if isinstance(seconds, int) and seconds >= 0 else None
    if _state(event.type) not in _LASTED:
        return None
    document = event.document
    of_task = {} if event.type.is_of_pipeline else document.get("task") or {}
    began = _instant(of_task.get("began_at") or document.get("began_at"))
    ended = _instant(of_task.get("finished_at") or document.get("finished_at") or event.at)
    if began is None or ended is None or ended < began:
        return None
    return int((ended - began).total_seconds())


def _instant(said: Any) -> datetime | None:
    try:
        return instant(said)
    except (TypeError, ValueError):
        return None
