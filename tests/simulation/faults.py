"""Faults at every call of a port, by chance, as often as the settings say."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

from tests.simulation.timeline import Timeline


class Fault(StrEnum):
    KILL_BEFORE = "killed before a call"
    KILL_AFTER = "killed after a call"
    TROUBLE_BEFORE = "a call that failed"
    TROUBLE_AFTER = "a call that failed, yet took effect"
    DELAY_BEFORE = "a call that came late"
    DELAY_AFTER = "an answer that came late"
    FREEZE_BEFORE = "a zombie, frozen before a call"
    FREEZE_AFTER = "a zombie, frozen after a call"
    OUTAGE = "a call during an outage"
    ACK_LOST = "an acknowledgement lost"
    ACK_LATE = "an acknowledgement late"
    ACK_TWICE = "an acknowledgement repeated"
    THROTTLED = "an invocation throttled"
    ENTRY_FAILED = "an entry of a batch refused"
    EVENT_REPEATED = "an event published again"
    TWO_TICKS = "a clock that ticked twice"
    INDEX_LAGGED = "an index that lagged"


AT_A_CALL = tuple(Fault)[:8]


class Killed(BaseException):
    """Kill of an invocation; like a real one, no handler of errors catches it."""


@dataclass
class Invocation:
    """One run of a function, as the platform sees it."""

    function: str
    deadline: float
    groups: frozenset[str]
    received: tuple[object, ...] = ()
    is_dead: bool = False
    is_zombie: bool = False  # given up by the platform, and yet it goes on
    frozen_until: float = 0.0  # as a whole: none of its threads has anything to do before
    wrote_in_vain: bool = False  # the ledger has failed it: nobody knows what came of a write


@dataclass
class Faults:
    """Decides the fate of each call. ``calm`` ends it all."""

    random: Random
    rate: float  # of faults per call
    kinds: tuple[Fault, ...] = AT_A_CALL
    outages: tuple[tuple[float, float], ...] = ()
    out_of_order: frozenset[str] = frozenset()  # the ports that an outage takes away
    injected: Counter[Fault] = field(default_factory=Counter)
    planned: dict[str, list[Fault | None]] = field(default_factory=dict)
    strikes: dict[int, Fault] = field(default_factory=dict)  # at the nth call of all
    calls: int = 0
    is_calm: bool = False
    touched: Callable[[Invocation], None] = lambda _: None

    def calm(self) -> None:
        self.is_calm = True

    def happens(self, fault: Fault, *, times_as_often: float = 1.0) -> bool:
        """Tell whether a fault that is no call's happens now."""
        if self.is_calm or not self.rate or self.random.random() >= self.rate * times_as_often:
            return False
        self.injected[fault] += 1
        return True

    def fate(self, call: str, now: float) -> Fault | None:
        """``call`` is a port and its method, as in ``ledger.write``."""
        self.calls += 1
        if self.is_calm:
            return None
        if self.strikes and (strike := self.strikes.get(self.calls)):
            return _possible(strike, call)
        if self.planned and (planned := self.planned.get(call)):
            return planned.pop(0)
        if self.outages and self._is_out(_port(call), now):
            return Fault.OUTAGE
        if not self.rate or self.random.random() >= self.rate:
            return None
        return _possible(self.random.choice(self.kinds), call)

    def _is_out(self, port: str, now: float) -> bool:
        return port in self.out_of_order and any(start <= now < end for start, end in self.outages)


TROUBLES = (Fault.TROUBLE_BEFORE, Fault.TROUBLE_AFTER, Fault.OUTAGE)
FREEZES = (Fault.FREEZE_BEFORE, Fault.FREEZE_AFTER)
IMPOSSIBLE = {
    "keyring": FREEZES,
    "receiver": (*FREEZES, Fault.TROUBLE_BEFORE, Fault.TROUBLE_AFTER, Fault.DELAY_BEFORE),
}
"""What befalls a receiver is its temper. Between the look at the clock and the POST nothing can
stop a process that froze for minutes, and a deadline counts from there. Lambda does not thaw what
it has given up, so here a frozen one is killed at its deadline."""


def _possible(fault: Fault, call: str) -> Fault | None:
    return None if fault in IMPOSSIBLE.get(_port(call), ()) else fault


def _port(call: str) -> str:
    return call.partition(".")[0]


@dataclass
class Gate:
    """Gate before every port: the place where calls fail, are late, or are the last."""

    timeline: Timeline
    faults: Faults

    def call(
        self,
        call: str,
        effect: Callable[[], Any],
        trouble: Callable[[], Exception],
        about: Collection[object] = (),
    ) -> Any:
        invocation: Invocation | None = self.timeline.context
        if invocation is None:  # an operator's call, or the platform's
            return effect()
        if invocation.is_dead:
            raise Killed
        fault = self.faults.fate(call, self.timeline.time)
        if fault is None:
            return effect()
        self.faults.injected[fault] += 1
        is_write = call in ("ledger.save", "unfinished.save")
        invocation.wrote_in_vain |= is_write and fault in TROUBLES
        self.faults.touched(invocation)
        return self._suffer(fault, effect, trouble, invocation)

    def _suffer(
        self,
        fault: Fault,
        effect: Callable[[], Any],
        trouble: Callable[[], Exception],
        invocation: Invocation,
    ) -> Any:
        if fault in TROUBLES and fault is not Fault.TROUBLE_AFTER:
            raise trouble()
        if fault.name.endswith("BEFORE"):
            self._befall(fault, invocation)
            return effect()
        answer = effect()
        if fault is Fault.TROUBLE_AFTER:
            raise trouble()
        self._befall(fault, invocation)
        return answer

    def _befall(self, fault: Fault, invocation: Invocation) -> None:
        if fault in (Fault.KILL_BEFORE, Fault.KILL_AFTER):
            invocation.is_dead = True
        elif fault in FREEZES:
            seconds = self.faults.random.choice((40, 185, 200, 400, 900))
            invocation.is_zombie = True
            invocation.frozen_until = self.timeline.now() + seconds
            self.timeline.sleep(seconds)
        else:
            self.timeline.sleep(self.faults.random.choice((0.01, 0.3, 2, 5, 20)))
        must_live(invocation)


def must_live(invocation: Invocation) -> None:
    if invocation.is_dead:
        raise Killed
