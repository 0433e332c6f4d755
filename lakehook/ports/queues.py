"""Ports of the queues: events, deliveries, dead letters and invalid messages."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from lakehook.domain.delivery import Delivery, Lane, SequencedEvent
from lakehook.domain.event import Event
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.ping import Ping
from lakehook.domain.pipeline import EventSkip, Pipeline, PipelineTransition
from lakehook.domain.queue_message import Resume

Remaining = Callable[[], float]
"""Seconds until the invocation that asks comes to its end."""


class Journal(Protocol):
    """Every event of every pipeline, once, with its sequence."""

    def load(self, event: Event) -> tuple[Pipeline, Sequence[SequencedEvent]]:
        """Where the event's pipeline stands; and the event itself if it is already in.

        It comes last then, after those that were inferred from it.
        """

    def append(self, advance: PipelineTransition) -> None:
        """Write counter and events together.

        ``InfrastructureError`` if the pipeline has moved on.
        """

    def record_skipped(self, event: Event, skip: EventSkip) -> None:
        """Record a notice that is not sent, and why; with it what the pipeline has learnt.

        ``InfrastructureError`` if the pipeline has moved on meanwhile.
        """


class DeliveryQueue(Protocol):
    def enqueue_deliveries(self, deliveries: Sequence[Delivery]) -> Collection[str]:
        """Put deliveries on their lanes, at most one of each lane; the ids that did not go."""


@dataclass(frozen=True)
class EventMessage:
    """A message of the events queue, as it came."""

    id: str
    group: str
    body: str


class InvalidEventQueue(Protocol):
    def quarantine(self, message: EventMessage, reason: str) -> None:
        """Put a bad message aside, whole, with the reason."""


@dataclass(frozen=True)
class QueueMessage:
    """A message of the deliveries queue, as it came."""

    id: str
    group: str
    body: str
    receipt: str
    receives: int = 1
    redriven: bool = False
    attempts_at_death: int | None = None  # as a redriven letter tells them


class MessageAcks(Protocol):
    """What may be done with messages we hold; a receipt that is no longer good is let be."""

    def ack(self, messages: Sequence[QueueMessage]) -> None:
        """Their work is done: they go, and their lanes go on."""

    def nack(self, message: QueueMessage, *, seconds: float) -> None:
        """Let it come back after so long, in whole seconds, never earlier."""


class ResumeQueue(Protocol):
    def enqueue_resumes(self, resumes: Sequence[Resume]) -> Collection[Lane]:
        """Send word to lanes that they may go on; those that could not be told."""


class PingQueue(Protocol):
    def enqueue_ping(self, ping: Ping) -> None:
        """Have an endpoint pinged."""


class DeadLetterQueue(Protocol):
    def send(self, record: DeliveryRecord, *, endpoint: str) -> None:
        """Put a delivery on the dead-letter queue, as it was, with what an operator reads."""

    def quarantine(self, message: QueueMessage, reason: str) -> None:
        """Put a message aside, whole, that is no delivery at all."""


class DeadLetterRedriver(Protocol):
    def send(self, record: DeliveryRecord, *, endpoint: str) -> None:
        """Send a dead letter back to its lane, with the attributes that tell a redrive."""


class DeadLetterCopies(Protocol):
    """What the dead-letter queue shows an operator's console; the ledger alone knows all."""

    def delete_copies(self, records: Collection[DeliveryRecord]) -> int:
        """Take letters off the queue, as far as they are found there; how many were."""
