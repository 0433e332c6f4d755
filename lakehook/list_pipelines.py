"""List pipelines that have not ended: in which state, and for how long."""

from collections.abc import Iterator
from dataclasses import dataclass

from lakehook.domain.lifecycle import UNENDED, Stage
from lakehook.domain.pipeline import Pipeline
from lakehook.domain.pipeline_key import is_of_source
from lakehook.ports.clock import Clock
from lakehook.ports.history import Watch


@dataclass(frozen=True)
class Unended:
    pipeline: Pipeline
    since: float  # unix seconds, when its state was accepted
    seconds: float


@dataclass(frozen=True)
class ListPipelines:
    watch: Watch
    clock: Clock

    def __call__(
        self, stage: Stage | None = None, *, older_than: float = 0.0, source: str | None = None
    ) -> list[Unended]:
        """Those in one state, or in any that is no end, for so many seconds; the longest first.

        Of one source, if one is named.
        """
        now = self.clock.now()
        found = [
            unended
            for one in ([stage] if stage else UNENDED)
            for stalled in (False, True)
            for unended in self._unended(one, now=now, older_than=older_than, stalled=stalled)
            if is_of_source(unended.pipeline.key, source)
        ]
        return sorted(found, key=lambda one: (one.since, one.pipeline.key))

    def _unended(
        self, stage: Stage, *, now: float, older_than: float, stalled: bool
    ) -> Iterator[Unended]:
        for pipeline in self.watch.unended(stage, until=now - older_than, stalled=stalled):
            since = now if pipeline.entered_at is None else pipeline.entered_at
            yield Unended(pipeline, since, max(0.0, now - since))
