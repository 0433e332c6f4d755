"""Webhooks of the OpenAPI description: what a subscriber receives, for generators of receivers."""

import json
from pathlib import Path
from typing import Any

EVENT_SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "event.v1.json"
SCHEMAS = "#/components/schemas/"
_ADDED: dict[str, Any] = {
    "event_id": {
        "type": "string",
        "description": "Known by it; derived where the producer gave none.",
    },
    "sequence": {"type": "integer", "minimum": 1, "description": "1, 2, 3 … of each pipeline."},
    "previous_event_type": {"type": ["string", "null"], "description": "Null of the first one."},
    "inferred": {"const": True, "description": "DevLake did not say it, and it must have been."},
    "late": {"const": True, "description": "A redriven dead letter that others have overtaken."},
    "replayed": {"const": True, "description": "An operator sends the past again."},
}
_PING: dict[str, Any] = {
    "type": "object",
    "description": "A test by an operator; it is of no pipeline.",
    "required": ["event_type", "event_id", "timestamp"],
    "properties": {
        "event_type": {"const": "PING"},
        "event_id": {"type": "string"},
        "timestamp": {"$ref": f"{SCHEMAS}EventTime"},
        "challenge": {
            "type": "string",
            "description": "Answer 200 with this text as the whole body.",
        },
    },
}
_HEADERS = {
    "webhook-id": "The same on every attempt: drop what you have seen.",
    "webhook-timestamp": "Unix seconds of this attempt.",
    "webhook-signature": "Standard Webhooks 1.0.0: a list of v1,… or v1a,… with spaces between.",
}


def webhook_schemas() -> dict[str, Any]:
    event = json.loads(EVENT_SCHEMA.read_text(encoding="utf-8"))
    parts = {f"Event{name.capitalize()}": part for name, part in event["$defs"].items()}
    for name in event["$defs"]:
        event = _renamed(event, f"#/$defs/{name}", f"{SCHEMAS}Event{name.capitalize()}")
    delivered = {
        "type": "object",
        "description": "The event as its producer wrote it, and its place in the pipeline.",
        "required": [*event["required"], "event_id", "sequence", "previous_event_type"],
        "properties": event["properties"] | _ADDED,
        "additionalProperties": True,
    }
    return {**parts, "DeliveredEvent": delivered, "Ping": _PING}


def webhooks() -> dict[str, Any]:
    parameters = [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": description,
            "schema": {"type": "string"},
        }
        for name, description in _HEADERS.items()
    ]
    bodies = [{"$ref": f"{SCHEMAS}{name}"} for name in ("DeliveredEvent", "Ping")]
    operation = {
        "summary": "Receive an event, signed and in order",
        "operationId": "receive_event",
        "tags": ["webhooks"],
        "security": [],
        "parameters": parameters,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"oneOf": bodies}}},
        },
        "responses": {
            "2XX": {"description": "It is done; of a challenge, with the challenge as the body."},
            "410": {"description": "Send no more, until an operator enables the subscription."},
            "default": {"description": "It is tried again, not before `retry-after`."},
        },
    }
    return {"event": {"post": operation}}


def _renamed(document: Any, before: str, after: str) -> Any:
    return json.loads(json.dumps(document).replace(f'"{before}"', f'"{after}"'))
