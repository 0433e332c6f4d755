"""Ports of the queues: events, deliveries, dead letters and invalid messages."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.queue_message import Message, Ping, Resume

Remaining = Callable[[], float]
"""Seconds until the current invocation ends, or the message it is for may be received again."""


class DeliveryQueue(Protocol):
    def enqueue_deliveries(self, deliveries: Sequence[Delivery]) -> Collection[str]:
        """Enqueue deliveries, at most one of each lane, and return the ids of those that failed."""

    def enqueue_resumes(self, resumes: Sequence[Resume]) -> Collection[Lane]:
        """Enqueue resumes, and return the lanes of those that failed."""

    def enqueue_ping(self, ping: Ping) -> None:
        """Enqueue a ping of an endpoint."""


@dataclass(frozen=True)
class EventMessage:
    """A message of the events queue, as it came."""

    id: str
    group: str
    body: str
    receipt: str = ""
    receives: int = 1


class UnfinishedAttempts(Protocol):
    """Counter of attempts at single events that were started and have no known outcome."""

    def count(self, messages: Sequence[EventMessage]) -> Mapping[EventMessage, int]:
        """Read the count of each message consistently; missing means 0."""

    def save(self, message: EventMessage, number: int) -> None:
        """Save the count of one message."""


class InvalidEventQueue(Protocol):
    def quarantine(self, message: EventMessage, reason: str) -> None:
        """Quarantine an invalid message unchanged, with the reason."""


@dataclass(frozen=True, kw_only=True)
class ParkedEvent:
    """An event that was quarantined, with the reason."""

    id: str  # of the message on the queue
    pipeline_key: str
    reason: str
    body: str
    parked_at: float


class ParkedEventQueue(Protocol):
    """Quarantined events, for people: read, mended and sent again, or deleted."""

    def count(self) -> int:
        """About how many there are."""

    def list(self) -> list[ParkedEvent]:
        """Return the messages that the queue shows, the oldest first."""

    def delete(self, ids: Collection[str]) -> int:
        """Delete these, and return how many were found."""


@dataclass(frozen=True)
class QueueMessage:
    """A message of the deliveries queue, as it came."""

    id: str
    group: str
    body: str
    receipt: str
    receives: int = 1
    received_at: float | None = None  # unix seconds; None if it was received before
    redriven: bool = False
    attempts_at_death: int | None = None  # of a redriven dead letter


InFlightMessage = EventMessage | QueueMessage
"""A message that was received and neither deleted nor returned."""


class MessageAcks(Protocol):
    """Ack or nack messages in flight; an expired receipt is ignored."""

    def ack(self, messages: Sequence[InFlightMessage]) -> None:
        """Delete processed messages, so that their groups advance."""

    def nack(self, message: InFlightMessage, *, seconds: float) -> None:
        """Make the message visible again after this time, rounded up to whole seconds.

        At once if the time is negative.
        """

    def extend(
        self, messages: Sequence[InFlightMessage], *, seconds: float
    ) -> Collection[InFlightMessage]:
        """Keep messages invisible from now on, and return those whose receipt has expired."""


class DeadLetterQueue(Protocol):
    """Copies of dead letters, for the console; the ledger decides what is dead."""

    def send(self, record: DeliveryRecord, *, endpoint: str) -> None:
        """Send a delivery to the dead-letter queue, with attributes for operators."""

    def quarantine(self, message: QueueMessage, reason: str) -> None:
        """Quarantine a message unchanged that is not valid."""

    def delete_copies(self, records: Collection[DeliveryRecord]) -> int:
        """Delete the copies that are found on the queue, and return how many."""

    def without_reason(self) -> Sequence[Message | None]:
        """Return messages without a reason: SQS or a person moved them there, not Lakehook.

        None is a message that cannot be read.
        """


class OperatorNotifier(Protocol):
    def publish(self, subject: str, text: str) -> None:
        """Notify the people who operate the deployment."""


class DeadLetterRedriver(Protocol):
    def send(self, record: DeliveryRecord, *, endpoint: str) -> None:
        """Send a dead letter back to its lane, with the attributes that mark a redrive."""
