"""Pipelines that nobody has heard of yet, and what subscribers have heard of them."""

from collections.abc import Iterable
from itertools import count

from lakehook.domain.event import Event, EventType
from local.receiver import Arrival, Receiver
from tests.builders import an_event

CREATED, RUNNING = EventType.PIPELINE_CREATED, EventType.PIPELINE_RUNNING
COMPLETED, FAILED = EventType.PIPELINE_COMPLETED, EventType.PIPELINE_FAILED
CANCELLED = EventType.PIPELINE_CANCELLED
LIFE = (CREATED, RUNNING, COMPLETED)

_numbers = count(5001)


def a_life(*event_types: EventType) -> list[Event]:
    """The events of one pipeline from its creation to its end."""
    pipeline = next(_numbers)
    return [
        an_event(pipeline_id=pipeline, event_type=str(event_type), project_name="数据湖")
        for event_type in event_types or LIFE
    ]


def of_pipeline(receiver: Receiver, events: Iterable[Event]) -> list[Arrival]:
    """What arrived of the pipeline that these events are of, repeats and all."""
    (pipeline,) = {event.pipeline_key for event in events}
    return [arrival for arrival in receiver.arrivals if arrival.pipeline == pipeline]


def heard(receiver: Receiver, events: Iterable[Event]) -> list[int]:
    """The sequences that arrived of one pipeline, repeats and all."""
    return [arrival.sequence for arrival in of_pipeline(receiver, events)]
