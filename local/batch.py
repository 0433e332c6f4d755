"""Batches of SQS messages as Lambda makes them, and which messages it deletes afterwards.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
Recorded: tests/outside/aws_lambda.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from local.invocation import InvocationFailure, Result

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef


def event_of(messages: Iterable["MessageTypeDef"], *, queue_arn: str) -> dict[str, Any]:
    return {"Records": [_record(message, queue_arn) for message in messages]}


def _record(message: "MessageTypeDef", queue_arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: _message_attribute(value)
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def _message_attribute(value: "MessageAttributeValueOutputTypeDef") -> dict[str, Any]:
    attribute: dict[str, Any] = {}
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return attribute | {
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }


def done(message_ids: Sequence[str], result: Result, *, reports_failures: bool) -> list[str]:
    """Return the messages to delete. An invalid response keeps the whole batch in the queue."""
    if isinstance(result, InvocationFailure):
        return []
    if not reports_failures:
        return list(message_ids)
    failed = _failed(result.payload)
    if failed is None or not failed <= set(message_ids):
        return []
    return [message_id for message_id in message_ids if message_id not in failed]


def _failed(payload: bytes) -> set[str] | None:
    """Return the ids that a handler reports; None if the response is not a report."""
    try:
        response = json.loads(payload or b"null")
    except ValueError:
        return None
    if response is None:
        return set()
    if not isinstance(response, dict):
        return None
    match response.get("batchItemFailures"):
        case None:
            return set()
        case list(failures):
            ids = {_identifier(failure) for failure in failures}
            return None if "" in ids else ids
    return None


def _identifier(failure: Any) -> str:
    match failure:
        case {"itemIdentifier": str(identifier)}:
            return identifier
    return ""
