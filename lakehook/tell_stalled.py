"""Tell of pipelines that have stalled: one event for each stall, on its way like any other."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from lakehook.domain.event import Event
from lakehook.domain.lifecycle import UNENDED, Stage
from lakehook.domain.pipeline import Pipeline
from lakehook.domain.stall import StallThresholds, stall_of
from lakehook.ports.clock import Clock
from lakehook.ports.history import Watch

LEASE_SECONDS = 300.0  # a stall that is lost on its way is told again after this, by the same id
PIPELINES_AT_A_TIME = 10
MOST_AT_A_TICK = 500  # of one state; the others are found by the next

Publish = Callable[[Iterable[Event]], int]


@dataclass(frozen=True)
class TellStalled:
    watch: Watch
    publish: Publish
    clock: Clock
    thresholds: StallThresholds

    def __call__(self) -> int:
        """Tell each stall once; of how many.

        A stall is leased before it is told, so that of two clocks one tells it. It has been told
        once fan-out has accepted it, and is told again if that does not happen.
        """
        return sum(self._tell(some) for stage in UNENDED for some in self._stalled(stage))

    def _stalled(self, stage: Stage) -> Iterator[list[Pipeline]]:
        now = self.clock.now()
        found = self.watch.unended(stage, until=now - self.thresholds.shortest(stage))
        stalled = islice(
            (one for one in found if self.thresholds.has_stalled(one, now=now)), MOST_AT_A_TICK
        )
        while some := list(islice(stalled, PIPELINES_AT_A_TIME)):
            yield some

    def _tell(self, stalled: Iterable[Pipeline]) -> int:
        now = self.clock.now()
        ours = [one for one in stalled if self.watch.lease(one, until=now + LEASE_SECONDS)]
        return self.publish([stall_of(one, now=now) for one in ours])
