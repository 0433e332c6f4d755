"""The HTTP API: its operations, and the error responses for everything that goes wrong."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Route
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)

from functions.api.http_request import JSON, HttpRequest, parse_body
from functions.api.parameters import open_service
from functions.api.responses import error_body, error_response, status_of, validation_message
from functions.api.routes import dead_letters, deliveries, pipelines, replays, subscriptions
from lakehook.domain.errors import InvalidInput, LakehookError
from lakehook.operations import OperatorService

PARTS = (subscriptions, deliveries, dead_letters, pipelines, replays)
"""Each with operations of its own; a new one is named here."""

HEADERS = {"content-type": JSON, "cache-control": "no-store"}
"""An answer may hold a secret."""


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
