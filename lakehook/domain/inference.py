"""Events that nobody said, and that must have been: filled in, and marked ``inferred``."""

from lakehook.domain.event import Event, EventType, event_id_of
from lakehook.domain.instant import is_not_later

_CARRIED = (
    "pipeline_id",
    "source",
    "trigger_source",
    "project_name",
    "pipeline_name",
    "labels",
    "created_at",
    "pipeline_url",
)


def infer_created(event: Event, *, round_number: int, earlier_ended_at: str | None) -> Event:
    """At the time its source says; but when the pipeline was created, no rerun of it was yet."""
    said = event.document.get("created_at")
    if said is None or is_not_later(said, earlier_ended_at):
        said = event.began_at or event.at
    return _infer(EventType.PIPELINE_CREATED, event, round_number=round_number, at=said)


def infer_running(event: Event, *, round_number: int, began_at: str) -> Event:
    running = _infer(EventType.PIPELINE_RUNNING, event, round_number=round_number, at=began_at)
    running.document["began_at"] = began_at
    return running


def _infer(event_type: EventType, event: Event, *, round_number: int, at: str) -> Event:
    """Its id says the round: whoever infers it again names it the same."""
    document = {name: event.document[name] for name in _CARRIED if name in event.document}
    document |= {"event_type": str(event_type), "timestamp": at, "updated_at": at, "inferred": True}
    return Event(event_id_of(event.pipeline_key, event_type, "round", round_number), document)
