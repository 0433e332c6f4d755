"""The HTTP API: its requests, its operations, and the responses for everything that goes wrong.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote, unquote

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Route
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)

from functions.api.parameters import open_service
from functions.api.routes import dead_letters, deliveries, pipelines, replays, subscriptions
from lakehook.domain.errors import InvalidInput, LakehookError, PendingDeliveries
from lakehook.domain.json_document import Document, parse_json_object, to_ascii_json
from lakehook.operations import OperatorService
from lakehook.operations.http_status import http_status_of

MAX_BYTES = 256 * 1024
JSON = "application/json"
_HOLDING_A_SLASH, _SPLIT_IN, _ACTION = ("pipelines", "deliveries"), 4, "send"
"""Only this action stands below a pipeline or a delivery: other segments are its id."""
PARTS = (subscriptions, deliveries, dead_letters, pipelines, replays)
"""Each with operations of its own; a new one is named here."""

HEADERS = {"content-type": JSON, "cache-control": "no-store"}
"""An answer may hold a secret."""


CONCEALED = ("secret", "headers", "url", "key")
"""Fields whose values may be credentials: no error repeats one."""

MAX_SHOWN = 40

_WAYS_OUT: Mapping[type[LakehookError], str] = {
    PendingDeliveries: "; discard_waiting=true discards them"
}

_KINDS = {dict: "an object", list: "an array", bool: "true or false", type(None): "null"}


class InvalidBody(InvalidInput):
    """A body that is not a JSON object."""


class BodyTooLarge(InvalidInput):
    """A body that is too large to be read."""


class NotJson(InvalidInput):
    """A body of another type."""


_STATUSES: Mapping[type[LakehookError], HTTPStatus] = {
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NotJson: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}
"""Of errors that only a request over HTTP can have."""


@dataclass(frozen=True)
class HttpRequest:
    event: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        """Build a request whose path segments are percent-encoded again, as Lambda decodes some.

        A delivery's id contains ``#``, which a path must encode, and ``/`` if its pipeline has a
        named source.
        """
        return cls({**event, "rawPath": _encoded(event["rawPath"])})

    @property
    def method(self) -> str:
        return str(self.event["requestContext"]["http"]["method"])

    @property
    def path(self) -> str:
        return unquote(self.event["rawPath"])

    @property
    def principal(self) -> str | None:
        """ARN whose signature IAM has accepted; None on a laptop, which does not authenticate."""
        authorizer = self.event["requestContext"].get("authorizer") or {}
        return (authorizer.get("iam") or {}).get("userArn")

    def readable(self) -> dict[str, Any]:
        """Return the event with its body as text, or raise an error why it is not read."""
        body = self.event.get("body") or ""
        if not body:
            return dict(self.event)
        self._reject_other_types()
        encoded = self.event.get("isBase64Encoded", False)
        _reject_length(len(body) * 3 // 4 if encoded else len(body))
        text = _text(body) if encoded else body
        return {**self.event, "body": text, "isBase64Encoded": False}

    def _reject_other_types(self) -> None:
        content_type = str(self.event.get("headers", {}).get("content-type", JSON))
        if content_type.partition(";")[0].strip().lower() != JSON:
            raise NotJson(f"content-type: {content_type[:40]!a} is not {JSON}")


def _encoded(path: str) -> str:
    segments = [quote(unquote(segment), safe="") for segment in path.split("/")]
    is_action = len(segments) >= _SPLIT_IN and segments[-1] == _ACTION
    action = [segments.pop()] if is_action else []
    is_split = len(segments) == _SPLIT_IN and all(segments[1:])
    if is_split and segments[1] in _HOLDING_A_SLASH:
        segments[2:] = [quote("/", safe="").join(segments[2:])]
    return "/".join([*segments, *action])


def _reject_length(length: int) -> None:
    if length > MAX_BYTES:
        raise BodyTooLarge(f"body: more than {MAX_BYTES} bytes")


def _text(body: str) -> str:
    try:
        return base64.b64decode(body).decode()
    except ValueError:
        raise InvalidBody("body: not UTF-8") from None


def parse_body(text: str) -> Document:
    try:
        return parse_json_object(text)
    except ValueError as error:
        raise InvalidBody(f"body: {error}") from None


@dataclass(frozen=True)
class Api:
    open_service: Callable[[], OperatorService]
    internal_error: Callable[[Exception], None]
    """Called with an error of ours, or of AWS."""

    def __call__(self, call: HttpRequest, context: Any) -> dict[str, Any]:
        """Handle a request, and return the response in the form of a function URL."""
        try:
            answered = self.resolver.resolve(call.readable(), context)
        except InvalidInput as error:
            answered = {"statusCode": status_of(error), "body": json.dumps(error_response(error))}
        headers = answered.get("headers", {})
        lowered = {name.lower(): value for name, value in headers.items()}
        status = int(answered["statusCode"])
        return {"statusCode": status, "headers": HEADERS | lowered, "body": answered["body"]}

    @cached_property
    def resolver(self) -> LambdaFunctionUrlResolver:
        app = LambdaFunctionUrlResolver(enable_validation=True, json_body_deserializer=parse_body)
        for part in PARTS:
            app.include_router(part.ROUTES)
        app.dependency_overrides[open_service] = self.open_service
        app.exception_handler([RequestValidationError, RequestUnsupportedContentType])(
            _validation_error
        )
        app.exception_handler(LakehookError)(self._failed)
        app.exception_handler(Exception)(self._internal_error)
        app.not_found(lambda _: _not_found(app))
        return app

    def _failed(self, error: LakehookError) -> Response[Any]:
        status = status_of(error)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.internal_error(error)
        return _response(status, error_response(error))

    def _internal_error(self, error: Exception) -> Response[Any]:
        """Return the error without its text, which may contain input; the log has it."""
        self.internal_error(error)
        body = error_body("unexpected", "an internal error, logged under the request's id")
        return _response(HTTPStatus.INTERNAL_SERVER_ERROR, body)


def _validation_error(error: RequestValidationError) -> Response[Any]:
    return _response(
        HTTPStatus.UNPROCESSABLE_ENTITY, error_body("invalid_input", validation_message(error))
    )


def _not_found(app: LambdaFunctionUrlResolver) -> Response[Any]:
    """Return 404, or 405 if the path allows other methods (RFC 9110 section 15.5.6).

    A literal path is not a parameter of another: ``/replays/count`` is not a replay.
    """
    path = app.current_event.path
    static_routes, dynamic_routes = app._static_routes, app._dynamic_routes  # noqa: SLF001
    methods = _methods_at(path, static_routes) or _methods_at(path, dynamic_routes)
    if not methods:
        return _response(HTTPStatus.NOT_FOUND, error_body("not_found", "this path does not exist"))
    allowed = ", ".join(methods)
    body = error_body("method_not_allowed", f"method: allowed here: {allowed}")
    return _response(HTTPStatus.METHOD_NOT_ALLOWED, body, {"allow": allowed})


def _methods_at(path: str, routes: Iterable[Route]) -> list[str]:
    return sorted({route.method for route in routes if route.rule.match(path)})


def _response(
    status: HTTPStatus, document: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> Response[Any]:
    return Response(int(status), JSON, dict(document), headers=dict(headers or {}))


def status_of(error: LakehookError) -> HTTPStatus:
    return _STATUSES.get(type(error)) or http_status_of(error)


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
