"""A search of all histories of a world: its options, its paths, what is known of its states."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from lakehook.domain.delivery import Lane
from tests.simulation.faults import Fault
from tests.simulation.timeline import WakeUp, Work

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
        "journal.load",
        "journal.events",
        "journal.page",
        "journal.read_pipelines",
        "journal.unfinished",
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
    entry: Work | WakeUp
    hash: int
    about: str = ""
    step: Step | None = None
    may_fail: bool = False

    @property
    def is_stale(self) -> bool:
        return isinstance(self.entry, WakeUp) and self.entry.wait != self.entry.actor.waits


@dataclass(frozen=True, slots=True)
class Option:
    planned: Planned | None = None  # none: the time goes on
    fault: Fault | None = None
    act: str = ""


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

    def choose(
        self, options: Sequence[Option], state: Callable[[], int], is_switch: Callable[[int], bool]
    ) -> Option:
        number = len(self.taken)
        if len(options) == 1:
            if options[0].planned is None and number >= len(self.prefix):
                self._must_be_new(state())
            return options[0]
        if number < len(self.prefix):
            chosen = self.prefix[number]
        else:
            self._must_be_new(state())
            self._leave_others(options, is_switch)
            chosen = 0
        self.taken.append(chosen)
        self.preemptions += is_switch(chosen)
        return options[chosen]

    def _must_be_new(self, state: int) -> None:
        known = self.search.seen.get(state)
        if known is not None and known <= self.preemptions:
            raise Pruned
        self.search.seen[state] = self.preemptions if self.bound is not None else 0
        self.search.choices += 1

    def _leave_others(self, options: Sequence[Option], is_switch: Callable[[int], bool]) -> None:
        for other in range(len(options) - 1, 0, -1):
            is_within = self.bound is None or self.preemptions + is_switch(other) <= self.bound
            if is_within:
                self.search.left.append(bytes(self.taken) + bytes((other,)))
