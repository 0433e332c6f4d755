"""All that is known of one lane once a history has come to rest, and the lives in it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from lakehook.domain.lane import DeliveryRecord, Status
from lakehook.domain.subscription import Ordering
from tests.simulation.history import Entry, LaneHistory, Post
from tests.simulation.scenario import Subscriber


@dataclass(frozen=True)
class LaneCase:
    name: str
    subscriber: Subscriber
    ordering: Ordering  # at the end
    history: LaneHistory
    records: dict[int, DeliveryRecord]
    events: int  # of its pipeline, in the journal
    is_tainted: bool
    is_blocked: bool
    is_removed: bool
    letters: frozenset[int]  # on the dead-letter queue
    paused: tuple[tuple[float, float], ...]  # from when to when
    whole_replays: dict[str, int]  # of everything, that came to their end, and when they began

    @cached_property
    def _entries(self) -> dict[int, list[Entry]]:
        """Sorted once: each promise asks for those of each delivery, time and again."""
        entries: defaultdict[int, list[Entry]] = defaultdict(list)
        for one in self.history.entries:
            entries[one.record.sequence].append(one)
        return entries

    def entries(self, sequence: int) -> list[Entry]:
        return self._entries.get(sequence, [])

    def posts(self, sequence: int) -> list[Post]:
        return [one for one in self.history.posts if one.sequence == sequence]

    def status(self, sequence: int, *, at: int) -> Status | None:
        """As recorded when so much had happened."""
        known = [one for one in self.entries(sequence) if one.number < at]
        return known[-1].record.status if known else None

    def has_died(self, sequence: int, *, at: int) -> bool:
        return any(
            one.record.status is Status.DEAD for one in self.entries(sequence) if one.number < at
        )

    def has_revived(self, *, since: int, until: int) -> bool:
        """Whether a letter of the lane came to life, or a replay let some of it wait anew.

        What is overtaken by that begins its budget anew.
        """
        return any(since < one.number < until for one in self.replays()) or any(
            since < after.number < until
            and before.record.status is Status.DEAD
            and after.record.status is Status.WAITING
            for before, after in self.steps()
        )

    def replays(self) -> list[Entry]:
        return [one for one in self.history.entries if one.replayed]

    def is_about_to_be_replayed(self, sequence: int, *, at: int) -> bool:
        """A replay has let it wait, and none of that has gone out yet: others end their visit."""
        latest = [one for one in self.entries(sequence) if one.number < at][-1:]
        return any(one.replayed for one in latest) and not any(
            post.replayed and latest[0].number < post.began < at for post in self.history.posts
        )

    def steps(self) -> Iterator[tuple[Entry, Entry]]:
        for sequence in self.records:
            yield from pairwise(self.entries(sequence))


@dataclass(frozen=True)
class Step:
    """One write of a record, in the life it belongs to: each redrive, each replay begins one."""

    entry: Entry
    began: int  # when its life did
    spent: int  # attempts of its budget
    has_failed: bool  # it records an attempt, and there is another to come
    paid: DeliveryRecord | None  # as the last attempt left it that was of its budget


def life(case: LaneCase, sequence: int) -> Iterator[Step]:
    began = spent = attempts = 0
    previous: Status | None = None
    paid: DeliveryRecord | None = None
    for entry in case.entries(sequence):
        record = entry.record
        if (previous is Status.DEAD and record.status is Status.WAITING) or entry.replayed:
            began, spent, paid = entry.number, 0, None
        tried = record.attempts > attempts
        if tried and not entry.was_free:
            spent, paid = spent + 1, record
        yield Step(entry, began, spent, tried and record.status is Status.WAITING, paid)
        previous, attempts = record.status, record.attempts
