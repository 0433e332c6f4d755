"""A search of all histories of a world: its options, its paths, what is known of its states."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

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


@dataclass
class Search:
    """What is known of all histories of a world while they are explored."""

    seen: dict[int, int] = field(default_factory=dict)  # with how few preemptions
    left: list[bytes] = field(default_factory=lambda: [b""])
    histories: int = 0
    pruned: int = 0
    choices: int = 0


@dataclass
class Path:
    """One history as a sequence of choices: first those of a prefix, then the first option each."""

    search: Search
    prefix: bytes
    bound: int | None = None
    taken: bytearray = field(default_factory=bytearray)
    preemptions: int = 0

    @property
    def given(self) -> int | None:
        """The next choice, where the prefix has one."""
        number = len(self.taken)
        return self.prefix[number] if number < len(self.prefix) else None

    def choose(self, options: Sequence[Option], state: Callable[[], int]) -> Option:
        chosen = self.given
        if chosen is None:
            chosen = 0
            if len(options) > 1 or options[0].planned is None:
                self._must_be_new(state())
            self._leave_others(options)
        return self.take(chosen, options)

    def take(self, chosen: int, options: Sequence[Option]) -> Option:
        assert chosen < len(options), f"choice {len(self.taken)} has {len(options)} options"
        self.taken.append(chosen)
        self.preemptions += options[chosen].preempts
        return options[chosen]

    def _must_be_new(self, state: int) -> None:
        known = self.search.seen.get(state)
        if known is not None and known <= self.preemptions:
            raise Pruned
        self.search.seen[state] = self.preemptions if self.bound is not None else 0
        self.search.choices += 1

    def _leave_others(self, options: Sequence[Option]) -> None:
        for other in range(len(options) - 1, 0, -1):
            preemptions = self.preemptions + options[other].preempts
            if self.bound is None or preemptions <= self.bound:
                self.search.left.append(bytes((*self.taken, other)))
