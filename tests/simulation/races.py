"""The races of a history: events that may trade places, so that both orders have to be played.

Source sets with sleep sets (Abdulla, Aronsson, Jonsson and Sagonas, "Optimal Dynamic Partial Order
Reduction", POPL 2014). Two events of one instant and of different processes race if they depend on
each other (``dependence.py``), and nothing between them follows the first and precedes the second.
Where the first one came, some process then has to go first that leads to the order the other way
round. Whatever races with nothing is played in one order only.

A process is a task, or something that the platform has planned. Whoever begins it or wakes it
precedes it. Time is a barrier: an instant ends when nothing is left to do at it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.simulation.dependence import NOTHING, Touch, Touches, are_dependent


class Choice(Protocol):
    def want(self, processes: Collection[int]) -> None:
        """Let one of these processes go first, unless that is so, or was so elsewhere."""


@dataclass(eq=False, slots=True)
class Event:
    process: int
    choice: Choice | None  # where another process could have gone first
    causes: list["Event"] = field(default_factory=list)  # that began it or woke it
    touched: set[Touch] = field(default_factory=set)
    touches: Touches = NOTHING  # once it is over
    before: int = 0  # the events of its instant that precede it, a bit each
    needless: list["Event"] = field(default_factory=list)  # what would have come, but for it
    is_barrier: bool = False
    is_known: bool = False  # it stands for all that follows a state that was seen before


def instant_of(events: Sequence[Event], number: int) -> int:
    """Find the first event of the instant to which an event belongs."""
    while number and not events[number - 1].is_barrier:
        number -= 1
    return number


def find_races(events: Sequence[Event], fresh: int) -> None:
    """Have the other order played of each race whose second event is a fresh one."""
    began = instant_of(events, fresh)
    for number, event in enumerate(events[fresh:], fresh):
        if event.is_barrier:
            began = number + 1
            continue
        instant = [early for early in events[began:number] if not early.is_known]
        for late in _parts(event):
            _find_races_of(late, instant)
        for late in event.needless:
            _find_races_of(late, [*instant, event])


def _parts(event: Event) -> Iterable[Event]:
    """What an event stands for; there is no order in what is known to follow a state."""
    if not event.is_known:
        return (event,)
    parts = (frozenset([touch]) for touch in event.touches)
    return [Event(event.process, None, event.causes, touches=part) for part in parts]


def _find_races_of(late: Event, instant: Sequence[Event]) -> None:
    racing = []
    for number in reversed(range(len(instant))):
        early = instant[number]
        if late.before >> number & 1:
            continue
        is_bound = early.process == late.process or early in late.causes
        if is_bound or are_dependent(early.touches, late.touches):
            late.before |= 1 << number | early.before
            if not is_bound and early.choice:
                racing.append((number, early.choice))
    for number, choice in racing:
        choice.want(_firsts(late, number, instant))


def _firsts(late: Event, number: int, instant: Sequence[Event]) -> Collection[int]:
    """Which processes may go first where the late event and all it needs come before another."""
    apart = [n for n in range(number + 1, len(instant)) if not instant[n].before >> number & 1]
    bits = sum(1 << n for n in apart)
    firsts = {instant[n].process for n in apart if not instant[n].before & bits}
    return firsts if late.before & bits else {*firsts, late.process}
