"""Batch of the deliveries queue: lanes in parallel, each message acked soon after its end."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from typing import Protocol

from lakehook.domain.delivery import Lane
from lakehook.domain.errors import InvalidMessage
from lakehook.domain.queue_message import Disposition, Message, Nack, ReceivedMessage, decode
from lakehook.ports.queues import DeadLetterQueue, MessageAcks, QueueMessage, Remaining
from lakehook.ports.stores import LedgerSnapshot
from lakehook.ports.telemetry import Telemetry

GRACE_SECONDS = 0.25  # the fast are not kept waiting by the slowest of their batch
PAUSE_AFTER_TROUBLE_SECONDS = 15.0  # doubled each time a message comes back
MAX_PAUSE_SECONDS = 240.0


class LaneDelivery(Protocol):
    def read(self, messages: Sequence[Message]) -> LedgerSnapshot: ...

    def __call__(
        self, received: Sequence[ReceivedMessage], page: LedgerSnapshot, remaining: Remaining
    ) -> Sequence[Disposition]: ...


@dataclass
class BatchResult:
    """Parcels after their lanes were visited."""

    acked: list[QueueMessage] = field(default_factory=list)
    nacked: list[QueueMessage] = field(default_factory=list)


@dataclass(frozen=True)
class DeliverBatch:
    deliver: LaneDelivery
    acks: MessageAcks
    dead_letters: DeadLetterQueue
    telemetry: Telemetry
    workers: Executor

    def __call__(self, batch: Sequence[QueueMessage], remaining: Remaining) -> list[QueueMessage]:
        """Work a batch off, and return the parcels that must come again."""
        messages = {parcel: message for parcel in batch if (message := self._decode(parcel))}
        page = self.deliver.read(list(messages.values()))
        return self._collect(
            {
                self.workers.submit(self._deliver_lane, lane, page, remaining)
                for lane in _by_lane(messages)
            }
        )

    def _decode(self, message: QueueMessage) -> Message | None:
        try:
            return decode(message.body)
        except InvalidMessage as error:
            self.dead_letters.quarantine(message, str(error))
            self.telemetry.quarantined(message.id, message.group, str(error))
            return None

    def _deliver_lane(
        self, lane: Mapping[QueueMessage, Message], snapshot: LedgerSnapshot, remaining: Remaining
    ) -> BatchResult:
        try:
            received = [_received(parcel, message) for parcel, message in lane.items()]
            dispositions = self.deliver(received, snapshot, remaining)
        except Exception as error:  # noqa: BLE001  one lane's trouble must not stop the others
            self.telemetry.internal_error(error, doing="deliver")
            dispositions = [Nack(_pause_after_trouble(lane))] * len(lane)
        outcome = BatchResult()
        for parcel, disposition in zip(lane, dispositions, strict=True):
            if isinstance(disposition, Nack):
                self.acks.nack(parcel, seconds=disposition.delay_seconds)
                outcome.nacked.append(parcel)
            else:
                outcome.acked.append(parcel)
        return outcome

    def _collect(self, visits: set[Future[BatchResult]]) -> list[QueueMessage]:
        again: list[QueueMessage] = []
        while visits:
            finished, visits = wait(visits, return_when=FIRST_COMPLETED)
            soon_after, visits = wait(visits, timeout=GRACE_SECONDS)
            outcomes = [visit.result() for visit in finished | soon_after]
            again += [parcel for outcome in outcomes for parcel in outcome.nacked]
            if visits:  # what is left with the last of them goes with the batch
                self.acks.ack([parcel for outcome in outcomes for parcel in outcome.acked])
        return again


def _pause_after_trouble(lane: Collection[QueueMessage]) -> float:
    """As long for all of a lane, which go in order; longer the longer our own trouble lasts."""
    receives = max(parcel.receives for parcel in lane)
    return min(PAUSE_AFTER_TROUBLE_SECONDS * 2.0 ** min(receives - 1, 10), MAX_PAUSE_SECONDS)


def _received(parcel: QueueMessage, message: Message) -> ReceivedMessage:
    return ReceivedMessage(
        message,
        redelivered=parcel.receives > 1,
        redriven=parcel.redriven,
        attempts_at_death=parcel.attempts_at_death,
    )


def _by_lane(messages: Mapping[QueueMessage, Message]) -> list[dict[QueueMessage, Message]]:
    lanes: dict[Lane, dict[QueueMessage, Message]] = defaultdict(dict)
    for parcel, message in messages.items():
        lanes[message.lane][parcel] = message
    return list(lanes.values())
