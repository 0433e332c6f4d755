"""Messages of a FIFO queue: as sent, stored and received, with receipt handles and moves.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from local.fifo.validation import SqsError, invalid

TWENTY_DIGITS = 10**19


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
