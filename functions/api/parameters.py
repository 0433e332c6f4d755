"""Parameters, dependencies and error responses that the operations share."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Depends
from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver, Router
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import BeforeValidator

from lakehook.domain.errors import InvalidInput
from lakehook.domain.event import DEFAULT_SOURCE
from lakehook.domain.time import FORMS
from lakehook.operations import OperatorService

MAX_LISTED, DEFAULT_LISTED = 1000, 100
ANSWERS_WITHIN_MS = 5000
DURATION = "^(0|[0-9]{1,9}[smhd])$"
SubscriptionId = Annotated[
    str,
    BeforeValidator(unquote),
    Path(description="Its id, or its name if no other has it.", examples=["sub_0123"]),
]
DeliveryId = Annotated[
    str,
    BeforeValidator(unquote),
    Path(
        description="`<subscription>#<pipeline>#<sequence>`, by the subscription's id or name,"
        " percent-encoded: `#` is `%23`, and `/` of a named source's `staging/39` is `%2F`.",
        examples=["sub_0123#39#2"],
    ),
]
PipelineId = Annotated[
    str,
    BeforeValidator(unquote),
    Path(
        description="The pipeline's id; of a named source with `source`, or as `staging/39`,"
        " percent-encoded: `/` is `%2F`.",
        examples=["39"],
    ),
]
ParkedId = Annotated[
    str,
    BeforeValidator(unquote),
    Path(description="Its id, as the list shows it.", examples=["5fea7756-0ea4-451a"]),
]
OfSource = Annotated[
    str | None,
    Query(
        description=f"Pipelines of this source; `{DEFAULT_SOURCE}` is the default one.",
        examples=["staging"],
    ),
]
OfSubscription = Annotated[
    str | None,
    Query(description="Of this subscription, by id or name; a removed one by id."),
]
Limit = Annotated[int, Query(description="At most this many.", ge=1, le=MAX_LISTED)]
Cursor = Annotated[
    str | None, Query(description="The `next` of the previous page; default: the first page.")
]
Since = Annotated[
    str | None,
    Query(
        description=f"Changed since then: {FORMS}.",
        examples=["2026-01-01T12:00:00Z", "2h"],
    ),
]
OlderThan = Annotated[
    str,
    Query(description="In their state for at least this long.", pattern=DURATION, examples=["15m"]),
]
_WORDS = {
    HTTPStatus.NOT_FOUND: "Nothing has this id.",
    HTTPStatus.CONFLICT: "It has changed, its name is taken, or deliveries wait for it.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not `application/json`.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Invalid input; nothing was changed.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "An internal error, logged under the request's id.",
    HTTPStatus.SERVICE_UNAVAILABLE: "AWS failed; try again.",
}
_ALWAYS = (422, 500, 503)
_BODY_ERRORS = (413, 415)


class ListTooLong(InvalidInput):
    """More than can be read while a caller waits."""


def open_service() -> OperatorService:
    raise NotImplementedError("whoever makes the app says which service it uses")


Service = Annotated[OperatorService, Depends(open_service)]


def before_timeout(router: Router, *, instead: str) -> Callable[[int], None]:
    """Return a progress callback that raises ``ListTooLong`` before Lambda's timeout."""

    def check_time(_read: int) -> None:
        if router.lambda_context.get_remaining_time_in_millis() < ANSWERS_WITHIN_MS:
            raise ListTooLong(f"time: too much to read in this call; {instead}")

    return check_time


def operation(
    summary: str, *failures: int, status: int = 200, body: bool = False
) -> dict[str, Any]:
    """Return the responses of an operation: success, its own failures, and common ones."""
    refused = sorted({*failures, *_ALWAYS, *(_BODY_ERRORS if body else ())})
    answers = {
        status: {"description": summary},
        **{status_code: _failure(status_code) for status_code in refused},
    }
    return {"status_code": status, "responses": answers, "middlewares": [reject_unknown_parameters]}


def reject_unknown_parameters(app: ApiGatewayResolver, call: Callable[..., Any]) -> Any:
    """Reject unknown parameters, which Powertools would ignore."""
    declared, event = app.context["_route"].dependant, app.current_event
    names = {query_param.alias for query_param in declared.query_params}
    for name in event.query_string_parameters or ():
        if name not in names:
            raise InvalidInput(
                f"{name[:40]!a}: no such parameter; known: {', '.join(sorted(names)) or 'none'}"
            )
    if event.body and not declared.body_params:
        raise InvalidInput("body: not allowed here")
    return call(app)


def _failure(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Refusal"}
    return {
        "description": _WORDS[HTTPStatus(status)],
        "content": {"application/json": {"schema": schema}},
    }
