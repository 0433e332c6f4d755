"""The messages of a queue: delayed, waiting and in flight."""

from collections import deque
from dataclasses import dataclass
from math import inf

from local.fifo.groups import Groups
from local.fifo.in_flight import InFlight
from local.fifo.message import Entry
from local.fifo.settings import Limits, Settings


@dataclass(frozen=True, slots=True)
class Counts:
    visible: int
    in_flight: int
    delayed: int


class Stock:
    """Messages pass from delayed to waiting in the order they came, so no group changes its order.

    Nothing happens by itself: what time does to messages is done when ``settle`` is told the time.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._delayed: deque[Entry] = deque()
        self._groups = Groups(limits.look_ahead)
        self._in_flight = InFlight()

    def settle(self, now: float, settings: Settings) -> None:
        """End delays, visibility timeouts and retention.

        A changed delay reaches the messages already delayed: so it is on a FIFO queue.
        """
        while self._delayed and self._delayed[0].message.sent_at + settings.delay <= now:
            self._groups.append(self._delayed.popleft())
        for entry in self._in_flight.expire(now):
            self._groups.offer(entry)
        self._discard_sent_until(now - settings.retention)

    def add(self, entry: Entry) -> None:
        self._delayed.append(entry)

    def remove(self, entry: Entry) -> None:
        self._in_flight.drop(entry)
        self._groups.remove(entry)

    def hold(self, entry: Entry, until: float) -> None:
        self._in_flight.hold(entry, until)

    def room_in_flight(self) -> int:
        return self._limits.in_flight - len(self._in_flight)

    def find(self, sequence: int) -> Entry | None:
        return self._groups.find(sequence)

    def free_head(self) -> Entry | None:
        return self._groups.free_head()

    def free_run(self, head: Entry, limit: int) -> list[Entry]:
        return self._groups.free_run(head, limit)

    def ready_at(self, settings: Settings) -> float:
        """Answer when a receive may next find something: at once is minus infinity."""
        if self.room_in_flight() > 0 and self.free_head():
            return -inf
        end_of_delay = self._delayed[0].message.sent_at + settings.delay if self._delayed else inf
        return min(self._in_flight.next_expiry(), end_of_delay)

    def counts(self) -> Counts:
        in_flight = len(self._in_flight)
        return Counts(len(self._groups) - in_flight, in_flight, len(self._delayed))

    def _discard_sent_until(self, time: float) -> None:
        while (oldest := self._groups.oldest()) and oldest.message.sent_at <= time:
            self.remove(oldest)
        while self._delayed and self._delayed[0].message.sent_at <= time:
            self._delayed.popleft()
