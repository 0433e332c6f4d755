"""Detection of stalled pipelines: one event for each stall."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from lakehook.domain.event import Event
from lakehook.domain.pipeline import (
    ACTIVE_STATES,
    Pipeline,
    PipelineState,
    StallThresholds,
    stalled_event,
)
from lakehook.ports.stores import UnfinishedPipelines
from lakehook.ports.system import Clock

LEASE_SECONDS = 300.0  # a stall that is lost on its way is told again after this, by the same id
PIPELINES_AT_A_TIME = 10
MAX_PER_TICK = 500  # of one state; the others are found by the next

Publish = Callable[[Iterable[Event]], int]


@dataclass(frozen=True)
class PublishStalledPipelines:
    pipelines: UnfinishedPipelines
    publish: Publish
    clock: Clock
    thresholds: StallThresholds

    def __call__(self) -> int:
        """Tell each stall once; of how many.

        A stall is leased before it is told, so that of two clocks one tells it. It has been told
        once fan-out has accepted it, and is told again if that does not happen.
        """
        return sum(self._publish(some) for stage in ACTIVE_STATES for some in self._stalled(stage))

    def _stalled(self, stage: PipelineState) -> Iterator[list[Pipeline]]:
        now = self.clock.now()
        found = self.pipelines.list(stage, until=now - self.thresholds.min_seconds(stage))
        stalled = islice(
            (one for one in found if self.thresholds.has_stalled(one, now=now)), MAX_PER_TICK
        )
        while some := list(islice(stalled, PIPELINES_AT_A_TIME)):
            yield some

    def _publish(self, stalled: Iterable[Pipeline]) -> int:
        now = self.clock.now()
        ours = [one for one in stalled if self.pipelines.lease(one, until=now + LEASE_SECONDS)]
        return self.publish([stalled_event(our, now=now) for our in ours])
