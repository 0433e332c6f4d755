"""Unfinished pipelines of our journal, in the order in which they are read from DevLake."""

from collections.abc import Iterator, Sequence
from itertools import islice

from lakehook.domain.devlake.reconciliation import Cursor
from lakehook.domain.pipeline import ACTIVE_STATES, PipelineState
from lakehook.ports.stores import UnfinishedPipelines

MAX_HELD = 1000

Part = tuple[PipelineState, bool]

_PARTS = sorted((stage, stalled) for stage in ACTIVE_STATES for stalled in (False, True))


def held_pipelines(
    watch: UnfinishedPipelines, *, after: Cursor | None, until: float
) -> Sequence[Cursor]:
    """Return the pipelines of all sources after the cursor, in its order; at most ``MAX_HELD``.

    ``until`` is the latest time at which they may have entered their state.
    """
    held = (cursor for cursor in _held(watch, after, until) if after is None or cursor > after)
    return sorted(islice(held, MAX_HELD))


def _held(watch: UnfinishedPipelines, after: Cursor | None, until: float) -> Iterator[Cursor]:
    for part in _PARTS:
        first = _first_of(part, after)
        if first is not None:
            yield from _part(watch, part, since=first, until=until)


def _first_of(part: Part, after: Cursor | None) -> float | None:
    """Return the start of the read in a part of the index; None if it is before the cursor."""
    if after is None or part > (after.stage, after.stalled):
        return 0.0
    return after.entered_at if part == (after.stage, after.stalled) else None


def _part(
    watch: UnfinishedPipelines, part: Part, *, since: float, until: float
) -> Iterator[Cursor]:
    stage, stalled = part
    for pipeline in watch.list(stage, until=until, since=since, stalled=stalled):
        assert pipeline.entered_at is not None, f"pipeline {pipeline.key} is in no state"
        yield Cursor(stage=stage, stalled=stalled, entered_at=pipeline.entered_at, key=pipeline.key)
