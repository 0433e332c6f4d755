"""State of the scheduled reconcile of one DevLake: the progress of its reading, and its results.

``watermark`` is in DevLake's clock, which may be hours off; all other times are ours.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from lakehook.domain.devlake.notification import MAX_ID
from lakehook.domain.event import split_pipeline_key
from lakehook.domain.pipeline import PipelineState

LOOK_BACK_SECONDS = 24 * 3600.0
"""How far back the first run reads."""

OVERLAP_SECONDS = 600.0
"""Length before the watermark that is read again.

Rows change while pages are read, a transaction may commit after a later one, and recent changes are
left for the next run.
"""

REPUBLISH_SECONDS = 3600.0
"""Minimum interval before an event is published again, in case fan-out is behind."""

MAX_PUBLISHED = 500  # of an item that may have 400 KB
MAX_BACKOFF = 4  # intervals
MAX_ERROR = 300  # characters


@dataclass(frozen=True, kw_only=True)
class UnreadPages:
    """Pages that were not read: from ``page`` on, up to the first that is unchanged ``since``."""

    since: float
    page: int

    def joined(self, other: "UnreadPages | None") -> "UnreadPages":
        """Return the pages of both."""
        if other is None:
            return self
        return UnreadPages(since=min(self.since, other.since), page=min(self.page, other.page))


@dataclass(frozen=True, kw_only=True, order=True)
class Cursor:
    """The pipeline that was read last, of those that the journal holds as unfinished."""

    state: PipelineState
    stalled: bool
    entered_at: float
    key: str


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    source: str | None  # None: the default source
    started_at: float  # start of the first run
    due_at: float
    watermark: float
    backlog: UnreadPages | None = None
    bound_at: float | None = None  # the watermark at which a run left pages beyond the bound
    cursor: Cursor | None = None
    published: Mapping[str, float] = field(default_factory=dict)  # publication times by event id
    succeeded_at: float | None = None
    failed_at: float | None = None
    error: str | None = None
    failures: int = 0  # since the last success
    version: int = 0  # 0 before it is first saved

    @classmethod
    def first(cls, source: str | None, *, now: float) -> Self:
        return cls(
            source=source,
            started_at=now,
            due_at=now,
            watermark=now - LOOK_BACK_SECONDS + OVERLAP_SECONDS,
        )

    @property
    def since(self) -> float:
        """Time from which changes are read."""
        return self.watermark - OVERLAP_SECONDS

    def lag(self, *, now: float) -> float:
        """Return the seconds since the last successful run."""
        return max(0.0, now - (self.started_at if self.succeeded_at is None else self.succeeded_at))

    def claimed(self, *, now: float, interval: float) -> Self:
        """Return the state after a run has claimed it: no other starts within the interval."""
        return replace(self, due_at=now + interval)

    def has_seen(self, changed_at: float, *, now: float) -> Self:
        """Move the watermark forward, never beyond our clock: a row may contain any year."""
        return replace(self, watermark=max(self.watermark, min(changed_at, now)))

    def has_left(self, backlog: UnreadPages) -> Self:
        return replace(self, backlog=backlog.joined(self.backlog))

    def has_reached_bound(self, backlog: UnreadPages) -> Self:
        """Leave the pages beyond the bound, once per watermark.

        The overlap may have more pages than a run reads; otherwise every run would leave them
        again.
        """
        if self.bound_at == self.watermark:
            return self
        return replace(self.has_left(backlog), bound_at=self.watermark)

    def has_published(self, event_ids: Iterable[str], *, now: float) -> Self:
        published = {**self.published, **dict.fromkeys(event_ids, now)}
        recent = [(at, id_) for id_, at in published.items() if now - at < REPUBLISH_SECONDS]
        newest = sorted(recent, reverse=True)[:MAX_PUBLISHED]
        return replace(self, published={id_: at for at, id_ in newest})

    def may_publish(self, event_id: str, *, now: float) -> bool:
        at = self.published.get(event_id)
        return at is None or now - at >= REPUBLISH_SECONDS

    def succeeded(self, *, now: float) -> Self:
        return replace(self, succeeded_at=now, failures=0)

    def failed(self, error: str, *, now: float, interval: float) -> Self:
        """Back off: two intervals after the second consecutive failure, then four."""
        failures = self.failures + 1
        backoff = min(2 ** (failures - 1), MAX_BACKOFF)
        return replace(
            self,
            failed_at=now,
            error=error[:MAX_ERROR],
            failures=failures,
            due_at=now + interval * backoff,
        )


def pipeline_number(key: str, source: str | None) -> int | None:
    """Return DevLake's id of a pipeline; None if it is not one of this DevLake's.

    The journal also has pipelines of other sources, and of producers with ids of any form.
    """
    named, number = split_pipeline_key(key)
    if named != source or not number.isdecimal() or str(int(number)) != number:
        return None
    return int(number) if int(number) <= MAX_ID else None
