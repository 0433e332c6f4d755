"""Valid domain objects, whose fields a test may change."""

import json
from typing import Any

from lakehook.domain.delivery import Delivery, Lane, SequencedEvent
from lakehook.domain.destination import Endpoint
from lakehook.domain.event import Event, pipeline_key_of
from lakehook.domain.subscription import Subscription
from lakehook.ports.queues import EventMessage


def a_document(**changes: Any) -> dict[str, Any]:
    document = {
        "pipeline_id": 39,
        "event_type": "PIPELINE_CREATED",
        "trigger_source": "blueprint:7",
        "timestamp": "2024-09-05T15:08:00.389+08:00",
        "project_name": "湖",
    }
    return {name: value for name, value in (document | changes).items() if value is not ...}


def an_event(**changes: Any) -> Event:
    return Event.from_document(a_document(**changes))


def a_notice(message_id: str = "m1", *, group: str | None = None, **changes: Any) -> EventMessage:
    document = a_document(**changes)
    return EventMessage(message_id, group or pipeline_key_of(document), json.dumps(document))


def a_delivery(
    sequence: int = 1, *, subscription: str = "sub_a", previous: str | None = None, **changes: Any
) -> Delivery:
    event = an_event(**{"event_id": f"e{sequence}", **changes})
    lane = Lane(subscription, event.pipeline_key)
    return Delivery(lane, SequencedEvent(event, sequence, previous))


def a_subscription(**changes: Any) -> Subscription:
    fields = {
        "id": "sub_a",
        "name": "ci",
        "endpoint": Endpoint.parse("https://ci.example/hook"),
        "created_at": "2026-01-01T00:00:00+00:00",
    }
    return Subscription(**(fields | changes))
