"""Wire format of messages, batches and move tasks, with SQS's rules of a batch.

Each entry of a batch succeeds or fails alone. A missing id that the queue needs is the exception:
it fails the whole batch.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self, TypeVar

from moto.sqs.constants import MAXIMUM_MESSAGE_LENGTH
from moto.sqs.exceptions import (
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    SQSException,
    TooManyEntriesInBatchRequest,
)
from moto.sqs.models import DEFAULT_SENDER_ID, Message, _filter_message_attributes

from local.fifo import MoveTask, Received, Sent
from local.fifo.message import size

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


class WireMessage(Message):
    """Temporary message that uses moto's checksums and its selection of attributes."""

    user_id: str

    def __new__(cls, *_: Any, **__: Any) -> Self:
        # moto keeps every instance of its models for its dashboard: these would never be freed.
        return object.__new__(cls)

    def __init__(self, message_id: str, body: str, attributes: Mapping[str, Any]) -> None:
        super().__init__(message_id, body)
        self.message_attributes = dict(attributes)


def sent_message(sent: Sent, body: str, attributes: Mapping[str, Any]) -> WireMessage:
    wire = WireMessage(sent.message_id, body, attributes)
    wire.sequence_number = sent.sequence_number
    return wire


def received_message(
    received: Received, *, system_names: Iterable[str], names: list[str]
) -> dict[str, Any]:
    message = received.message
    wire = WireMessage(message.id, message.body, message.attributes)
    _filter_message_attributes(wire, names)
    shown: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": received.handle,
        "MD5OfBody": wire.body_md5,
        "Body": message.body,
    }
    if wire.message_attributes:
        shown["MessageAttributes"] = wire.message_attributes
        shown["MD5OfMessageAttributes"] = wire.attribute_md5
    if attributes := _chosen(_system_attributes(received), set(system_names)):
        shown["Attributes"] = attributes
    return shown


def move_task(task: MoveTask) -> dict[str, Any]:
    """Return the task; only a running one has a handle, since no other can be cancelled."""
    return _without_nones(
        {
            "TaskHandle": task.handle if task.status == "RUNNING" else None,
            "Status": task.status,
            "SourceArn": task.source.name,
            "DestinationArn": task.destination.name if task.destination else None,
            "MaxNumberOfMessagesPerSecond": task.per_second,
            "ApproximateNumberOfMessagesMoved": task.moved,
            "ApproximateNumberOfMessagesToMove": task.to_move,
            "FailureReason": task.failure,
            "StartedTimestamp": _milliseconds(task.started_at),
        }
    )


def _system_attributes(received: Received) -> dict[str, str]:
    message = received.message
    return _without_nones(
        {
            "ApproximateFirstReceiveTimestamp": str(_milliseconds(received.first_received_at)),
            "ApproximateReceiveCount": str(received.receive_count),
            "AWSTraceHeader": message.trace_header,
            "DeadLetterQueueSourceArn": message.dead_letter_source,
            "MessageDeduplicationId": message.deduplication_id,
            "MessageGroupId": message.group_id,
            "SenderId": DEFAULT_SENDER_ID,
            "SentTimestamp": str(_milliseconds(message.sent_at)),
            "SequenceNumber": message.sequence_number,
        }
    )


def _chosen(attributes: dict[str, str], names: set[str]) -> dict[str, str]:
    if "All" in names:
        return attributes
    return {name: value for name, value in attributes.items() if name in names}


def _without_nones(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
