"""OpenAPI description: ``python -m functions.api.openapi > docs/openapi.json``.

It also describes what a subscriber receives, for generators of receivers.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from functions.api.app import Api
from functions.api.parameters import open_service
from functions.api.responses import Error
from lakehook import __version__

EVENT_SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "event.v1.json"
SCHEMAS = "#/components/schemas/"
_ADDED: dict[str, Any] = {
    "event_id": {
        "type": "string",
        "description": "Id of the event; derived if the producer gave none.",
    },
    "sequence": {"type": "integer", "minimum": 1, "description": "1, 2, 3 … of each pipeline."},
    "previous_event_type": {"type": ["string", "null"], "description": "Null for the first event."},
    "inferred": {"const": True, "description": "DevLake did not post it; Lakehook inferred it."},
    "late": {
        "const": True,
        "description": "A redriven dead letter; later events were delivered before it.",
    },
    "replayed": {"const": True, "description": "An operator replays it."},
}
_PING: dict[str, Any] = {
    "type": "object",
    "description": "A test by an operator; it belongs to no pipeline.",
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
    "webhook-id": "The same for every attempt: drop ids that you have processed.",
    "webhook-timestamp": "Unix seconds of this attempt.",
    "webhook-signature": "Standard Webhooks 1.0.0: a list of v1,… or v1a,… with spaces between.",
}

DESCRIPTION = """\
What the `lakehook` command does, over HTTP: the same use cases, the same JSON.

Every call is signed with AWS Signature Version 4 for the service `lambda`, by a principal that may
`lambda:InvokeFunctionUrl` and `lambda:InvokeFunction` on the function; any other is answered 403 by
Lambda itself. An error is `{"error": …, "message": …}`, one line, and then
nothing was changed. A field or a parameter that is not described here is refused.
"""

SIGNED = {
    "type": "apiKey",
    "in": "header",
    "name": "authorization",
    "description": "AWS Signature Version 4, service `lambda`.",
    "x-amazon-apigateway-authtype": "awsSigv4",
}

OF_POWERTOOLS = ("HTTPValidationError", "ValidationError", "ResponseValidationError")
"""Described by Powertools, and never answered here."""


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
            "2XX": {"description": "It is delivered; a challenge, with its text as the body."},
            "410": {"description": "No more is sent until an operator enables the subscription."},
            "default": {"description": "It is retried, not before `retry-after`."},
        },
    }
    return {"event": {"post": operation}}


def _renamed(document: Any, before: str, after: str) -> Any:
    return json.loads(json.dumps(document).replace(f'"{before}"', f'"{after}"'))


def description() -> dict[str, Any]:
    resolver = Api(open_service, lambda _: None).resolver
    document: dict[str, Any] = json.loads(
        resolver.get_openapi_json_schema(
            title="Lakehook", version=__version__, description=DESCRIPTION
        )
    )
    schemas = document["components"]["schemas"]
    for name in OF_POWERTOOLS:
        schemas.pop(name, None)
    schemas["Refusal"] = Error.model_json_schema()
    schemas |= webhook_schemas()
    document["webhooks"] = webhooks()
    document["components"]["securitySchemes"] = {"sigv4": SIGNED}
    document["security"] = [{"sigv4": []}]
    document["paths"] = {
        path: _operations(path, document["paths"][path]) for path in sorted(document["paths"])
    }
    return _without_suffix(document)


def _without_suffix(document: dict[str, Any]) -> dict[str, Any]:
    """Rename the schemas to their public names: ``SubscriptionView`` becomes ``Subscription``."""
    text = re.sub(r'"((?:#/components/schemas/)?\w+)View"', r'"\1"', json.dumps(document))
    renamed: dict[str, Any] = json.loads(text)
    schemas = renamed["components"]["schemas"]
    renamed["components"]["schemas"] = dict(sorted(schemas.items()))
    return renamed


def _operations(path: str, operations: dict[str, Any]) -> dict[str, Any]:
    """Set each operation's id to its function's name."""
    for method, operation in operations.items():
        suffix = re.sub(r"\W", "_", path) + f"_{method}"
        operation["operationId"] = operation["operationId"].removesuffix(suffix)
        operation["responses"] = dict(sorted(operation["responses"].items()))
    return operations


def written() -> str:
    return json.dumps(description(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(written())
