"""The messages some consumer holds, and when each comes back by itself."""

from collections.abc import Iterator
from heapq import heappop, heappush
from math import inf

from local.fifo.message import Entry


class InFlight:
    """A heap of expiries. A changed visibility leaves its old expiry behind, which then is stale.

    A stale expiry is dropped when its time comes, so that a change costs no search.
    """

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self._expiries: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def hold(self, entry: Entry, until: float) -> None:
        sequence = entry.message.sequence
        entry.invisible_until = until
        self._entries[sequence] = entry
        heappush(self._expiries, (until, sequence))

    def drop(self, entry: Entry) -> None:
        entry.invisible_until = None
        self._entries.pop(entry.message.sequence, None)

    def expire(self, now: float) -> Iterator[Entry]:
        """Let go of every message whose time has come."""
        while self.next_expiry() <= now:
            entry = self._entries[self._expiries[0][1]]
            self.drop(entry)
            yield entry

    def next_expiry(self) -> float:
        """Answer the time, or infinity."""
        while self._expiries:
            until, sequence = self._expiries[0]
            entry = self._entries.get(sequence)
            if entry and entry.invisible_until == until:
                return until
            heappop(self._expiries)
        return inf
