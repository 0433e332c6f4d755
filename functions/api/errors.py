"""Error responses, in the form that the command prints under ``--output json``."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)
from pydantic import BaseModel, Field

from functions.api.http_request import BodyTooLarge, NotJson
from lakehook.domain.errors import (
    Conflict,
    InfrastructureError,
    InvalidInput,
    LakehookError,
    LaneConflict,
    NotFound,
    PendingDeliveries,
    TemplateFailed,
)
from lakehook.domain.json_document import to_ascii_json

CONCEALED = ("secret", "headers", "url")
"""Fields whose values may be credentials: no error repeats one."""

MAX_SHOWN = 40

_STATUSES: tuple[tuple[type[LakehookError], HTTPStatus], ...] = (
    (BodyTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (NotJson, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (InvalidInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (TemplateFailed, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (PendingDeliveries, HTTPStatus.CONFLICT),
    (LaneConflict, HTTPStatus.CONFLICT),
    (InfrastructureError, HTTPStatus.SERVICE_UNAVAILABLE),
)
_WAYS_OUT: Mapping[type[LakehookError], str] = {
    PendingDeliveries: "; discard_waiting=true discards them"
}
_KINDS = {dict: "an object", list: "an array", bool: "true or false", type(None): "null"}


class Error(BaseModel):
    """Reason why nothing was done."""

    error: str = Field(description="Name for programs.", examples=["invalid_subscription"])
    message: str = Field(
        description="One line for people: the field, the value, what is allowed.",
        examples=["ordering: 'loose' is not one of strict, skip"],
    )


def status_of(error: LakehookError) -> HTTPStatus:
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def error_response(error: LakehookError) -> dict[str, str]:
    return error_body(error.kind, str(error) + _WAYS_OUT.get(type(error), ""))


def error_body(kind: str, message: str) -> dict[str, str]:
    return {"error": kind, "message": " ".join(message.split())}


def validation_message(error: RequestValidationError | RequestUnsupportedContentType) -> str:
    """Describe the first mismatch with the API's description, on one line."""
    first = error.errors()[0]
    place = [part for part in first["loc"] if part not in ("body", "query", "path")]
    name = ".".join(map(str, place)) or "body"
    if first["type"] == "extra_forbidden":
        return f"{name[:MAX_SHOWN]}: no such field"
    return f"{name[:MAX_SHOWN]}: {_given(first, place)}{_allowed(first['msg'])}"


def _given(first: Mapping[str, Any], place: Sequence[Any]) -> str:
    """Return the value, unless it may be a credential or is the whole body."""
    if first["type"] == "missing" or not place or place[0] in CONCEALED:
        return ""
    value = first.get("input")
    shown = _KINDS.get(type(value)) or to_ascii_json(value)[:MAX_SHOWN]
    return f"{shown}; "


def _allowed(message: str) -> str:
    return message[:1].lower() + message[1:]
