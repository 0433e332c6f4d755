"""A caller of the HTTP API: events as Lambda passes them, and the responses it takes back.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html, and tests/outside/aws_lambda.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from local.function_url import to_parameters
from tests.contracts.test_handlers import Context

PRINCIPAL = "arn:aws:iam::111122223333:user/operator"


def a_call(
    method: str,
    target: str,
    body: bytes | None = None,
    *,
    content_type: str | None = "application/json",
    encoded: bool = False,
    principal: str | None = PRINCIPAL,
) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads"""
    parts = urlsplit(target)
    text = None if body is None else base64.b64encode(body).decode() if encoded else body.decode()
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": parts.path,
        "rawQueryString": parts.query,
        "queryStringParameters": to_parameters(parts.query),
        "headers": {"content-type": content_type} if content_type else {},
        "requestContext": {
            "http": {"method": method, "path": parts.path, "sourceIp": "192.0.2.1"},
            "stage": "$default",
            **({"authorizer": {"iam": {"userArn": principal}}} if principal else {}),
        },
        "body": text,
        "isBase64Encoded": encoded,
    }


@dataclass(frozen=True)
class ApiResponse:
    status: int
    headers: Mapping[str, str] = field(repr=False)
    document: Any


@dataclass(frozen=True)
class Caller:
    answer: Callable[[dict[str, Any], Any], dict[str, Any]]

    def __call__(self, method: str, target: str, document: Any = None, **terms: Any) -> ApiResponse:
        body = None if document is None else json.dumps(document).encode()
        return self.raw(a_call(method, target, body, **terms))

    def raw(self, event: dict[str, Any]) -> ApiResponse:
        response = self.answer(event, Context())
        json.dumps(response)  # as the runtime does
        document = json.loads(response["body"])
        return ApiResponse(response["statusCode"], response["headers"], document)
