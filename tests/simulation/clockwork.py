"""The clock function's schedule: every minute, as long as a tick could change anything.

Minutes in which nothing is due are skipped: a tick would find nothing, and weeks go by at once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import ceil
from typing import Protocol

from tests.fakes import NOON
from tests.simulation.faults import Fault, Invocation
from tests.simulation.platform import Platform

MINUTE = 60.0
TIMEOUT_SECONDS = 60.0
MAX_SECONDS = 10 * 24 * 3600.0
"""Of a history; one that lasts longer never comes to rest."""


class NeverRests(BaseException):
    """A history that goes on and on."""


class IsDue(Protocol):
    @property
    def due_at(self) -> float | None: ...


@dataclass
class Clockwork:
    platform: Platform
    is_at_rest: Callable[[], bool] = lambda: False
    all_due: Callable[[], Iterable[IsDue]] = tuple
    tick: Callable[[], object] | None = None
    plans_ahead: bool = False  # also for what a tick may leave undone, whenever it ends
    planned: set[int] = field(default_factory=set)

    def plan(self, record: IsDue) -> None:
        due_at = record.due_at
        if due_at is None:
            return
        minute = max(ceil(due_at / MINUTE), int(self.platform.timeline.now() // MINUTE) + 1)
        if minute not in self.planned:
            self.planned.add(minute)
            self.platform.timeline.at(minute * MINUTE, lambda: self._tick(minute), about="tick")

    def plan_all(self) -> None:
        for record in self.all_due():
            self.plan(record)

    def _tick(self, minute: int) -> None:
        self.planned.discard(minute)
        if self.is_at_rest():
            return
        if self.platform.timeline.now() > NOON + MAX_SECONDS:
            raise NeverRests
        for _ in range(1 + self.platform.faults.happens(Fault.TWO_TICKS, times_as_often=5)):
            deadline = self.platform.timeline.now() + TIMEOUT_SECONDS
            invocation = Invocation("scheduler", deadline, frozenset())
            assert self.tick
            self.platform.invoke(invocation, self.tick, self._ended)
        if self.plans_ahead:
            self.plan_all()

    def _ended(self, _answered: bool, _response: object) -> None:  # noqa: FBT001
        if not self.plans_ahead and not self.is_at_rest():
            self.plan_all()
