"""A search of all histories of a world, depth first: its choices, its paths, what is known.

A path is one history. It repeats the choices of the path before it up to one that has something
left, takes that, and goes on with whatever may come first. Its races (``races.py``) add to what is
left. A process sleeps where it went first before, until something comes that it depends on.

A state at the end of an instant is played from once. So is a state in its midst, unless somebody is
awake now who slept then. What followed there is known by what each process and its heirs touched,
and races with what went before now, without an order between: that may be more than there are.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tests.simulation.dependence import Touch, Touches, are_dependent
from tests.simulation.races import Event, find_races, instant_of
from tests.simulation.steps import Turn

NO_PROCESS = -1  # the time goes on, somebody thaws, an operator begins, or never does
OPERATOR = -2
UNKNOWN = -3

Name = tuple[object, ...]
"""Of a process, the same in each history that comes to the same state."""


class Pruned(BaseException):
    """The history has come to a state from which every future is known."""


@dataclass(frozen=True)
class Ready:
    """What a path needs to know of the processes at a choice."""

    processes: Sequence[int]  # of each option
    names: Mapping[int, Name]
    causes: Mapping[int, Sequence[int]]  # events that began or woke a process


@dataclass(eq=False, slots=True)
class Known:
    """What follows a state within its instant, by the name of whoever does it, or whose heir."""

    asleep: frozenset[Name]
    names: Mapping[int, Name]  # in the history that came here first
    follows: dict[Name | None, set[Touch]] = field(default_factory=dict)

    def add(self, events: Sequence[Event]) -> None:
        roots: dict[Event, Name | None] = {}
        latest = dict[int, Name | None](self.names)
        for event in events:
            caused = (roots[cause] for cause in event.causes if cause in roots)
            root = latest[event.process] if event.process in latest else next(caused, None)
            roots[event] = latest[event.process] = root
            self._add(root, event.touches)
            for needless in event.needless:
                self._add(latest.get(needless.process), needless.touches)

    def _add(self, root: Name | None, touches: Touches) -> None:
        self.follows.setdefault(root, set()).update(touches)


@dataclass(eq=False, slots=True)
class Node:
    """A choice, and what is left of its options. A process goes first in all its variants."""

    turns: int  # before it
    learned: int
    events: int
    options: Sequence[Turn]
    processes: Sequence[int]
    asleep: Mapping[int, Touches]
    todo: list[int] = field(default_factory=list)  # options of the process, or without any
    process: int = NO_PROCESS  # that goes first at present
    touched: set[Touch] = field(default_factory=set)  # by that process
    wanted: set[int] = field(default_factory=set)  # processes that go first, before or after
    done: dict[int, Touches] = field(default_factory=dict)
    known: Known | None = None

    def want(self, processes: Collection[int]) -> None:
        if not self.wanted.isdisjoint(processes) or not self.asleep.keys().isdisjoint(processes):
            return
        ready = [process for process in self.processes if process in processes]
        self.wanted.update(ready[:1] or self.processes)

    def begin(self, first: int) -> None:
        self.process = self.processes[first]
        self.wanted.add(self.process)
        self.todo = [
            number
            for number, process in enumerate(self.processes)
            if number != first and process in (self.process, NO_PROCESS)
        ]

    def choose_another(self) -> bool:
        """Put to sleep whom has gone first, and let another process do so that is wanted."""
        self.done[self.process] = frozenset(self.touched)
        over = {*self.done, *self.asleep, NO_PROCESS}
        process = next((p for p in self.processes if p in self.wanted and p not in over), None)
        if process is None:
            return False
        self.process, self.touched = process, set()
        self.todo = [number for number, p in enumerate(self.processes) if p == process]
        return True

    def asleep_after(self, event: Event) -> Mapping[int, Touches]:
        """Who sleeps at an event, which may be of somebody who begins and changes nothing."""
        if event.process != self.process:
            return self.asleep
        self.touched |= event.touched
        return {**self.asleep, **self.done}


@dataclass
class Trail:
    """What a path has taken, and what its calls have learned: the next one repeats some of it."""

    turns: list[Turn] = field(default_factory=list)
    learned: list[int] = field(default_factory=list)


@dataclass
class Search:
    ends: set[int] = field(default_factory=set)  # states at the end of an instant
    known: dict[int, list[Known]] = field(default_factory=dict)  # states in its midst
    histories: int = 0
    is_exhausted: bool = False
    trail: Trail = field(default_factory=Trail)
    nodes: list[Node] = field(default_factory=list)  # of the path at present
    events: list[Event] = field(default_factory=list)
    _fresh: int = 0  # the first event of the path that no path before had
    _path: "Path | None" = None

    @property
    def states(self) -> int:
        return len(self.ends) + len(self.known)

    @property
    def left(self) -> int:
        """How many branches of the present path are left, as far as is known by now."""
        return sum(len(node.todo) for node in self.nodes)

    def next_path(self) -> "Path | None":
        """Begin the next history: none, if all have been played."""
        if self._path is None:
            self._path = Path(self)
        else:
            self._path.end()
            find_races(self.events, self._fresh)
            self._remember()
            self._path = self._branch_off()
        self.histories += self._path is not None
        return self._path

    def _remember(self) -> None:
        """Add to what is known of each state of the last instant what has followed it now."""
        began = instant_of(self.events, self._fresh)
        ends = [n for n, event in enumerate(self.events) if n >= began and event.is_barrier]
        for node in reversed(self.nodes):
            if node.events < began:
                break
            if node.known:
                end = next((n for n in ends if n >= node.events), len(self.events))
                node.known.add(self.events[node.events : end])

    def _branch_off(self) -> "Path | None":
        while self.nodes:
            node = self.nodes[-1]
            if node.todo or node.choose_another():
                return self._follow(node, node.todo.pop(0))
            self.nodes.pop()
        self.is_exhausted = True
        return None

    def _follow(self, node: Node, option: int) -> "Path":
        del self.trail.turns[node.turns :], self.trail.learned[node.learned :]
        del self.events[node.events :]
        self._fresh = node.events
        self.trail.turns.append(node.options[option])
        return Path(self, node)


class Path:
    """One history: first the choices of the trail, then of each choice what may come first."""

    def __init__(self, search: Search, node: Node | None = None, *, prefix: bytes = b"") -> None:
        self.search = search
        self.taken = bytearray()
        self._prefix = prefix  # choices to be taken, instead of a search
        self._node = node  # the choice at which it branches off, and then its last one
        self._event: Event | None = None  # under way, if it is a fresh one
        self._events = 0
        self._asleep: Mapping[int, Touches] = {}
        self._to_repeat = iter(search.trail.turns.copy())
        self._to_recall = iter(search.trail.learned.copy())

    def repeat(self) -> Turn | None:
        """Take the next choice of the trail, where it has one."""
        if (turn := next(self._to_repeat, None)) is not None:
            self.taken.append(turn.number)
        return turn

    def recall(self, learned: Callable[[], int]) -> int:
        """What a call learns, computed where no path before has learned it."""
        if (known := next(self._to_recall, None)) is None:
            known = learned()
            self.search.trail.learned.append(known)
        return known

    def choose(self, options: Sequence[Turn], ready: Ready, state: Callable[[], int]) -> int:
        self.end()
        self._node, chosen = None, 0
        if len(self.taken) < len(self._prefix):
            chosen = self._prefix[len(self.taken)]
            assert chosen < len(options), f"choice {len(self.taken)} has {len(options)} options"
        else:
            chosen = self._first(ready.processes)
            self._node = self._add(chosen, options, ready, state)
        self.taken.append(chosen)
        self.search.trail.turns.append(options[chosen])
        return chosen

    def _first(self, processes: Sequence[int]) -> int:
        """Choose whoever does not sleep. Where all do, all that may follow was played elsewhere."""
        awake = (n for n, process in enumerate(processes) if process not in self._asleep)
        if (first := next(awake, None)) is None:
            raise Pruned
        return first

    def _add(
        self, first: int, options: Sequence[Turn], ready: Ready, state: Callable[[], int]
    ) -> Node | None:
        """Remember the state, and what of the choice is left to be played."""
        known, trail = None, self.search.trail
        if options[0].place < 0:
            self._must_be_new(state())
        elif len(ready.names) > 1:
            known = self._know(state(), ready)
        if len(options) == 1:
            return None
        node = Node(
            len(trail.turns),
            len(trail.learned),
            self._events,
            options,
            ready.processes,
            self._asleep,
            known=known,
        )
        node.begin(first)
        self.search.nodes.append(node)
        return node

    def _must_be_new(self, end: int) -> None:
        if end in self.search.ends:
            raise Pruned
        self.search.ends.add(end)

    def _know(self, state: int, ready: Ready) -> Known | None:
        """Remember a state; none, if two of its processes cannot be told apart."""
        names = ready.names
        if len({*names.values()}) < len(names):
            return None
        asleep = frozenset(names[process] for process in self._asleep if process in names)
        for known in self.search.known.get(state, ()):
            if known.asleep <= asleep:
                self._end_as(known, ready)
                raise Pruned
        known = Known(asleep, names)
        self.search.known.setdefault(state, []).append(known)
        return known

    def _end_as(self, known: Known, ready: Ready) -> None:
        """End with the events that are known to follow, for their races."""
        processes = {name: process for process, name in ready.names.items()}
        for name, touched in known.follows.items():
            process = processes.get(name, UNKNOWN) if name else UNKNOWN
            causes = self.events_of(ready.causes.get(process, ()))
            touches = frozenset(touched)
            self.search.events.append(Event(process, None, causes, touches=touches, is_known=True))

    # --- events ---

    def begin(
        self, process: int, causes: Sequence[int], *, is_barrier: bool = False
    ) -> Event | None:
        """Begin the event that a choice has led to; none, if the path before had it, too."""
        self._events += 1
        if self._events <= len(self.search.events):
            return None
        self._event = Event(process, self._node, self.events_of(causes), is_barrier=is_barrier)
        self.search.events.append(self._event)
        return self._event

    def events_of(self, numbers: Sequence[int]) -> list[Event]:
        return [self.search.events[number] for number in numbers if number >= 0]

    def end(self) -> None:
        """End the event under way, and let those sleep on who do not depend on it."""
        event, self._event = self._event, None
        if event is None:
            return
        event.touches = frozenset(event.touched)
        asleep = self._node.asleep_after(event) if self._node else self._asleep
        self._asleep = {
            process: touches
            for process, touches in asleep.items()
            if not (
                event.is_barrier
                or process == event.process
                or are_dependent(touches, event.touches)
            )
        }
