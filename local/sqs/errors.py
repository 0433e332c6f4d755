"""Errors of the model as moto's errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from moto.sqs.exceptions import InvalidParameterValue, SQSException

from local.fifo import SqsError


@contextmanager
def said_by_moto() -> Iterator[None]:
    try:
        yield
    except SqsError as refusal:
        raise SQSException(refusal.code, str(refusal)) from refusal


def refuse(parameter: str, value: object) -> None:
    """Reject a parameter, if given, that applies only to the other type of queue."""
    if value:
        raise InvalidParameterValue(
            f"Value {value} for parameter {parameter} is invalid. Reason: "
            "The request include parameter that is not valid for this queue type."
        )
