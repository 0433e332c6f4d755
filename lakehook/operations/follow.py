"""Follow the journal: yield events of all pipelines as fan-out accepts them, read-only.

The index of unfinished pipelines shows at once which pipelines changed. It never has one whose
first event ended it, so a page of the journal is read each second as well. That finds the others,
at a cost that does not depend on the journal's length.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lakehook.domain.pipeline import ACTIVE_STATES, PipelineState
from lakehook.ports.stores import (
    AcceptedEvent,
    Journal,
)
from lakehook.ports.system import Clock

POLL_SECONDS = 1.0
CLOCK_SKEW_SECONDS = 60.0  # fan-out's clock may be ahead of ours by this


@dataclass(frozen=True)
class FollowEvents:
    journal: Journal
    clock: Clock

    def past(self, *, since: float) -> Sequence[AcceptedEvent]:
        """Return events accepted since then, in order, by reading the whole journal."""
        cursor, accepted = "", []
        until = self.clock.now() + CLOCK_SKEW_SECONDS
        while True:
            page = self.journal.page(since=since, until=until, after=cursor)
            accepted += [entry.accepted for entry in page.entries]
            cursor = page.cursor
            if not cursor:
                return sorted(accepted, key=_order)

    def __call__(self, *, since: float) -> Iterator[AcceptedEvent]:
        """Yield events accepted since then, each pipeline's in order, without an end."""
        follower = _Follower(self, since)
        while True:
            yield from follower.poll()
            self.clock.sleep(POLL_SECONDS)


@dataclass
class _Follower:
    """State of the last poll."""

    sources: FollowEvents
    since: float
    cursor: str = ""  # in the journal
    unfinished: dict[str, int] | None = None  # pipelines and their sequences
    followed: dict[str, int] = field(default_factory=dict)  # the last sequence of each

    def poll(self) -> list[AcceptedEvent]:
        moved = self._moved() | self._scanned()
        return sorted((event for key in moved for event in self._new_events(key)), key=_order)

    def _moved(self) -> set[str]:
        before, now = self.unfinished, self._list_unfinished()
        self.unfinished = now
        if before is None:
            return set()
        return {key for key in before | now if before.get(key) != now.get(key)}

    def _list_unfinished(self) -> dict[str, int]:
        until = self.sources.clock.now() + CLOCK_SKEW_SECONDS
        return {
            pipeline.key: pipeline.sequence
            for state in ACTIVE_STATES
            for stalled in (False, True)
            for pipeline in self.sources.journal.unfinished(
                PipelineState(state), until=until, stalled=stalled
            )
        }

    def _scanned(self) -> set[str]:
        until = self.sources.clock.now() + CLOCK_SKEW_SECONDS
        page = self.sources.journal.page(since=self.since, until=until, after=self.cursor)
        self.cursor = page.cursor
        return {
            entry.accepted.sequenced.event.pipeline_key
            for entry in page.entries
            if entry.accepted.sequenced.sequence > self._last(entry.accepted)
        }

    def _last(self, accepted: AcceptedEvent) -> int:
        return self.followed.get(accepted.sequenced.event.pipeline_key, 0)

    def _new_events(self, pipeline_key: str) -> list[AcceptedEvent]:
        events = [
            accepted
            for accepted in self.sources.journal.events(pipeline_key)
            if accepted.at >= self.since and accepted.sequenced.sequence > self._last(accepted)
        ]
        if events:
            self.followed[pipeline_key] = events[-1].sequenced.sequence
        return events


def _order(accepted: AcceptedEvent) -> tuple[float, str, int]:
    event = accepted.sequenced
    return accepted.at, event.event.pipeline_key, event.sequence
