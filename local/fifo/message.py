"""Messages of a FIFO queue: validated, as sent, stored and received, with their receipt handles.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

MAX_ATTRIBUTES = 10
ID = re.compile(r"[!-~]{1,128}")
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

TWENTY_DIGITS = 10**19


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A sent message; ``attributes`` are in SQS's own form (``DataType``, ``StringValue`` …)."""

    id: str
    body: str
    group_id: str
    deduplication_id: str
    sequence: int
    sent_at: float
    attributes: Mapping[str, Any]
    trace_header: str | None = None
    dead_letter_source: str | None = None

    @property
    def sequence_number(self) -> str:
        """Twenty digits, so that numbers also sort as text."""
        return str(TWENTY_DIGITS + self.sequence)


@dataclass(frozen=True, slots=True)
class Sent:
    """Response to a send, and to each duplicate of it."""

    message_id: str
    sequence_number: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """One receive of a message by a consumer."""

    message: Message
    handle: str
    receive_count: int
    first_received_at: float


@dataclass(slots=True)
class StoredMessage:
    """Mutable state of a message in the queue."""

    message: Message
    place: int = 0
    """Position; of the free groups, the one whose head has the lowest is served next."""
    receive_count: int = 0
    first_received_at: float | None = None
    received_at: float = 0.0
    invisible_until: float | None = None

    @property
    def visible(self) -> bool:
        return self.invisible_until is None


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receive of a message, encoded in its handle, so that no handles need to be stored."""

    queue: str
    sequence: int
    receive_count: int

    def handle(self) -> str:
        words = f"{self.queue} {self.sequence} {self.receive_count}"
        return words.encode().hex()

    @classmethod
    def read(cls, handle: str, queue: str) -> Self:
        try:
            name, sequence, receive_count = bytes.fromhex(handle).decode().rsplit(" ", 2)
            receipt = cls(name, int(sequence), int(receive_count))
        except ValueError:
            raise _unreadable(handle) from None
        if name != queue:
            raise _unreadable(handle)
        return receipt

    def check_current(self, entry: StoredMessage) -> None:
        """Raise if the timeout is over, or the message was received again since."""
        if entry.visible or entry.receive_count != self.receive_count:
            raise invalid("ReceiptHandle", self.handle(), "The receipt handle has expired.")

    def held(self, entry: StoredMessage | None) -> StoredMessage:
        """Return the entry while this receipt holds it in flight; raise otherwise."""
        if entry is None:
            raise invalid(
                "ReceiptHandle",
                self.handle(),
                "Message does not exist or is not available for visibility timeout change.",
            )
        if entry.visible:
            raise SqsError("MessageNotInflight", "The specified message isn't in flight.")
        self.check_current(entry)
        return entry


def _unreadable(handle: str) -> SqsError:
    return SqsError("ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not valid.')


def dead_letter(entry: StoredMessage, source: str) -> StoredMessage:
    """Prepare a dead letter; from now on its own id deduplicates it."""
    message = replace(entry.message, deduplication_id=entry.message.id, dead_letter_source=source)
    return StoredMessage(
        message, receive_count=entry.receive_count, first_received_at=entry.first_received_at
    )


def redriven(message: Message, message_id: str) -> StoredMessage:
    """Prepare a redriven message: a new id, and no receives."""
    return StoredMessage(replace(message, id=message_id, dead_letter_source=None))
