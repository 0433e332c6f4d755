"""New pipelines, and what subscribers have received of them."""

from collections.abc import Iterable
from itertools import count

from lakehook.domain.event import Event, EventType
from local.receiver import Arrival, Receiver
from tests.builders import an_event

CREATED, RUNNING = EventType.PIPELINE_CREATED, EventType.PIPELINE_RUNNING
COMPLETED, FAILED = EventType.PIPELINE_COMPLETED, EventType.PIPELINE_FAILED
CANCELLED = EventType.PIPELINE_CANCELLED
EVENT_TYPES = (CREATED, RUNNING, COMPLETED)

_numbers = count(5001)


def pipeline_events(*event_types: EventType) -> list[Event]:
    """Build the events of a new pipeline from its creation to its end."""
    pipeline = next(_numbers)
    return [
        an_event(pipeline_id=pipeline, event_type=str(event_type), project_name="数据湖")
        for event_type in event_types or EVENT_TYPES
    ]


def arrivals_of(receiver: Receiver, events: Iterable[Event]) -> list[Arrival]:
    """Return the arrivals of the events' pipeline, repeats included."""
    (pipeline,) = {event.pipeline_key for event in events}
    return [arrival for arrival in receiver.arrivals if arrival.pipeline == pipeline]


def arrived_sequences(receiver: Receiver, events: Iterable[Event]) -> list[int]:
    """Return the sequences that arrived of the events' pipeline, repeats included."""
    return [arrival.sequence for arrival in arrivals_of(receiver, events)]
