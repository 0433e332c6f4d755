"""Actions of moto that the functions call all the time, without the web framework around them.

Flask, CORS, and moto's walk through the model of the service for each request and each response
cost several times what the action costs. These are the actions of SQS and DynamoDB on messages and
items: their JSON is what moto's handlers take and return, except for binary values.
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.responses import BaseResponse
from moto.core.serialize import get_serializer_class
from moto.core.utils import camelcase_to_underscores, get_service_model
from moto.dynamodb.responses import DynamoHandler
from werkzeug.exceptions import HTTPException

from local.account import ACCOUNT_ID, REGION
from local.http_server import Answer, HttpResponse, ServerRequest, later
from local.sqs.backend import ModelledResponse

Params = dict[str, Any]

_MAY_BE_BINARY = (b'"B"', b'"BS"', b'"BinaryValue"')
_ITEMS = (
    "BatchExecuteStatement",
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactWriteItems",
    "UpdateItem",
)
_MESSAGES = (
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ReceiveMessage",
    "SendMessage",
    "SendMessageBatch",
)
_JSON = "application/x-amz-json-1.0"


class MotoAction:
    """One action of a service, called with the parameters of its JSON."""

    def __init__(self, name: str, service: str, handler: Callable[[], BaseResponse]) -> None:
        self.name = name
        self._handler = handler
        self._method = camelcase_to_underscores(name)
        self._operation = get_service_model(service).operation_model(name)
        self._serializer = get_serializer_class(service, "json")

    def __call__(self, params: Params) -> Any:
        """Return the result; moto's exception is the service's refusal."""
        handler = self._handler()
        handler.params = params
        handler.body = params
        handler.region, handler.current_account = REGION, ACCOUNT_ID
        handler.uri_match, handler.response_headers = {}, {}
        return getattr(handler, self._method)().result

    def serve(self, request: ServerRequest) -> HttpResponse:
        try:
            result = self(self._params(request.body))
        except ServiceException as refusal:
            return self._refused(refusal)
        except HTTPException as refusal:
            body = (refusal.description or "").encode()
            return HttpResponse(refusal.code or 400, body, [("Content-Type", _JSON)])
        return _to_json(result)

    def _params(self, body: bytes) -> Params:
        params: Params = json.loads(body or b"{}")
        if not any(mark in body for mark in _MAY_BE_BINARY):
            return params
        parser: Any = PROTOCOL_PARSERS["json"](self._operation, map_type=dict)
        parsed: Params = parser.parse({"body": body})
        return parsed

    def _refused(self, refusal: ServiceException) -> HttpResponse:
        response = self._serializer(operation_model=self._operation).serialize(refusal)
        body = response["body"]
        return HttpResponse(
            response["status_code"],
            body if isinstance(body, bytes) else body.encode(),
            tuple(response["headers"].items()),
        )


def _to_json(result: Any) -> HttpResponse:
    shown = {} if result is None else {k: v for k, v in result.items() if v is not None}
    body = json.dumps(shown, separators=(",", ":"), default=_base64).encode()
    return HttpResponse(body=body, headers=[("Content-Type", _JSON)])


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def frequent_actions() -> Mapping[str, Callable[[ServerRequest], Answer]]:
    """Return what serves each action, by the header X-Amz-Target."""
    items = {name: MotoAction(name, "dynamodb", DynamoHandler) for name in _ITEMS}
    messages = {name: MotoAction(name, "sqs", ModelledResponse) for name in _MESSAGES}
    served: dict[str, Callable[[ServerRequest], Answer]] = {
        **{f"DynamoDB_20120810.{name}": action.serve for name, action in items.items()},
        **{f"AmazonSQS.{name}": action.serve for name, action in messages.items()},
    }
    receive = messages["ReceiveMessage"]
    served["AmazonSQS.ReceiveMessage"] = lambda request: later(lambda: receive.serve(request))
    return served  # a long poll waits, so a receive needs a thread
