"""SQS's rules of a batch, and its response: each entry succeeds or fails alone.

A missing id that the queue needs is the exception: it fails the whole batch.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from moto.sqs.constants import MAXIMUM_MESSAGE_LENGTH
from moto.sqs.exceptions import (
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    SQSException,
    TooManyEntriesInBatchRequest,
)

from local.fifo.validation import size

MAX_ENTRIES = 10
ENTRY_ID = re.compile(r"[\w-]{1,80}", re.ASCII)

Entry = dict[str, Any]
FailedEntry = dict[str, Any]
BatchResponse = TypeVar("BatchResponse")


def check_batch(entries: Sequence[Entry]) -> None:
    if not entries:
        raise EmptyBatchRequest
    if len(entries) > MAX_ENTRIES:
        raise TooManyEntriesInBatchRequest(len(entries))
    seen: set[str] = set()
    for entry_id in (entry["Id"] for entry in entries):
        if not ENTRY_ID.fullmatch(entry_id):
            raise InvalidBatchEntryId
        if entry_id in seen:
            raise BatchEntryIdsNotDistinct(entry_id)
        seen.add(entry_id)


def check_batch_size(entries: Iterable[Entry]) -> None:
    total = sum(size(entry["MessageBody"], entry["MessageAttributes"]) for entry in entries)
    if total > MAXIMUM_MESSAGE_LENGTH:
        raise BatchRequestTooLong(total)


def do_each(
    entries: Iterable[Entry], do: Callable[[Entry], BatchResponse]
) -> tuple[list[BatchResponse], list[FailedEntry]]:
    """Return the results of successful entries, and the failed ones."""
    done: list[BatchResponse] = []
    failed: list[FailedEntry] = []
    for entry in entries:
        try:
            done.append(do(entry))
        except SQSException as error:
            failed.append(_failure(entry, error))
    return done, failed


def _failure(entry: Entry, error: SQSException) -> FailedEntry:
    return {
        "Id": entry["Id"],
        "SenderFault": True,
        "Code": error.code,
        "Message": error.message,
    }
