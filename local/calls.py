"""Record of a function's AWS calls, to compare with the permissions of its role."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore
import botocore.session

Asked = tuple[str, str]
"""An action in IAM's form, and the resource as in the call."""

_TRANSACTED = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Delete": "dynamodb:DeleteItem",
    "Get": "dynamodb:GetItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
}
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html"""

_ACTIONS = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html"""

_STATEMENT = re.compile(r'(?P<verb>INSERT|UPDATE|DELETE|SELECT)\b[^"]*"(?P<table>[^"]+)"')
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html"""

_PREFIXES = {"sesv2": "ses"}

_NAMED_BY = ("QueueUrl", "SecretId", "KeyId", "TopicArn", "Identity", "Name")


def write_down_calls(path: Path) -> None:
    """Record the calls of every client of this process from now on, one line each."""
    seen: set[Asked] = set()
    function = os.environ["AWS_LAMBDA_FUNCTION_NAME"]  # noqa: TID251  Lambda's way to tell

    def write(**call: Any) -> None:
        service, operation = call["model"].service_model.service_name, call["model"].name
        for asked in set(asked_in(service, operation, call["params"])) - seen:
            seen.add(asked)
            _append(path, json.dumps([function, *asked]))

    def listen(session: botocore.session.Session) -> None:
        session.register("provide-client-params", write)

    botocore.register_initializer(listen)


def _append(path: Path, line: str) -> None:
    """Append in one write, since several processes share the file."""
    with path.open("ab", buffering=0) as file:
        file.write(f"{line}\n".encode())


def asked_in(service: str, operation: str, params: Mapping[str, Any]) -> Iterator[Asked]:
    match operation:
        case "TransactWriteItems" | "TransactGetItems":
            yield from map(_asked_by_action, params["TransactItems"])
        case "BatchGetItem" | "BatchWriteItem":
            for table in params["RequestItems"]:
                yield f"{service}:{operation}", table
        case "BatchExecuteStatement":
            yield from map(_asked_by_statement, params["Statements"])
        case _:
            prefix, action = _PREFIXES.get(service, service), _ACTIONS.get(operation, operation)
            yield f"{prefix}:{action}", _resource(params)


def _asked_by_action(item: Mapping[str, Any]) -> Asked:
    ((kind, value),) = item.items()
    return _TRANSACTED[kind], value["TableName"]


def _asked_by_statement(params: Mapping[str, Any]) -> Asked:
    statement = _STATEMENT.match(params["Statement"])
    assert statement, f"not a statement that Lakehook writes: {params['Statement']}"
    return f"dynamodb:PartiQL{statement['verb'].capitalize()}", statement["table"]


def _resource(params: Mapping[str, Any]) -> str:
    """Return the resource; a mail's identity, the address or its domain, is known only to SES."""
    if "FromEmailAddress" in params:
        return "identity/*"
    if table := params.get("TableName"):
        index = params.get("IndexName")
        return f"{table}/index/{index}" if index else str(table)
    return next((str(params[name]) for name in _NAMED_BY if name in params), "*")


def asked_of(path: Path) -> dict[str, set[Asked]]:
    """Return the calls of each function, by the function's name."""
    asked: dict[str, set[Asked]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        function, action, resource = json.loads(line)
        asked.setdefault(function, set()).add((action, resource))
    return asked
