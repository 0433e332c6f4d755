"""A search of all histories of a world: its options, its paths, what is known of its states."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from lakehook.domain.delivery import Lane
from tests.simulation.faults import Fault
from tests.simulation.timeline import Actor, Work

READS = frozenset(
    (
        "keyring.load",
        "ledger.load",
        "ledger.find",
        "ledger.by_lane",
        "ledger.waiting_deliveries",
        "ledger.due",
        "ledger.due_breakers",
        "ledger.held_lanes",
        "ledger.suspended_lanes",
        "ledger.lanes_behind_dead_letters",
        "ledger.dead_letters",
        "healths.find",
        "healths.find_many",
        "subscriptions.find",
        "subscriptions.all",
        "replays.list_open",
        "replays.find",
        "journal.batch_get_item",
        "journal.query",
        "journal.query_index",
        "journal.scan",
        "unfinished.count",
    )
)
"""Any other call counts as a write."""
Object = tuple[object, ...]
SQS: Object = ("sqs",)
HEALTHS: Object = ("healths",)
ALSO: dict[str, set[Object]] = {
    "ledger.load": {HEALTHS},
    "ledger.due_breakers": {HEALTHS},
    "receiver.post": {("receiver",)},  # whose answers are in a row
}
SENDS = ("sqs.deliveries", "sqs.dead", "sqs.dead-events", "sqs.changed", "sqs.answer", "sqs.ended")
"""Whoever does this learns nothing by it."""


class Pruned(BaseException):
    """The history has come to a state from which every future is known."""


@dataclass(frozen=True)
class Step:
    """A call that an actor has come to, or a part of the world that an action changes."""

    call: str
    port: str
    about: tuple[Object, ...]
    is_write: bool

    @classmethod
    @cache
    def of(cls, call: str, lanes: tuple[object, ...] = ()) -> "Step":
        port = call.partition(".")[0]
        about = set(map(_lane, lanes)) if port in ("ledger", "receiver") else set()
        about |= ALSO.get(call, set()) if about else {(port,), *ALSO.get(call, ())}
        return cls(call, port, tuple(about), call not in READS)


def _lane(lane: object) -> Object:
    """A lane with its requests, which the oracle judges beside its records."""
    assert isinstance(lane, Lane)
    return ("ledger", lane) if lane.pipeline_key else HEALTHS  # a breaker is leased like a lane


@dataclass(eq=False, slots=True)
class Planned:
    """What comes at a time, and the hash of what it will be done by."""

    time: float
    hash: int
    action: Work | None = None
    about: str = ""
    step: Step | None = None
    may_fail: bool = False
    actor: Actor | None = None  # who goes on, where it is no action
    wait: int = 0

    @property
    def is_stale(self) -> bool:
        return self.actor is not None and self.wait != self.actor.waits


@dataclass(frozen=True, slots=True)
class Option:
    planned: Planned | None = None  # none: the time goes on
    fault: Fault | None = None
    act: str = ""
    preempts: bool = False  # who played last, and could go on


class Turn(NamedTuple):
    """An option as another play of the same history finds it again, without a look at others."""

    number: int  # of the choice
    place: int  # in what is planned and frozen; none: the time goes on
    fault: Fault | None
    act: str
    preempts: bool
    is_local: bool


@dataclass
class Trail:
    """What a path has taken and what its calls have learned, for those that branch off from it."""

    turns: list[Turn] = field(default_factory=list)
    learned: list[int] = field(default_factory=list)

    def until(self, branch: "Branch") -> "Trail":
        return Trail([*self.turns[: branch.turns], branch.turn], self.learned[: branch.learned])


class Branch(NamedTuple):
    """A history that is left to be played: a path until a choice, and another option there."""

    trail: Trail
    turns: int
    learned: int
    turn: Turn


@dataclass
class Search:
    """What is known of all histories of a world while they are explored."""

    seen: dict[int, int] = field(default_factory=dict)  # with how few preemptions
    left: list[Branch | None] = field(default_factory=lambda: [None])  # none: from the beginning
    histories: int = 0
    pruned: int = 0
    choices: int = 0


@dataclass
class Path:
    """One history as a sequence of choices: first those of a branch, then the first option each."""

    search: Search
    branch: Branch | None = None
    bound: int | None = None
    prefix: bytes = b""  # choices instead of a branch
    taken: bytearray = field(default_factory=bytearray)
    preemptions: int = 0
    trail: Trail = field(default_factory=Trail)

    def __post_init__(self) -> None:
        if self.branch:
            self.trail = self.branch.trail.until(self.branch)
        self._to_repeat = iter(self.trail.turns.copy())
        self._to_recall = iter(self.trail.learned.copy())

    def repeat(self) -> Turn | None:
        """Take the next choice of the branch, where it has one."""
        if (turn := next(self._to_repeat, None)) is not None:
            self.taken.append(turn.number)
            self.preemptions += turn.preempts
        return turn

    def recall(self, learned: Callable[[], int]) -> int:
        """What a call learns, computed where no path before has learned it."""
        if (known := next(self._to_recall, None)) is None:
            known = learned()
            self.trail.learned.append(known)
        return known

    @property
    def given(self) -> int | None:
        """The next choice, where the prefix has one."""
        number = len(self.taken)
        return self.prefix[number] if number < len(self.prefix) else None

    def choose(
        self, options: Sequence[Option], turn_of: Callable[[int], Turn], state: Callable[[], int]
    ) -> Option:
        chosen = self.given
        if chosen is None:
            chosen = 0
            if len(options) > 1 or options[0].planned is None:
                self._must_be_new(state())
            self._leave_others(options, turn_of)
        assert chosen < len(options), f"choice {len(self.taken)} has {len(options)} options"
        self.taken.append(chosen)
        self.trail.turns.append(turn_of(chosen))
        self.preemptions += options[chosen].preempts
        return options[chosen]

    def _must_be_new(self, state: int) -> None:
        known = self.search.seen.get(state)
        if known is not None and known <= self.preemptions:
            raise Pruned
        self.search.seen[state] = self.preemptions if self.bound is not None else 0
        self.search.choices += 1

    def _leave_others(self, options: Sequence[Option], turn_of: Callable[[int], Turn]) -> None:
        turns, learned = len(self.trail.turns), len(self.trail.learned)
        for other in range(len(options) - 1, 0, -1):
            preemptions = self.preemptions + options[other].preempts
            if self.bound is None or preemptions <= self.bound:
                branch = Branch(self.trail, turns, learned, turn_of(other))
                self.search.left.append(branch)
