"""A message in its three lives: as it was sent, as it stands in the queue, as it is received."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TWENTY_DIGITS = 10**19


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What was sent; ``attributes`` are in SQS's own shape (``DataType``, ``StringValue`` …)."""

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
        """Twenty digits, so that numbers rise as text too."""
        return str(TWENTY_DIGITS + self.sequence)


@dataclass(frozen=True, slots=True)
class Sent:
    """The answer to a send, and to each duplicate of it."""

    message_id: str
    sequence_number: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """One hand-out of a message to one consumer."""

    message: Message
    handle: str
    receive_count: int
    first_received_at: float


@dataclass(slots=True)
class Entry:
    """A message's place in the queue: the part that changes."""

    message: Message
    receive_count: int = 0
    first_received_at: float | None = None
    received_at: float = 0.0
    invisible_until: float | None = None

    @property
    def visible(self) -> bool:
        return self.invisible_until is None
