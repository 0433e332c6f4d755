"""Requests and responses of a Lambda function URL, payload format 2.0.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class NotificationRequest:
    method: str
    path: str
    query: str = field(repr=False)
    body: bytes = field(repr=False)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        body = event.get("body") or ""
        return cls(
            method=event["requestContext"]["http"]["method"],
            path=event["rawPath"],
            query=event.get("rawQueryString", ""),
            body=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(),
        )


def function_url_response(
    status: int, document: Mapping[str, Any], **headers: str
) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", **headers},
        "body": json.dumps(document),
    }
