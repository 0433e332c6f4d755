"""Validation of what a sender passes to SQS, and its error.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

import re
from collections.abc import Mapping
from typing import Any

MAX_ATTRIBUTES = 10
ID = re.compile(r"[!-~]{1,128}")
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class SqsError(Exception):
    """A request that SQS would reject with the error ``code``."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def invalid(parameter: str, value: object, reason: str) -> SqsError:
    return SqsError(
        "InvalidParameterValue",
        f"Value {value} for parameter {parameter} is invalid. Reason: {reason}",
    )


def missing(parameter: str) -> SqsError:
    return SqsError("MissingParameter", f"The request must contain the parameter {parameter}.")


def check_id(parameter: str, value: str) -> None:
    if not ID.fullmatch(value):
        raise invalid(parameter, value, "Must be 1 to 128 alphanumeric or punctuation characters.")


def check_content(body: str, attributes: Mapping[str, Any], maximum_size: int) -> None:
    _check_body(body)
    _check_attributes(attributes)
    if size(body, attributes) > maximum_size:
        raise SqsError(
            "InvalidParameterValue",
            "One or more parameters are invalid. "
            f"Reason: Message must be shorter than {maximum_size} bytes.",
        )


def size(body: str, attributes: Mapping[str, Any]) -> int:
    """Return the size in bytes; an attribute counts with its name, type and value."""
    return len(_bytes(body)) + sum(
        len(_bytes(name)) + sum(len(_bytes(part)) for part in attribute.values())
        for name, attribute in attributes.items()
    )


def _check_body(body: str) -> None:
    if not body:
        raise missing("MessageBody")
    if FORBIDDEN.search(body):
        raise SqsError(
            "InvalidMessageContents", "The message contains characters outside the allowed set."
        )


def _check_attributes(attributes: Mapping[str, Any]) -> None:
    if len(attributes) > MAX_ATTRIBUTES:
        raise SqsError(
            "InvalidParameterValue",
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum "
            f"[{MAX_ATTRIBUTES}].",
        )
    for name, attribute in attributes.items():
        _check_attribute(name, attribute)


def _check_attribute(name: str, attribute: Mapping[str, Any]) -> None:
    value = attribute.get("StringValue") or attribute.get("BinaryValue")
    if not value or (isinstance(value, str) and FORBIDDEN.search(value)):
        raise SqsError(
            "InvalidParameterValue",
            f"The message attribute '{name}' must contain a non-empty value of allowed characters.",
        )


def _bytes(value: str | bytes) -> bytes:
    # A lone surrogate is rejected as a forbidden character, but a batch is measured before that.
    return value.encode(errors="surrogatepass") if isinstance(value, str) else value
