"""OpenAPI description: ``python -m functions.api.openapi > docs/openapi.json``."""

import json
import re
import sys
from typing import Any

from functions.api.app import Api
from functions.api.errors import Error
from functions.api.parameters import open_service
from functions.api.webhooks import webhook_schemas, webhooks
from lakehook import __version__

DESCRIPTION = """\
What the `lakehook` command does, over HTTP: the same use cases, the same JSON.

Every call is signed with AWS Signature Version 4 for the service `lambda`, by a principal that may
`lambda:InvokeFunctionUrl` and `lambda:InvokeFunction` on the function; any other is answered 403 by
Lambda itself. Whatever goes wrong is told as `{"error": …, "message": …}`, one line, and then
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


def description() -> dict[str, Any]:
    resolver = Api(open_service, lambda _: None).resolver
    told: dict[str, Any] = json.loads(
        resolver.get_openapi_json_schema(
            title="Lakehook", version=__version__, description=DESCRIPTION
        )
    )
    schemas = told["components"]["schemas"]
    for name in OF_POWERTOOLS:
        schemas.pop(name, None)
    schemas["Refusal"] = Error.model_json_schema()
    schemas |= webhook_schemas()
    told["webhooks"] = webhooks()
    told["components"]["securitySchemes"] = {"sigv4": SIGNED}
    told["security"] = [{"sigv4": []}]
    told["paths"] = {path: _operations(path, told["paths"][path]) for path in sorted(told["paths"])}
    return _without_suffix(told)


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
