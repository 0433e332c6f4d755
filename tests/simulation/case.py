"""Facts of one lane once a history has come to rest."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING

from tests.simulation.history import Entry, LaneHistory, Post
from tests.simulation.lives import Step, life
from tests.simulation.runs import Report
from tests.simulation.scenario import Subscriber

if TYPE_CHECKING:
    from lakehook.domain.lane import DeliveryRecord

_number = attrgetter("number")


@dataclass(frozen=True)
class LaneCase:
    """History of a lane, indexed by sequence once: each promise reads it again and again."""

    name: str
    subscriber: Subscriber
    skips: bool  # a dead letter holds nobody up, at the end
    history: LaneHistory
    records: "dict[int, DeliveryRecord]"
    events: int  # of its pipeline, in the journal
    reports: (
        Sequence[Report] | None
    )  # what they must be; None where a crash has changed their order
    is_tainted: bool
    is_undisturbed: bool  # by faults and operators; and its endpoint was never slow or down
    is_blocked: bool
    is_removed: bool
    letters: frozenset[int]  # on the dead-letter queue
    crashed: frozenset[int]  # of events that have crashed fan-out, and may have no delivery
    blocked: tuple[tuple[float, float], ...]  # from when to when
    whole_replays: dict[str, int]  # of everything, that came to their end, and when they began

    @cached_property
    def _entries(self) -> dict[int, list[Entry]]:
        entries: defaultdict[int, list[Entry]] = defaultdict(list)
        for entry in self.history.entries:
            entries[entry.record.sequence].append(entry)
        return entries

    @cached_property
    def _posts(self) -> dict[int, list[Post]]:
        posts: defaultdict[int, list[Post]] = defaultdict(list)
        for post in self.history.posts:
            posts[post.sequence].append(post)
        return posts

    def entries(self, sequence: int) -> Sequence[Entry]:
        return self._entries.get(sequence, ())

    def posts(self, sequence: int) -> Sequence[Post]:
        return self._posts.get(sequence, ())

    def latest(self, sequence: int, *, at: int) -> Entry | None:
        """Return the newest entry before the happening ``at``."""
        entries = self.entries(sequence)
        before = bisect_left(entries, at, key=_number)
        return entries[before - 1] if before else None

    def status(self, sequence: int, *, at: int) -> str | None:
        latest = self.latest(sequence, at=at)
        return str(latest.record.status) if latest else None

    def has_revived(self, sequence: int, *, since: int, until: int) -> bool:
        """Tell whether it, or an earlier delivery, was revived in between: it may go at once."""
        revivals = (entry for entry in self._revivals if entry.record.sequence <= sequence)
        return any(since < entry.number < until for entry in revivals)

    @cached_property
    def _revivals(self) -> list[Entry]:
        """List entries that revived a dead letter, or that a replay requeued.

        Of an event that has crashed fan-out, a delivery may still come after those behind it.
        """
        revived = [
            after
            for before, after in self.steps()
            if (before.record.status, after.record.status) == ("dead", "waiting")
        ]
        late = [entry for sequence in self.crashed for entry in self.entries(sequence)[:1]]
        return [*revived, *self.replays, *late]

    def request_of(self, entry: Entry) -> Post | None:
        """The request of the attempt that was recorded last: the latest that was sent then."""
        attempt = entry.record.attempts_log[-1]
        posts = reversed(self.posts(entry.record.sequence))
        return next((p for p in posts if p.sent_at == attempt.at and p.began < entry.number), None)

    @cached_property
    def replays(self) -> list[Entry]:
        return [entry for entry in self.history.entries if entry.replayed]

    def was_resumed_early(self, *, since: int, until: int) -> bool:
        return _is_any_between(since, self.history.resumed_early, until)

    def is_about_to_be_replayed(self, sequence: int, *, at: int) -> bool:
        """A replay has let it wait, and none of that has gone out yet: others end their visit."""
        latest = self.latest(sequence, at=at)
        if latest is None or not latest.replayed:
            return False
        return not any(
            post.replayed and latest.number < post.began < at for post in self.history.posts
        )

    def steps(self) -> Iterator[tuple[Entry, Entry]]:
        for sequence in self.records:
            yield from pairwise(self.entries(sequence))

    def life(self, sequence: int) -> Sequence[Step]:
        return self._lives[sequence]

    @cached_property
    def _lives(self) -> dict[int, list[Step]]:
        return {sequence: self._life(sequence) for sequence in self.records}

    def _life(self, sequence: int) -> list[Step]:
        revivals = (entry for entry in self._revivals if entry.record.sequence < sequence)
        earlier = sorted(entry.number for entry in revivals)
        return list(
            life(
                self.entries(sequence),
                self.request_of,
                lambda since, until: _is_any_between(since, earlier, until),
            )
        )


def _is_any_between(since: int, numbers: Sequence[int], until: int) -> bool:
    """Search sorted numbers."""
    following = bisect_right(numbers, since)
    return following < len(numbers) and numbers[following] < until
