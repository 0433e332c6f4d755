"""One FIFO queue: what may be asked of it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from local.fifo.attempts import Attempt, Attempts
from local.fifo.contract import check_content, check_id
from local.fifo.dead_letters import redriven
from local.fifo.deduplication import Deduplication, choose_id
from local.fifo.message import Entry, Message, Received, Sent
from local.fifo.receipt import Receipt
from local.fifo.settings import Limits, Settings
from local.fifo.stock import Counts, Stock
from local.fifo.taking import hand_out, take
from local.fifo.visibility import check_timeout, check_total


class FifoQueue:
    """No operation costs more than the logarithm of what is queued.

    Not thread-safe. ``name`` is what a message in a dead-letter queue calls its source. What SQS
    would refuse raises ``Refused``.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        name: str = "queue.fifo",
        settings: Settings | None = None,
        limits: Limits | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self.name = name
        self.settings = settings or Settings()
        self._clock = clock
        self._limits = limits or Limits()
        self._new_id = new_id
        self._last_sequence = 0
        self._deduplication = Deduplication()
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
        """Answer a duplicate as the first was answered, and drop it."""
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
        """Answer the same attempt id with the same messages, while nobody touched them."""
        hold = (
            self.settings.visibility_timeout if visibility_timeout is None else visibility_timeout
        )
        check_timeout(hold)
        now = self._settle()
        if attempt := self._attempts.repeated(attempt_id, now):
            return attempt.renew(self._stock, now + hold)
        entries = self._take(limit, now + hold)
        received = [hand_out(entry, self.name, now) for entry in entries]
        self._attempts.note(attempt_id, Attempt(entries, received, now + hold), now)
        return received

    def delete(self, handle: str) -> None:
        """Take a message out for good; that it is gone already is no error."""
        self._settle()
        receipt = Receipt.read(handle, self.name)
        if entry := self._stock.find(receipt.sequence):
            receipt.check_current(entry)
            self._stock.remove(entry)

    def change_visibility(self, handle: str, seconds: float) -> None:
        """Count the new timeout from now; 0 gives the message back at once."""
        check_timeout(seconds)
        now = self._settle()
        receipt = Receipt.read(handle, self.name)
        entry = receipt.held(self._stock.find(receipt.sequence))
        check_total(seconds, now - entry.received_at)
        self._stock.hold(entry, now + seconds)

    def purge(self) -> None:
        self._stock = Stock(self._limits)
        self._attempts = Attempts()

    def counts(self) -> Counts:
        self._settle()
        return self._stock.counts()

    def ready_at(self) -> float:
        """Answer when a receive may find something if nobody calls; minus infinity is now."""
        self._settle()
        return self._stock.ready_at(self.settings)

    def next_free(self) -> Message | None:
        """Answer what a receive would find first, without receiving it."""
        self._settle()
        head = self._stock.free_head()
        return head.message if head else None

    def move(self, message: Message, destination: "FifoQueue") -> None:
        """Take out what ``next_free`` answered, and let it begin anew elsewhere."""
        if entry := self._stock.find(message.sequence):
            self._stock.remove(entry)
            destination.admit(redriven(message, self._new_id()))

    def admit(self, entry: Entry) -> None:
        """Take in a message of another queue, whatever was sent here before."""
        self._last_sequence += 1
        entry.message = replace(entry.message, sequence=self._last_sequence, sent_at=self._clock())
        self._stock.add(entry)

    def _settle(self) -> float:
        now = self._clock()
        self._stock.settle(now, self.settings)
        return now

    def _accept(self, message: Message) -> Sent:
        self._last_sequence = message.sequence
        self._stock.add(Entry(message))
        return self._deduplication.note(message, self.settings)

    def _take(self, limit: int, until: float) -> list[Entry]:
        redrive = self.settings.redrive
        return take(self._stock, limit, until=until, redrive=redrive, source=self.name)
