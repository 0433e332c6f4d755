"""Lives of a delivery, between redrives and replays, and the progress of its lane."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.simulation.history import Entry, Post
from tests.simulation.rules import FINAL

if TYPE_CHECKING:
    from lakehook.domain.lane import DeliveryRecord


@dataclass(frozen=True, slots=True)
class Paid:
    """An attempt that has spent some of a budget, and when that was recorded."""

    post: Post
    at: float


@dataclass(slots=True)
class Step:
    """One write of a record, in the life it belongs to: each redrive, each replay begins one.

    So does what goes before it: an earlier delivery that comes to life makes its budget anew.
    """

    entry: Entry
    began: int  # when its life did
    post: Post | None  # the request, if it records an attempt
    before: Paid | None  # the last attempt that was charged, before this one
    spent_before: int
    paid: Paid | None  # and with this one
    spent: int

    @property
    def has_failed(self) -> bool:
        """Tell whether it records an attempt, and another is to come."""
        return self.post is not None and self.entry.record.status == "waiting"


def life(
    entries: Sequence[Entry],
    request_of: Callable[[Entry], Post | None],
    is_renewed: Callable[[int, int], bool],
) -> Iterator[Step]:
    """``is_renewed`` says whether an earlier delivery came to life between two happenings."""
    began = spent = attempts = tried = 0
    previous = ""
    paid: Paid | None = None
    for entry in entries:
        record = entry.record
        if (previous == "dead" and record.status == "waiting") or entry.replayed:
            began, spent, paid = entry.number, 0, None
        post, before, spent_before = None, paid, spent
        if record.attempts > attempts and record.reason != "crashed":
            if is_renewed(tried, entry.number):
                spent_before, before = 0, None
            post, tried = request_of(entry), entry.number
            paid, spent = before, spent_before
            if entry.was_charged:
                paid, spent = post and Paid(post, entry.at), spent + 1
        yield Step(entry, began, post, before, spent_before, paid, spent)
        previous, attempts = record.status, record.attempts


@dataclass
class Progress:
    """Sequences of a lane that are final, while its history goes on."""

    skips: bool  # so a dead letter is done with, too, whatever becomes of it then
    done: set[int] = field(default_factory=set)
    dead: set[int] = field(default_factory=set)
    first: int = 1  # nothing before it is left to do

    def note(self, record: "DeliveryRecord") -> None:
        if self.skips and record.status == "dead":
            self.dead.add(record.sequence)
        if record.status in FINAL or record.sequence in self.dead:
            self.done.add(record.sequence)
        else:
            self.done.discard(record.sequence)
            self.first = min(self.first, record.sequence)

    def left_before(self, sequence: int) -> list[int]:
        while self.first in self.done:
            self.first += 1
        return [earlier for earlier in range(self.first, sequence) if earlier not in self.done]
