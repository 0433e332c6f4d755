"""Event: one state change of one pipeline, as its producer reports it.

A pipeline's key is unique over all sources: ``39``, or ``staging/39`` of a named source. Neither a
source's name nor a pipeline's id may contain a slash.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from lakehook.domain.errors import InvalidEvent, InvalidInput
from lakehook.domain.event_fields import (
    OPTIONAL,
    Check,
    check_time,
    envelope_problem,
    show_value,
    to_event_document,
)
from lakehook.domain.json_document import (
    Document,
    expand_names,
    parse_json_object,
    to_ascii_json,
    to_json,
)

DEFAULT_SOURCE = "default"
"""Operators' name of the source that has no name."""

MAX_SHOWN = 80

MAX_EVENT_BYTES = 128 * 1024
UNKNOWN_TRIGGER = "unknown"  # the trigger where the source does not give one
_OURS = frozenset({"inferred", "late", "previous_event_type", "replayed", "sequence"})
"""Fields that only Lakehook sets; a producer's value is ignored."""

_PIPELINE_ID = re.compile(r"[A-Za-z0-9_:-]{1,64}", re.ASCII)
_TRIGGER_SOURCE = re.compile(r"manual|automatic|unknown|blueprint:[A-Za-z0-9_-]{1,64}", re.ASCII)


def split_pipeline_key(key: str) -> tuple[str | None, str]:
    """Return the source's name (None for the default source) and the pipeline's id there."""
    source, _, pipeline_id = key.rpartition("/")
    return source or None, pipeline_id


def join_pipeline_key(source: str | None, pipeline_id: str) -> str:
    return pipeline_id if source is None else f"{source}/{pipeline_id}"


def parse_pipeline_key(pipeline: str, *, source: str | None = None) -> str:
    """Parse ``staging/39``, or ``39`` with a separate source; ``InvalidInput`` if two differ."""
    named, pipeline_id = split_pipeline_key(pipeline)
    if source is None:
        return pipeline
    if named is not None and named != source:
        raise InvalidInput(
            f"source: {source[:MAX_SHOWN]!a} is not that of {pipeline[:MAX_SHOWN]!a};"
            " give one of the two"
        )
    return join_pipeline_key(None if source == DEFAULT_SOURCE else source, pipeline_id)


def is_of_source(key: str, source: str | None) -> bool:
    """Whether a pipeline belongs to the source that an operator named; without one, True."""
    return source is None or (split_pipeline_key(key)[0] or DEFAULT_SOURCE) == source


class EventType(StrEnum):
    PIPELINE_CREATED = "PIPELINE_CREATED"
    PIPELINE_RUNNING = "PIPELINE_RUNNING"
    PIPELINE_COMPLETED = "PIPELINE_COMPLETED"
    PIPELINE_FAILED = "PIPELINE_FAILED"
    PIPELINE_PARTIAL = "PIPELINE_PARTIAL"
    PIPELINE_CANCELLED = "PIPELINE_CANCELLED"
    PIPELINE_STALLED = "PIPELINE_STALLED"
    TASK_CREATED = "TASK_CREATED"
    TASK_RUNNING = "TASK_RUNNING"
    TASK_COMPLETED = "TASK_COMPLETED"
    TASK_FAILED = "TASK_FAILED"
    TASK_PARTIAL = "TASK_PARTIAL"
    TASK_CANCELLED = "TASK_CANCELLED"

    @property
    def is_of_pipeline(self) -> bool:
        return self.startswith("PIPELINE_")


@dataclass(frozen=True, init=False)
class Event:
    """An event as its producer wrote it, with unknown fields, and its id."""

    id: str
    document: Document

    def __init__(
        self,
        *,
        pipeline_id: int | str,
        event_type: EventType | str,
        trigger_source: str,
        timestamp: datetime | str,
        **fields: Any,
    ) -> None:
        """Build an event; times may be ``datetime``. ``InvalidEvent`` names the wrong field.

        Further fields are in docs/schemas/event.v1.json; unknown ones are carried along.
        """
        required = (pipeline_id, event_type, trigger_source, timestamp)
        document = to_event_document({**dict(zip(_REQUIRED, required, strict=True)), **fields})
        self._set(*_validated(document))

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Build an event from a dict, with the values that the constructor takes."""
        return cls.from_document(to_event_document(values))

    @classmethod
    def restored(cls, event_id: str, document: Document) -> Self:
        """Restore an event that was validated before, with its id."""
        event = cls.__new__(cls)
        event._set(event_id, document)  # noqa: SLF001  it is one of ours
        return event

    def _set(self, event_id: str, document: Document) -> None:
        object.__setattr__(self, "id", event_id)
        object.__setattr__(self, "document", document)

    @classmethod
    def from_message(cls, body: str, *, group: str) -> Self:
        """Parse a message of the events queue; ``InvalidEvent`` names the field and the remedy."""
        _reject_too_large(body)
        try:
            document = parse_json_object(body)
        except ValueError as error:
            raise InvalidEvent(str(error)) from None
        _reject_too_large(to_json(document))  # 1e15 is written as 1000000000000000.0
        event = cls.from_document(
            {name: value for name, value in document.items() if name not in _OURS}
        )
        if event.pipeline_key != group:
            raise InvalidEvent(
                f"pipeline_id: {show_value(event.pipeline_key)} is not the MessageGroupId"
                f" {show_value(group)}; send each event in the group of its pipeline,"
                " <pipeline_id> or <source>/<pipeline_id>"
            )
        return event

    @classmethod
    def from_document(cls, document: Document) -> Self:
        return cls.restored(*_validated(document))

    @classmethod
    def with_details(cls, document: Document, details: Document) -> Self:
        """Build an event with the details that keep it valid: a detail must not cost the event."""
        detailed = document | keep_valid(details)
        return cls.from_document(detailed if _fits(detailed) else document)

    @property
    def pipeline_id(self) -> str:
        return str(self.document["pipeline_id"])

    @property
    def source(self) -> str | None:
        """DevLake or other service that numbers this pipeline; None is the default source."""
        return self.document.get("source")

    @cached_property
    def pipeline_key(self) -> str:
        """Id of the pipeline, unique over all sources."""
        return pipeline_key_of(self.document)

    @cached_property  # read for every subscription with a pattern
    def expanded(self) -> Document:
        """Document for patterns: a name with dots becomes nested objects."""
        expanded: Document = expand_names(self.document)
        return expanded

    @cached_property  # read for every subscription
    def type(self) -> EventType:
        return EventType(self.document["event_type"])

    @property
    def trigger_source(self) -> str:
        return str(self.document["trigger_source"])

    @property
    def at(self) -> str:
        """Time of the state change, by the producer's clock."""
        return str(self.document["timestamp"])

    @property
    def began_at(self) -> str | None:
        return self.document.get("began_at")

    @cached_property
    def as_ascii(self) -> str:
        """Serialize for our queues; cached, since many messages carry it."""
        return to_ascii_json(self.document)

    @property
    def is_inferred(self) -> bool:
        """Whether Lakehook filled it in because a later event implies it."""
        return self.document.get("inferred") is True

    @property
    def is_reconciled(self) -> bool:
        """Whether it was read from DevLake's API because its notification may have been lost."""
        return self.document.get("reconciled") is True


def keep_valid(details: Document) -> Document:
    """Return those details whose values are valid in an event."""
    return {
        name: value
        for name, value in details.items()
        if value is not None and (name not in _CHECKS or _CHECKS[name](value) is None)
    }


def pipeline_key_of(document: Document) -> str:
    """Return ``39``, or ``staging/39`` with a source: each source numbers from 1.

    This is the required MessageGroupId. Neither part may contain a slash.
    """
    return join_pipeline_key(document.get("source"), str(document.get("pipeline_id")))


def parse_event(text: str) -> Event:
    """Read an event as an operator writes it, in the group of its pipeline."""
    try:
        group = pipeline_key_of(parse_json_object(text))
    except ValueError as error:
        raise InvalidEvent(str(error)) from None
    return Event.from_message(text, group=group)


def _fits(document: Document) -> bool:
    try:
        return len(to_json(document).encode()) <= MAX_EVENT_BYTES
    except UnicodeEncodeError:  # a lone surrogate
        return False


def _reject_too_large(text: str) -> None:
    size = len(text.encode())
    if size > MAX_EVENT_BYTES:
        raise InvalidEvent(f"the event has {size} bytes, more than {MAX_EVENT_BYTES}")


def _validated(document: Document) -> tuple[str, Document]:
    """Return the event's id and the validated document."""
    for problem in _problems(document):
        raise InvalidEvent(problem)
    return document.get("event_id") or _derived_id(document), document


def _problems(document: Document) -> list[str]:
    missing = [
        f"{name}: missing; every event has {', '.join(_REQUIRED)}"
        for name in _REQUIRED
        if document.get(name) is None
    ]
    if len(missing) == len(_REQUIRED) and (problem := envelope_problem(document)):
        return [problem]
    wrong = [
        f"{name}: {show_value(document[name])} {complaint}"
        for name, complain in _CHECKS.items()
        if document.get(name) is not None and (complaint := complain(document[name]))
    ]
    return missing + wrong


def _derived_id(document: Document) -> str:
    """Derive the id of an event that has none; the same event gets the same id.

    A rerun's creation time may be that of the first run; its start time never is.
    """
    began_at = document.get("began_at")
    return derive_event_id(
        pipeline_key_of(document),
        document["event_type"],
        document.get("task"),
        document["timestamp"],
        *([] if began_at is None else [began_at]),
    )


def derive_event_id(*values: Any) -> str:
    """Derive an id from values; the same values get the same id."""
    return "evt_" + hashlib.sha256(to_ascii_json(values).encode()).hexdigest()[:40]


# --- the required fields ---


def _pipeline_id(value: Any) -> str | None:
    is_id = isinstance(value, str | int) and not isinstance(value, bool)
    if is_id and _PIPELINE_ID.fullmatch(str(value)):
        return None
    return "is not a string or integer of 1 to 64 letters, digits or -_:"


def _event_type(value: Any) -> str | None:
    return None if value in _EVENT_TYPES else f"is not one of {', '.join(_EVENT_TYPES)}"


def _trigger_source(value: Any) -> str | None:
    if isinstance(value, str) and _TRIGGER_SOURCE.fullmatch(value):
        return None
    return "is not manual, automatic, unknown or blueprint:<id>"


_EVENT_TYPES = tuple(EventType)

_REQUIRED: dict[str, Check] = {
    "pipeline_id": _pipeline_id,
    "event_type": _event_type,
    "trigger_source": _trigger_source,
    "timestamp": check_time,
}
_CHECKS = _REQUIRED | OPTIONAL
