"""Who may be received next: the order of the queue, and of each group in it."""

from collections import OrderedDict, deque
from heapq import heappop, heappush
from itertools import islice, takewhile

from local.fifo.message import Entry

Line = OrderedDict[int, Entry]
"""Entries by sequence, oldest first. It gives its first, and loses any, in constant time."""


class Groups:
    """A group is free when the first of its messages is visible.

    Only the first ``look_ahead`` messages of the queue are in sight; a group whose messages all
    stand behind them is not seen, however free it is.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/avoid-backlog-with-the-same-message-group-id.html
    """

    def __init__(self, look_ahead: int) -> None:
        self._look_ahead = look_ahead
        self._in_sight: Line = OrderedDict()
        self._out_of_sight: deque[Entry] = deque()
        self._lines: dict[str, Line] = {}
        # Sequences of entries that were free heads when they were put here: a heap, may be stale.
        self._heads: list[int] = []

    def __len__(self) -> int:
        return len(self._in_sight) + len(self._out_of_sight)

    def append(self, entry: Entry) -> None:
        self._out_of_sight.append(entry)
        self._look_further()

    def remove(self, entry: Entry) -> None:
        """Take out an entry that is in sight; the next of its group may become its head."""
        group_id, sequence = entry.message.group_id, entry.message.sequence
        line = self._lines[group_id]
        del line[sequence], self._in_sight[sequence]
        if line:
            self.offer(_first(line))
        else:
            del self._lines[group_id]
        self._look_further()

    def offer(self, entry: Entry) -> None:
        """Take note of an entry that may have become a free head."""
        if self._is_free_head(entry):
            heappush(self._heads, entry.message.sequence)

    def find(self, sequence: int) -> Entry | None:
        return self._in_sight.get(sequence)

    def oldest(self) -> Entry | None:
        return _first(self._in_sight) if self._in_sight else None

    def free_head(self) -> Entry | None:
        """Answer the oldest head of a free group."""
        while self._heads:
            entry = self._in_sight.get(self._heads[0])
            if entry and self._is_free_head(entry):
                return entry
            heappop(self._heads)
        return None

    def free_run(self, head: Entry, limit: int) -> list[Entry]:
        """Answer what may be received of the head's group: up to the first invisible message."""
        line = self._lines[head.message.group_id]
        return list(islice(takewhile(_is_visible, line.values()), limit))

    def _is_free_head(self, entry: Entry) -> bool:
        return entry.visible and _first(self._lines[entry.message.group_id]) is entry

    def _look_further(self) -> None:
        while self._out_of_sight and len(self._in_sight) < self._look_ahead:
            entry = self._out_of_sight.popleft()
            group_id, sequence = entry.message.group_id, entry.message.sequence
            self._in_sight[sequence] = entry
            self._lines.setdefault(group_id, OrderedDict())[sequence] = entry
            self.offer(entry)


def _first(line: Line) -> Entry:
    return next(iter(line.values()))


def _is_visible(entry: Entry) -> bool:
    return entry.visible
