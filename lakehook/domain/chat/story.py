"""A story: what happened to a pipeline or a task, as facts that anybody may show.

Whatever comes from the event is a stranger's text: it is bounded, and on one line where it is
a name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from lakehook.domain.chat.text import on_lines, on_one_line
from lakehook.domain.chat.url import safe_url
from lakehook.domain.delivery import Delivery
from lakehook.domain.error_text import first_line, is_nested, summary_of
from lakehook.domain.event import Event, EventType
from lakehook.domain.instant import instant

MOST_OF_A_NAME = 100  # characters
MOST_OF_A_MESSAGE = 4000
MAX_ERROR_CHARACTERS = 1000  # of one that DevLake has nested, on its one line
MAX_TASK_MESSAGE_CHARACTERS = 300

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
    name: str = ""  # the pipeline's
    tasks: "TaskCount | None" = None
    failures: tuple["Failure", ...] = ()
    url: str = ""  # of the pipeline's page
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
            name=on_one_line(document.get("pipeline_name") or "", MOST_OF_A_NAME),
            tasks=TaskCount.of(event),
            failures=tuple(_failures(event)),
            url=safe_url(document.get("pipeline_url") or ""),
            seconds=_seconds(event),
            message=_message(event),
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


@dataclass(frozen=True)
class TaskCount:
    total: int
    finished: int | None = None  # in all runs, so perhaps more

    @classmethod
    def of(cls, event: Event) -> Self | None:
        total = event.document.get("total_tasks")
        if not total or not event.type.is_of_pipeline:
            return None
        return cls(total, event.document.get("finished_tasks"))


@dataclass(frozen=True)
class Failure:
    """A task of the pipeline that failed, or was cancelled with it."""

    task: Task
    state: str = ""  # FAILED, CANCELLED …
    message: str = ""  # on one line


def _failures(event: Event) -> Iterator[Failure]:
    """The event's own checks have passed: each has an id and a plug-in."""
    for task in event.document.get("failed_tasks") or ():
        yield Failure(
            task=Task.of(task),
            state=_name(task.get("status")).rpartition("_")[2],
            message=on_one_line(task.get("message") or "", MAX_TASK_MESSAGE_CHARACTERS),
        )


def _message(event: Event) -> str:
    """What is nested is said on one line; its first is enough where the failed tasks say why."""
    text = event.document.get("message") or ""
    if event.document.get("failed_tasks"):
        return on_one_line(first_line(text), MAX_ERROR_CHARACTERS)
    if is_nested(text):
        return on_one_line(summary_of(text), MAX_ERROR_CHARACTERS)
    return on_lines(text, MOST_OF_A_MESSAGE)


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
    """From the beginning to the end, or to the event where no end is told; else as it says."""
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
        return _spent_seconds(event)
    return int((ended - began).total_seconds())


def _spent_seconds(event: Event) -> int | None:
    seconds = event.document.get("spent_seconds") if event.type.is_of_pipeline else None
    return None if seconds is None else int(seconds)


def _instant(said: Any) -> datetime | None:
    try:
        return instant(said)
    except (TypeError, ValueError):
        return None
