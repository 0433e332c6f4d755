"""Scheduled reconcile of each DevLake whose API is configured, every few minutes.

A run reads within bounds, and publishes events that fan-out lacks. Lost states are found in three
ways:

- *pages* of pipelines, newest first, until a whole page is unchanged since the watermark. Pages
  beyond the bound of a run are its backlog, which the next run continues.
- *lists* of waiting or running pipelines, by status: an old pipeline that runs again is on a page
  far behind.
- pipelines that our journal *holds* as unfinished, each read by its id: its end may be on any
  page. A cursor takes them in turns.

Whether a state is known is decided by the code of fan-out. So a known state costs no message, and
nothing depends on whose clock is right.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from lakehook.domain.devlake.notification import PipelineRow
from lakehook.domain.devlake.reconciliation import (
    Cursor,
    Reconciliation,
    UnreadPages,
    pipeline_number,
)
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.errors import (
    DevlakeUnavailable,
    InvalidNotification,
    LakehookError,
    NotDevlake,
)
from lakehook.domain.event import Event
from lakehook.domain.json_document import Document
from lakehook.domain.pipeline import ACTIVE_STATES, Pipeline, PipelineState, PipelineTransition
from lakehook.ingestion.reconcile import EventsOfRows, read_rows
from lakehook.ports.ingress import DevLakePipelines, Publish
from lakehook.ports.stores import Journal, Reconciliations
from lakehook.ports.system import Clock
from lakehook.ports.telemetry import ReconcileReport, ReconcileTelemetry

REQUEST_SECONDS = 5.0

MAX_HELD = 1000

Part = tuple[PipelineState, bool]

_PARTS = sorted((state, stalled) for state in ACTIVE_STATES for stalled in (False, True))

MAX_PAGES = 10  # of the newest, and as many of the backlog

MAX_LIST_PAGES = 3  # of each status

MAX_READ_BY_ID = 20

UNFINISHED = ("TASK_RUNNING", "TASK_RERUN", "TASK_CREATED")

PUBLISHED_AT_A_TIME = 10
"""Events published at a time, before projects of further ones are read."""

SETTLED_SHARE = 5
"""A fifth of an interval: a change has a minute to arrive before it counts as lost."""


class BoundReached(Exception):
    """The run has reached its bound of time or requests; the next run continues."""


@dataclass(frozen=True)
class TimedDevLake:
    """``DevLakePipelines`` within a time limit. A request takes at most ``REQUEST_SECONDS``."""

    devlake: DevLakePipelines
    clock: Clock
    ends_at: float

    def page(self, number: int, *, status: str = "") -> Sequence[Document]:
        return self._in_time.page(number, status=status)

    def pipeline(self, pipeline_id: int) -> Document | None:
        return self._in_time.pipeline(pipeline_id)

    def tasks_of(self, pipeline_id: int) -> Sequence[Document]:
        return self._in_time.tasks_of(pipeline_id)

    def project_of(self, blueprint_id: int) -> str:
        return self._in_time.project_of(blueprint_id)

    def version(self) -> str:
        return self._in_time.version()

    @property
    def _in_time(self) -> DevLakePipelines:
        if self.clock.now() + REQUEST_SECONDS > self.ends_at:
            raise BoundReached("the time of a run is over: DevLake's API answers slowly")
        return self.devlake


def held_pipelines(journal: Journal, *, after: Cursor | None, until: float) -> Sequence[Cursor]:
    """Return the pipelines of all sources after the cursor, in its order; at most ``MAX_HELD``.

    ``until`` is the latest time at which they may have entered their state.
    """
    held = (cursor for cursor in _held(journal, after, until) if after is None or cursor > after)
    return sorted(islice(held, MAX_HELD))


def _held(journal: Journal, after: Cursor | None, until: float) -> Iterator[Cursor]:
    for part in _PARTS:
        first = _first_of(part, after)
        if first is not None:
            yield from _part(journal, part, since=first, until=until)


def _first_of(part: Part, after: Cursor | None) -> float | None:
    """Return the start of the read in a part of the index; None if it is before the cursor."""
    if after is None or part > (after.state, after.stalled):
        return 0.0
    return after.entered_at if part == (after.state, after.stalled) else None


def _part(journal: Journal, part: Part, *, since: float, until: float) -> Iterator[Cursor]:
    state, stalled = part
    for pipeline in journal.unfinished(state, until=until, since=since, stalled=stalled):
        assert pipeline.entered_at is not None, f"pipeline {pipeline.key} is in no state"
        yield Cursor(state=state, stalled=stalled, entered_at=pipeline.entered_at, key=pipeline.key)


@dataclass
class ReconcileRun:
    """One run. ``state`` is the progress so far, also after an interruption."""

    source: DevLakeSource
    devlake: DevLakePipelines
    journal: Journal
    publish: Publish
    clock: Clock
    telemetry: ReconcileTelemetry
    interval_seconds: float
    state: Reconciliation
    read: dict[int, PipelineRow] = field(default_factory=dict)
    published: int = 0
    unreadable: list[str] = field(default_factory=list)
    _read_by_id: int = 0
    _compared: dict[int, PipelineRow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._events = EventsOfRows(self.devlake, self.source)

    def __call__(self) -> ReconcileReport:
        self._read_newest()
        self._read_unfinished()
        self._read_held()
        self._read_backlog()
        return ReconcileReport(
            source=self.source.name,
            read=len(self.read),
            published=self.published,
            unreadable=tuple(self.unreadable),
            has_backlog=self.state.backlog is not None,
        )

    def _read_newest(self) -> None:
        """Read pages from the first on; pages beyond the bound become the backlog."""
        since = self.state.since
        page: int | None = 1
        try:
            while page and page <= MAX_PAGES:
                page = self._read_page(page, since, is_newest=True)
        except Exception:
            if page and page > 1:
                self.state = self.state.has_left(UnreadPages(since=since, page=page))
            raise
        if page:
            self.state = self.state.has_reached_bound(UnreadPages(since=since, page=page))

    def _read_backlog(self) -> None:
        """Read the backlog. A row is on its page or a later one, since none is ever deleted."""
        pages = 0
        try:
            while (backlog := self.state.backlog) and pages < MAX_PAGES:
                page = self._read_page(backlog.page, backlog.since)
                left = replace(backlog, page=page) if page else None
                self.state = replace(self.state, backlog=left)
                pages += 1
        except BoundReached:
            if pages == 0:
                raise

    def _read_page(self, number: int, since: float, *, is_newest: bool = False) -> int | None:
        """Publish the changes of a page; return the next page's number if that may have more.

        Only changes on the first page may be left to settle: no later run is sure to see the
        others.
        """
        rows = self._rows(self.devlake.page(number))
        changed = [row for row in rows if row.changed_at >= since]
        self._publish_lost(changed, settle=number == 1)
        if is_newest and rows:
            newest = max(row.changed_at for row in rows)
            self.state = self.state.has_seen(newest, now=self.clock.now())
        return number + 1 if changed else None

    def _read_unfinished(self) -> None:
        for status in UNFINISHED:
            for number in range(1, MAX_LIST_PAGES + 1):
                rows = self._rows(self.devlake.page(number, status=status))
                if not rows:
                    break
                self._publish_lost(rows, settle=True)

    def _read_held(self) -> None:
        """Read pipelines that the journal holds as unfinished, from the cursor on."""
        until = self.clock.now() - self.interval_seconds
        held = held_pipelines(self.journal, after=self.state.cursor, until=until)
        try:
            for cursor in held:
                self._reconcile_held(cursor)
                self.state = replace(self.state, cursor=cursor)
        except BoundReached:
            if not self._read_by_id:
                raise
        else:
            if len(held) < MAX_HELD:
                self.state = replace(self.state, cursor=None)

    def _reconcile_held(self, held: Cursor) -> None:
        """Read one pipeline unless this run has read it; one that is gone is left alone."""
        number = pipeline_number(held.key, self.source.name)
        if number is None:
            return
        if number not in self.read:
            self._read_pipeline(number)
        if row := self.read.get(number):
            self._publish_lost([row], settle=True)

    def _read_pipeline(self, number: int) -> None:
        if self._read_by_id == MAX_READ_BY_ID:
            raise BoundReached(f"{MAX_READ_BY_ID} pipelines were read by their ids")
        self._read_by_id += 1
        try:
            document = self.devlake.pipeline(number)
        except (DevlakeUnavailable, NotDevlake) as error:  # the next ones get their turn
            self.unreadable.append(f"left out: pipeline {number}: {error}")
            return
        if document is not None:
            self._read_one(document)

    def _read_one(self, document: Document) -> None:
        try:
            row = PipelineRow.parse(document)
        except InvalidNotification as error:
            self.unreadable.append(str(error))
        else:
            self.read[row.id] = row

    def _rows(self, page: Sequence[Document]) -> list[PipelineRow]:
        rows = read_rows(page, self.unreadable.append)
        self.read |= {row.id: row for row in rows}
        return rows

    def _publish_lost(self, rows: Sequence[PipelineRow], *, settle: bool) -> None:
        """Publish lost events; ``settle`` leaves recent changes, which may be under way."""
        lost = list(self._lost(rows, settle=settle))
        for start in range(0, len(lost), PUBLISHED_AT_A_TIME):
            chunk = lost[start : start + PUBLISHED_AT_A_TIME]
            self._publish([self._events.whole(row, pipeline) for row, pipeline in chunk])

    def _publish(self, events: Sequence[Event]) -> None:
        self.publish(events)
        self.published += len(events)
        ids = [event.id for event in events]
        self.state = self.state.has_published(ids, now=self.clock.now())
        for event in events:
            self.telemetry.event_reconciled(event)

    def _lost(
        self, rows: Sequence[PipelineRow], *, settle: bool
    ) -> Iterator[tuple[PipelineRow, Pipeline]]:
        """Yield rows that advance their pipelines, each with its pipeline; the oldest first."""
        events = {row.id: self._events.bare(row) for row in rows if self._is_changed(row)}
        pipelines = self.journal.read_pipelines({event.pipeline_key for event in events.values()})
        for number, event in sorted(events.items()):
            row = self.read[number]
            pipeline = pipelines.get(event.pipeline_key) or Pipeline(event.pipeline_key)
            if self._advances(event, pipeline) and not (settle and self._is_settling(row)):
                yield row, pipeline

    def _is_changed(self, row: PipelineRow) -> bool:
        """Whether this run has not seen the row in this state."""
        before = self._compared.get(row.id)
        self._compared[row.id] = row
        return row != before

    def _advances(self, event: Event, pipeline: Pipeline) -> bool:
        is_advance = isinstance(pipeline.apply(event), PipelineTransition)
        return is_advance and self.state.may_publish(event.id, now=self.clock.now())

    def _is_settling(self, row: PipelineRow) -> bool:
        """Whether a change is recent; one in the future comes from a wrong clock, and is not."""
        age = self.clock.now() - row.changed_at
        return 0 <= age < self.interval_seconds / SETTLED_SHARE


RUN_SECONDS = 20.0
MIN_RUN_SECONDS = 2 * REQUEST_SECONDS
"""Minimum time of a run; with less it would read almost nothing, then wait an interval."""

INTERVAL_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class ReconcileOnSchedule:
    apis: Mapping[DevLakeSource, DevLakePipelines]
    reconciliations: Reconciliations
    journal: Journal
    publish: Publish
    clock: Clock
    telemetry: ReconcileTelemetry
    interval_seconds: float = INTERVAL_SECONDS

    def __call__(self, *, ends_at: float) -> int:
        """Run for each source that is due, and return how many events were published.

        Never raises, and one source's failure does not affect another. The source that has been due
        longest comes first; if no time is left, a source is due at the next call.
        """
        published, lags = 0, []
        for before in self._in_order():
            after, events = self._run_if_due(before, ends_at)
            published += events
            lags.append(after.lag(now=self.clock.now()))
        if lags:
            self.telemetry.reconcile_lag(max(lags))
        return published

    def _in_order(self) -> list[Reconciliation]:
        states = [state for source in self.apis if (state := self._find(source.name))]
        return sorted(states, key=lambda reconciliation: reconciliation.due_at)

    def _find(self, source: str | None) -> Reconciliation | None:
        try:
            state = self.reconciliations.find(source)
        except LakehookError as error:
            self.telemetry.reconcile_failed(source, str(error))
            return None
        return state or Reconciliation.first(source, now=self.clock.now())

    def _run_if_due(self, before: Reconciliation, ends_at: float) -> tuple[Reconciliation, int]:
        now = self.clock.now()
        if before.due_at > now:
            return before, 0
        if ends_at - now < MIN_RUN_SECONDS:
            if before.lag(now=now) > 2 * self.interval_seconds:
                self.telemetry.reconcile_failed(before.source, "no time is left in this tick")
            return before, 0
        try:
            claimed = self.reconciliations.save(
                before.claimed(now=now, interval=self.interval_seconds)
            )
            if claimed is None:  # another scheduler runs it
                return before, 0
            run = self._run_of(claimed, ends_at=min(ends_at, now + RUN_SECONDS))
            after = self._outcome_of(run)
            self.reconciliations.save(after)
        except LakehookError as error:
            self.telemetry.reconcile_failed(before.source, str(error))
            return before, 0
        return after, run.published

    def _run_of(self, claimed: Reconciliation, *, ends_at: float) -> ReconcileRun:
        (source,) = (api for api in self.apis if api.name == claimed.source)
        return ReconcileRun(
            source=source,
            devlake=TimedDevLake(self.apis[source], self.clock, ends_at),
            journal=self.journal,
            publish=self.publish,
            clock=self.clock,
            telemetry=self.telemetry,
            interval_seconds=self.interval_seconds,
            state=claimed,
        )

    def _outcome_of(self, run: ReconcileRun) -> Reconciliation:
        try:
            report = run()
        except (LakehookError, BoundReached) as error:
            return self._failed(run.state, str(error))
        except Exception as error:  # noqa: BLE001  no tick ends in an error because of DevLake
            return self._failed(run.state, type(error).__name__, fault=error)
        self.telemetry.reconciled(report)
        return run.state.succeeded(now=self.clock.now())

    def _failed(
        self, state: Reconciliation, reason: str, *, fault: Exception | None = None
    ) -> Reconciliation:
        """Record a failure; of an unexpected one only the type, since its text may be secret."""
        self.telemetry.reconcile_failed(state.source, reason, fault=fault)
        return state.failed(reason, now=self.clock.now(), interval=self.interval_seconds)
