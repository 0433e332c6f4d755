"""Detection of stalled pipelines: one event for each stall."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, takewhile

from lakehook.domain.event import Event
from lakehook.domain.pipeline import (
    ACTIVE_STATES,
    Pipeline,
    PipelineState,
    StallThresholds,
    stalled_event,
)
from lakehook.ports.stores import Journal
from lakehook.ports.system import Clock

LEASE_SECONDS = 300.0  # a lost stall event is published again after this, with the same id
PIPELINES_AT_A_TIME = 10
MAX_PER_TICK = 500  # of one state; the next tick finds the rest
MAX_RUN_SECONDS = 8.0  # of a tick, so that replays and notices have their time

Publish = Callable[[Iterable[Event]], int]


@dataclass(frozen=True)
class PublishStalledPipelines:
    journal: Journal
    publish: Publish
    clock: Clock
    thresholds: StallThresholds

    def __call__(self) -> int:
        """Publish one event for each stall, and return how many.

        Each stall is leased first, so that only one of two ticks publishes it. It is published
        again unless fan-out accepts it.
        """
        ends_at = self.clock.now() + MAX_RUN_SECONDS
        batches = (batch for state in ACTIVE_STATES for batch in self._stalled(state))
        return sum(map(self._publish, takewhile(lambda _: self.clock.now() < ends_at, batches)))

    def _stalled(self, state: PipelineState) -> Iterator[list[Pipeline]]:
        now = self.clock.now()
        candidates = self.journal.unfinished(state, until=now - self.thresholds.min_seconds(state))
        stalled = islice(
            (p for p in candidates if self.thresholds.has_stalled(p, now=now)), MAX_PER_TICK
        )
        while batch := list(islice(stalled, PIPELINES_AT_A_TIME)):
            yield batch

    def _publish(self, stalled: Iterable[Pipeline]) -> int:
        now = self.clock.now()
        leased = [p for p in stalled if self.journal.lease_stall(p, until=now + LEASE_SECONDS)]
        return self.publish([stalled_event(pipeline, now=now) for pipeline in leased])
