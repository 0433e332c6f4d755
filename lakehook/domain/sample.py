"""Sample events: with every known field for previews, and at the present time for trials."""

from lakehook.domain.delivery import Delivery, Lane, SequencedEvent
from lakehook.domain.destination import Endpoint
from lakehook.domain.event import UNKNOWN_TRIGGER, Event, EventType
from lakehook.domain.json_document import Document
from lakehook.domain.queue_message import Ping
from lakehook.domain.subscription import Subscription
from lakehook.domain.template import template_fields
from lakehook.domain.time import format_rfc3339

_CREATED_AT, _BEGAN_AT = "2026-01-01T11:58:00.000+00:00", "2026-01-01T11:58:30.000+00:00"
_AT = "2026-01-01T12:00:00.000+00:00"
_END_FIELDS = ("COMPLETED", "FAILED", "PARTIAL", "CANCELLED")
_TASK = {"id": 7, "plugin": "github"}
_OF_PIPELINE: Document = {
    "pipeline_name": "nightly",
    "labels": ["team-lake"],
    "total_tasks": 9,
    "pipeline_url": "https://devlake.example/advanced/pipeline/39",
}
_OF_ENDED_PIPELINE: Document = {"finished_tasks": 9, "spent_seconds": 90}
_FAILED_TASKS = [
    {
        "id": number,
        "plugin": plugin,
        "status": "TASK_FAILED",
        "message": "subtask collectIssues ended unexpectedly: HTTP 502",
    }
    for number, plugin in ((7, "github"), (8, "jira"), (9, "gitlab"), (11, "jenkins"))
]
_OF_FAILED_PIPELINE: Document = {
    **_OF_ENDED_PIPELINE,
    "error_name": "subtask collectIssues ended unexpectedly",
    "finished_tasks": 7,
    "failed_tasks": _FAILED_TASKS,
}
_BY_STATE = {
    "COMPLETED": _OF_ENDED_PIPELINE,
    "CANCELLED": _OF_ENDED_PIPELINE | {"finished_tasks": 7},
    "FAILED": _OF_FAILED_PIPELINE,
    "PARTIAL": _OF_FAILED_PIPELINE | {"finished_tasks": 9},
}


_MESSAGES = {
    "FAILED": "subtask collectIssues ended:\nHTTP 502",
    "PARTIAL": "subtask collectIssues ended:\nHTTP 502",
    "STALLED": "running for 24 hours, and no change of state was reported",
}
_PLAIN_MESSAGE = "collects the sources of team-lake"
_STALL: Document = {"state": "running", "since": _BEGAN_AT, "seconds": 86_400, "round": 1}
_OF_ITS_TIME = ("event_id", "created_at", "began_at", "updated_at", "finished_at")
"""Fields that would place a trial event into another run of the pipeline."""


def sample_event(event_type: EventType) -> Event:
    document: Document = {
        "pipeline_id": 39,
        "event_type": str(event_type),
        "trigger_source": "blueprint:7",
        "timestamp": _AT,
        "event_id": "evt_sample",
        "project_name": 'lake & "shore"',  # shows a template that forgets to escape
        "created_at": _CREATED_AT,
        "updated_at": _AT,
        "message": _MESSAGES.get(event_type.partition("_")[2], _PLAIN_MESSAGE),
        **_times(event_type),
        **_details(event_type),
    }
    return Event.from_document(document)


def trial_event(
    event_type: EventType, *, at: float, pipeline_id: int | str, source: str | None = None
) -> Event:
    """Build a sample that happens now, of the given pipeline."""
    sample = sample_event(event_type).document
    document = {name: value for name, value in sample.items() if name not in _OF_ITS_TIME}
    document |= {"pipeline_id": pipeline_id, "timestamp": format_rfc3339(at)}
    return Event.from_document(document | ({"source": source} if source else {}))


def fields_of_sample(event_type: EventType) -> Document:
    """Return a template's fields, for a sample of this type."""
    subscription = Subscription(
        id="sub_sample", name="sample", endpoint=Endpoint.parse("https://receiver.example/hook")
    )
    return template_fields(sample_delivery(sample_event(event_type), subscription), subscription)


def ping_delivery(ping: Ping, subscription: Subscription) -> Delivery:
    """Build a delivery of a ping with the words that every message of a subscription has.

    A service that refuses messages for a missing word refuses this one, too.
    """
    event = Event.from_document(
        {
            "pipeline_id": "ping",
            "event_type": next(kind for kind in EventType if subscription.accepts_type(kind)),
            "trigger_source": UNKNOWN_TRIGGER,
            "timestamp": ping.timestamp,
            "event_id": ping.event_id,
        }
    )
    return Delivery(ping.lane, SequencedEvent(event, 1, None))


def sample_delivery(event: Event, subscription: Subscription) -> Delivery:
    """Build the delivery of an event, with a plausible sequence."""
    before = _before(event.type)
    sequenced = SequencedEvent(event, len(before) + 1, before[-1] if before else None)
    return Delivery(Lane(subscription.id, event.pipeline_key), sequenced)


def _details(event_type: EventType) -> Document:
    if not event_type.is_of_pipeline:
        return {"task": _TASK}
    stall = {"data": _STALL} if event_type is EventType.PIPELINE_STALLED else {}
    return _OF_PIPELINE | _BY_STATE.get(event_type.removeprefix("PIPELINE_"), {}) | stall


def _times(event_type: EventType) -> Document:
    _, _, state = event_type.partition("_")
    if state == "CREATED":
        return {}
    ended = {"finished_at": _AT} if state in _END_FIELDS else {}
    return {"began_at": _BEGAN_AT, **ended}


def _before(event_type: EventType) -> list[str]:
    """Return the event types before this one, if nothing failed until then."""
    life = [EventType.PIPELINE_CREATED, EventType.PIPELINE_RUNNING]
    return [
        str(earlier_type)
        for earlier_type in life[: life.index(event_type) if event_type in life else 2]
    ]
