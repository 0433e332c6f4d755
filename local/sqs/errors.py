"""The model's refusals in moto's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from moto.sqs.exceptions import SQSException

from local.fifo import Refused


@contextmanager
def said_by_moto() -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        raise SQSException(refusal.code, str(refusal)) from refusal
