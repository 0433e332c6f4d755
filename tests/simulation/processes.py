"""The processes of a history and their events, as a search of races knows them.

A process has a number, which is the same in each history that begins alike: whatever is begun or
planned gets the next one. What goes on without a choice is part of the event that led to it.
"""

from collections import defaultdict
from collections.abc import Iterable

from tests.simulation.dependence import EVERYTHING, Touch
from tests.simulation.races import Event
from tests.simulation.search import Path


class Processes:
    def __init__(self, path: Path) -> None:
        self.causes: defaultdict[int, list[int]] = defaultdict(list)
        """Of the next event of a process: those that began it or woke it."""
        self._path = path
        self._number = 0
        self._events = 0
        self._latest: dict[int, int] = {}
        self._event: Event | None = None  # under way, where no history before had it
        self._groups: list[object] = []

    def add(self) -> int:
        """Number what is begun, or planned, by the event under way."""
        self._number += 1
        self.wake(self._number)
        return self._number

    def wake(self, process: int) -> None:
        self.causes[process].append(self._events - 1)

    def group(self, context: object) -> int:
        """The number of a process of the operating system, which may have many tasks."""
        for number, known in enumerate(self._groups):
            if known is context:
                return number
        self._groups.append(context)
        return len(self._groups) - 1

    def begin(self, process: int, touched: Iterable[Touch], *, is_barrier: bool = False) -> None:
        """Begin the event of a choice."""
        self._event = self._path.begin(process, self.causes.pop(process, ()), is_barrier=is_barrier)
        self._latest[process] = self._events
        self._events += 1
        self.touch(touched)

    def go_on(self, process: int, touched: Iterable[Touch]) -> None:
        """Let the event under way be one of this process, too."""
        earlier = [*self.causes.pop(process, ()), self._latest.get(process, -1)]
        self._latest[process] = self._events - 1
        self.wake(process)
        if self._event:
            self._event.causes += self._path.events_of(earlier)
        self.touch(touched)

    def touch(self, touched: Iterable[Touch]) -> None:
        if self._event:
            self._event.touched.update(touched)

    def make_needless(self, process: int) -> None:
        """Remember that something could have come that the event under way has cancelled."""
        if self._event:
            needless = Event(process, None, touches=EVERYTHING)
            self._event.needless.append(needless)
