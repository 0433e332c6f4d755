"""One FIFO queue: send, receive, delete, and visibility timeouts.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from local.fifo.message import (
    Message,
    Receipt,
    Received,
    Sent,
    StoredMessage,
    check_content,
    check_id,
    dead_letter,
    invalid,
    redriven,
)
from local.fifo.message_store import (
    Counts,
    Deduplication,
    Limits,
    MessageStore,
    QueueSettings,
    ReceiveAttempt,
    ReceiveAttempts,
    RedrivePolicy,
    choose_id,
)

MAX_SECONDS = 43_200


def take(
    stock: MessageStore, limit: int, *, until: float, redrive: RedrivePolicy | None, source: str
) -> list[StoredMessage]:
    """Receive from the next group, then from the one after it; dead-letter exhausted messages."""
    taken: list[StoredMessage] = []
    room = min(limit, stock.room_in_flight())
    while len(taken) < room and (head := stock.free_head()):
        for entry in stock.free_run(head, room - len(taken)):
            if redrive and entry.receive_count >= redrive.max_receive_count:
                stock.remove(entry)
                redrive.queue.admit(dead_letter(entry, source))
            else:
                stock.hold(entry, until)
                taken.append(entry)
    return taken


def hand_out(entry: StoredMessage, queue: str, now: float) -> Received:
    entry.receive_count += 1
    entry.received_at = now
    if entry.first_received_at is None:
        entry.first_received_at = now
    return Received(
        message=entry.message,
        handle=Receipt(queue, entry.message.sequence, entry.receive_count).handle(),
        receive_count=entry.receive_count,
        first_received_at=entry.first_received_at,
    )


def check_timeout(seconds: float) -> None:
    if not 0 <= seconds <= MAX_SECONDS:
        raise invalid(
            "VisibilityTimeout", seconds, f"Must be between 0 and {MAX_SECONDS}, if provided."
        )


def check_total(seconds: float, held_seconds: float) -> None:
    """Check the total of twelve hours from the receive, which changes do not extend."""
    if held_seconds + seconds > MAX_SECONDS:
        raise invalid(
            "VisibilityTimeout",
            seconds,
            f"Total VisibilityTimeout for the message is beyond the limit [{MAX_SECONDS} seconds]",
        )


class FifoQueue:
    """A queue; operations cost at most the logarithm of the number of messages.

    Not thread-safe. ``name`` is the source in a dead-letter queue's messages. What SQS would reject
    raises ``SqsError``.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        name: str = "queue.fifo",
        settings: QueueSettings | None = None,
        limits: Limits | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self.name = name
        self.settings = settings or QueueSettings()
        self._clock = clock
        self._limits = limits or Limits()
        self._new_id = new_id
        self._last_sequence = 0
        self.purge()

    def send(
        self,
        body: str,
        *,
        group_id: str,
        deduplication_id: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        trace_header: str | None = None,
    ) -> Sent:
        """Send; a duplicate gets the first one's response, and is dropped."""
        check_content(body, attributes or {}, self.settings.maximum_message_size)
        check_id("MessageGroupId", group_id)
        message = Message(
            id=self._new_id(),
            body=body,
            group_id=group_id,
            deduplication_id=choose_id(deduplication_id, body, self.settings),
            sequence=self._last_sequence + 1,
            sent_at=self._settle(),
            attributes=attributes or {},
            trace_header=trace_header,
        )
        return self._deduplication.earlier(message, self.settings) or self._accept(message)

    def receive(
        self,
        limit: int = 1,
        *,
        visibility_timeout: float | None = None,
        attempt_id: str | None = None,
    ) -> list[Received]:
        """Receive; the same attempt id returns the same messages while they are untouched."""
        hold = (
            self.settings.visibility_timeout if visibility_timeout is None else visibility_timeout
        )
        check_timeout(hold)
        now = self._settle()
        if attempt := self._attempts.repeated(attempt_id, now):
            return attempt.renew(self._stock, now + hold)
        entries = self._take(limit, now + hold)
        received = [hand_out(entry, self.name, now) for entry in entries]
        self._attempts.note(attempt_id, ReceiveAttempt(entries, received, now + hold), now)
        return received

    def delete(self, handle: str) -> None:
        """Delete a message; deleting it again is not an error."""
        self._settle()
        receipt = Receipt.read(handle, self.name)
        if entry := self._stock.find(receipt.sequence):
            receipt.check_current(entry)
            self._stock.remove(entry)

    def change_visibility(self, handle: str, seconds: float) -> None:
        """Set the timeout from now; 0 returns the message at once."""
        check_timeout(seconds)
        now = self._settle()
        receipt = Receipt.read(handle, self.name)
        entry = receipt.held(self._stock.find(receipt.sequence))
        check_total(seconds, now - entry.received_at)
        self._stock.hold(entry, now + seconds)

    def purge(self) -> None:
        """Purge, with the deduplication ids: the same message may be sent again at once."""
        self._deduplication = Deduplication()
        self._stock = MessageStore(self._limits)
        self._attempts = ReceiveAttempts()

    def messages(self) -> list[Message]:
        """Every message of the queue, also those in flight, in the order they were sent."""
        self._settle()
        numbers = range(1, self._last_sequence + 1)
        return [entry.message for number in numbers if (entry := self._stock.find(number))]

    def counts(self) -> Counts:
        self._settle()
        return self._stock.counts()

    def ready_at(self) -> float:
        """Return when a receive may find something without further calls; now is minus infinity."""
        self._settle()
        return self._stock.ready_at(self.settings)

    def next_free(self) -> Message | None:
        """Return what a receive would find first, without receiving it."""
        self._settle()
        head = self._stock.free_head()
        return head.message if head else None

    def move(self, message: Message, destination: "FifoQueue") -> None:
        """Move what ``next_free`` returned to another queue, as a new message."""
        if entry := self._stock.find(message.sequence):
            self._stock.remove(entry)
            destination.admit(redriven(message, self._new_id()))

    def admit(self, entry: StoredMessage) -> None:
        """Accept a message of another queue, without deduplication."""
        self._last_sequence += 1
        entry.message = replace(entry.message, sequence=self._last_sequence, sent_at=self._clock())
        self._stock.add(entry)

    def _settle(self) -> float:
        now = self._clock()
        self._stock.settle(now, self.settings)
        return now

    def _accept(self, message: Message) -> Sent:
        self._last_sequence = message.sequence
        self._stock.add(StoredMessage(message))
        return self._deduplication.note(message, self.settings)

    def _take(self, limit: int, until: float) -> list[StoredMessage]:
        redrive = self.settings.redrive
        return take(self._stock, limit, until=until, redrive=redrive, source=self.name)
