"""Deliver a batch: its lanes side by side, each message let go soon after it is done."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from typing import Protocol

from lakehook.domain.delivery import Lane
from lakehook.domain.disposition import Again, Disposition
from lakehook.domain.errors import BadMessage
from lakehook.domain.message import Message, Received, decode
from lakehook.ports.ledger import Page
from lakehook.ports.letters import DeadLetters
from lakehook.ports.messages import Parcel, Receipts, Remaining
from lakehook.ports.telemetry import Telemetry

GRACE_SECONDS = 0.25  # the fast are not kept waiting by the slowest of their batch
PAUSE_AFTER_TROUBLE_SECONDS = 15.0  # doubled each time a message comes back
MAX_PAUSE_SECONDS = 240.0


class DeliverLane(Protocol):
    def read(self, messages: Sequence[Message]) -> Page: ...

    def __call__(
        self, received: Sequence[Received], page: Page, remaining: Remaining
    ) -> Sequence[Disposition]: ...


@dataclass
class Sorted:
    """Parcels after their lanes were visited."""

    done: list[Parcel] = field(default_factory=list)
    again: list[Parcel] = field(default_factory=list)


@dataclass(frozen=True)
class DeliverBatch:
    deliver: DeliverLane
    receipts: Receipts
    dead_letters: DeadLetters
    telemetry: Telemetry
    workers: Executor

    def __call__(self, batch: Sequence[Parcel], remaining: Remaining) -> list[Parcel]:
        """Work a batch off, and return the parcels that must come again."""
        messages = {parcel: message for parcel in batch if (message := self._open(parcel))}
        page = self.deliver.read(list(messages.values()))
        return self._collect(
            {self.workers.submit(self._visit, lane, page, remaining) for lane in _by_lane(messages)}
        )

    def _open(self, parcel: Parcel) -> Message | None:
        try:
            return decode(parcel.body)
        except BadMessage as error:
            self.dead_letters.park(parcel, str(error))
            self.telemetry.parked(parcel.id, parcel.group, str(error))
            return None

    def _visit(self, lane: Mapping[Parcel, Message], page: Page, remaining: Remaining) -> Sorted:
        try:
            received = [_received(parcel, message) for parcel, message in lane.items()]
            dispositions = self.deliver(received, page, remaining)
        except Exception as error:  # noqa: BLE001  one lane's trouble must not stop the others
            self.telemetry.trouble(error, doing="deliver")
            dispositions = [Again(_pause_after_trouble(lane))] * len(lane)
        outcome = Sorted()
        for parcel, disposition in zip(lane, dispositions, strict=True):
            if isinstance(disposition, Again):
                self.receipts.postpone(parcel, seconds=disposition.after_seconds)
                outcome.again.append(parcel)
            else:
                outcome.done.append(parcel)
        return outcome

    def _collect(self, visits: set[Future[Sorted]]) -> list[Parcel]:
        again: list[Parcel] = []
        while visits:
            finished, visits = wait(visits, return_when=FIRST_COMPLETED)
            soon_after, visits = wait(visits, timeout=GRACE_SECONDS)
            outcomes = [visit.result() for visit in finished | soon_after]
            again += [parcel for outcome in outcomes for parcel in outcome.again]
            if visits:  # what is left with the last of them goes with the batch
                self.receipts.acknowledge(
                    [parcel for outcome in outcomes for parcel in outcome.done]
                )
        return again


def _pause_after_trouble(lane: Collection[Parcel]) -> float:
    """As long for all of a lane, which go in order; longer the longer our own trouble lasts."""
    receives = max(parcel.receives for parcel in lane)
    return min(PAUSE_AFTER_TROUBLE_SECONDS * 2.0 ** min(receives - 1, 10), MAX_PAUSE_SECONDS)


def _received(parcel: Parcel, message: Message) -> Received:
    return Received(
        message,
        again=parcel.receives > 1,
        redriven=parcel.redriven,
        attempts_at_death=parcel.attempts_at_death,
    )


def _by_lane(messages: Mapping[Parcel, Message]) -> list[dict[Parcel, Message]]:
    lanes: dict[Lane, dict[Parcel, Message]] = defaultdict(dict)
    for parcel, message in messages.items():
        lanes[message.lane][parcel] = message
    return list(lanes.values())
