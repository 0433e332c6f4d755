"""Wire format of messages and move tasks."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from moto.sqs.models import DEFAULT_SENDER_ID, Message, _filter_message_attributes

from local.fifo import MoveTask, Received, Sent


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
