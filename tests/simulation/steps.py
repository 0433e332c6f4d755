"""What may come next in a history: calls that tasks have come to, and the options of a choice."""

from dataclasses import dataclass
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
    process: int = 0  # the number of the task, or of what the platform has planned

    @property
    def name(self) -> tuple[object, ...]:
        """The same in each history that comes to the same state."""
        return self.time, self.hash, self.about, self.step

    @property
    def is_stale(self) -> bool:
        return self.actor is not None and self.wait != self.actor.waits


@dataclass(frozen=True, slots=True)
class Option:
    planned: Planned | None = None  # none: the time goes on
    fault: Fault | None = None
    act: str = ""


class Turn(NamedTuple):
    """An option as another play of the same history finds it again, without a look at others."""

    number: int  # of the choice
    place: int  # in what is planned and frozen; none: the time goes on
    planned: int  # the hash of what is there
    fault: Fault | None
    act: str
