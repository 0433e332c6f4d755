"""The API: its operations, and how everything that goes wrong is told."""

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

from functions.api import dead_letters, deliveries, pipelines, replays, standing, subscriptions
from functions.api.call import JSON, Call, read_body
from functions.api.fields import open_desk
from functions.api.refusals import misfit, refusal, refusal_of, status_of
from lakehook.desk import Desk
from lakehook.domain.errors import BadInput, LakehookError

PARTS = (subscriptions, standing, deliveries, dead_letters, pipelines, replays)
"""Each with operations of its own; a new one is named here."""

HEADERS = {"content-type": JSON, "cache-control": "no-store"}
"""An answer may hold a secret."""


@dataclass(frozen=True)
class Api:
    desk: Callable[[], Desk]
    trouble: Callable[[Exception], None]
    """Told of what is our own fault, or AWS's."""

    def __call__(self, call: Call, context: Any) -> dict[str, Any]:
        """What a call is answered, in the form of a function's URL."""
        try:
            answered = self.resolver.resolve(call.readable(), context)
        except BadInput as error:
            answered = {"statusCode": status_of(error), "body": json.dumps(refusal_of(error))}
        headers = answered.get("headers", {})
        lowered = {name.lower(): value for name, value in headers.items()}
        status = int(answered["statusCode"])
        return {"statusCode": status, "headers": HEADERS | lowered, "body": answered["body"]}

    @cached_property
    def resolver(self) -> LambdaFunctionUrlResolver:
        app = LambdaFunctionUrlResolver(enable_validation=True, json_body_deserializer=read_body)
        for part in PARTS:
            app.include_router(part.ROUTES)
        app.dependency_overrides[open_desk] = self.desk
        app.exception_handler([RequestValidationError, RequestUnsupportedContentType])(_misfits)
        app.exception_handler(LakehookError)(self._failed)
        app.exception_handler(Exception)(self._broke)
        app.not_found(lambda _: _nowhere(app))
        return app

    def _failed(self, error: LakehookError) -> Response[Any]:
        status = status_of(error)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.trouble(error)
        return _response(status, refusal_of(error))

    def _broke(self, error: Exception) -> Response[Any]:
        """What broke is in the log alone: its text may hold what was given."""
        self.trouble(error)
        said = refusal("unexpected", "a fault of ours; the log tells it under the request's id")
        return _response(HTTPStatus.INTERNAL_SERVER_ERROR, said)


def _misfits(error: RequestValidationError) -> Response[Any]:
    return _response(HTTPStatus.UNPROCESSABLE_ENTITY, refusal("bad_input", misfit(error)))


def _nowhere(app: LambdaFunctionUrlResolver) -> Response[Any]:
    """No such path, or none where that is done (RFC 9110 section 15.5.6).

    A path that is written out is no parameter of another: ``/replays/count`` is no replay.
    """
    path = app.current_event.path
    written_out, others = app._static_routes, app._dynamic_routes  # noqa: SLF001  untold elsewhere
    methods = _methods_at(path, written_out) or _methods_at(path, others)
    if not methods:
        return _response(HTTPStatus.NOT_FOUND, refusal("not_found", "there is no such path"))
    allowed = ", ".join(methods)
    said = refusal("method_not_allowed", f"method: allowed here: {allowed}")
    return _response(HTTPStatus.METHOD_NOT_ALLOWED, said, {"allow": allowed})


def _methods_at(path: str, routes: Iterable[Route]) -> list[str]:
    return sorted({one.method for one in routes if one.rule.match(path)})


def _response(
    status: HTTPStatus, said: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> Response[Any]:
    return Response(int(status), JSON, dict(said), headers=dict(headers or {}))
