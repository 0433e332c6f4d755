"""The lives of a delivery, and how far its lane has come with it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lakehook.domain.attempt import Outcome
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus
from tests.simulation.history import Entry


@dataclass(slots=True)
class Step:
    """One write of a record, in the life it belongs to: each redrive, each replay begins one."""

    entry: Entry
    began: int  # when its life did
    spent: int  # attempts of its budget; who is gone, and comes back, has spent none
    has_failed: bool  # it records an attempt, and there is another to come
    paid: DeliveryRecord | None  # as the last attempt left it that was of its budget


def life(entries: Sequence[Entry]) -> Iterator[Step]:
    began = spent = attempts = 0
    previous: DeliveryStatus | None = None
    paid: DeliveryRecord | None = None
    for entry in entries:
        record = entry.record
        if (
            previous is DeliveryStatus.DEAD and record.status is DeliveryStatus.WAITING
        ) or entry.replayed:
            began, spent, paid = entry.number, 0, None
        tried = record.attempts > attempts and record.reason != "crashed"
        if tried and not (entry.was_free or record.attempts_log[-1].outcome is Outcome.GONE):
            spent, paid = spent + 1, record
        yield Step(entry, began, spent, tried and record.status is DeliveryStatus.WAITING, paid)
        previous, attempts = record.status, record.attempts


@dataclass
class Progress:
    """What of a lane is done with, while its history goes on."""

    skips: bool  # so a dead letter is done with, too, whatever becomes of it then
    done: set[int] = field(default_factory=set)
    dead: set[int] = field(default_factory=set)
    first: int = 1  # nothing before it is left to do

    def note(self, record: DeliveryRecord) -> None:
        if self.skips and record.status is DeliveryStatus.DEAD:
            self.dead.add(record.sequence)
        if record.status.is_final or record.sequence in self.dead:
            self.done.add(record.sequence)
        else:
            self.done.discard(record.sequence)
            self.first = min(self.first, record.sequence)

    def left_before(self, sequence: int) -> list[int]:
        while self.first in self.done:
            self.first += 1
        return [one for one in range(self.first, sequence) if one not in self.done]
