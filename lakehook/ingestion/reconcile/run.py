"""One run of the scheduled reconcile: read within bounds, publish what fan-out never saw.

Three ways lead to lost states:

- *pages* of pipelines, newest first, until a whole page has not changed since the watermark. What
  is beyond the bound of a run is its backlog, with which the next run goes on.
- *lists* of waiting or running pipelines, by status: an old pipeline that runs again is on a page
  far behind.
- pipelines that our journal *holds* as unfinished, each read by its id: its end may be on any
  page. A cursor makes them take turns.

Whether a state is known is decided as fan-out would decide it now. So a known state costs no
message, and nothing depends on whose clock is right.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from lakehook.domain.devlake.notification import PipelineRow
from lakehook.domain.devlake.reconciliation import (
    Cursor,
    Reconciliation,
    UnreadPages,
    pipeline_number,
)
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.errors import DevlakeUnavailable, InvalidNotification, NotDevlake
from lakehook.domain.event import Event
from lakehook.domain.json_document import Document
from lakehook.domain.pipeline import Pipeline, PipelineTransition
from lakehook.ingestion.reconcile.events import EventsOfRows, read_rows
from lakehook.ingestion.reconcile.held import MAX_HELD, held_pipelines
from lakehook.ingestion.reconcile.timed import BoundReached
from lakehook.ports.ingress import DevLakePipelines, Publish
from lakehook.ports.reconcile import PipelineReader, ReconcileReport, ReconcileTelemetry
from lakehook.ports.stores import UnfinishedPipelines
from lakehook.ports.system import Clock

MAX_PAGES = 10  # of the newest, and as many of the backlog
MAX_LIST_PAGES = 3  # of each status
MAX_ASKED = 20  # one by one

UNFINISHED = ("TASK_RUNNING", "TASK_RERUN", "TASK_CREATED")

PUBLISHED_AT_A_TIME = 10
"""So much is safe before DevLake is asked for the projects of more."""

SETTLED_SHARE = 5
"""Of an interval, a fifth: a change has a minute to be heard before it counts as lost."""


@dataclass
class ReconcileRun:
    """``state`` is what is known so far, also where the run was broken off."""

    source: DevLakeSource
    devlake: DevLakePipelines
    known: PipelineReader
    watch: UnfinishedPipelines
    publish: Publish
    clock: Clock
    telemetry: ReconcileTelemetry
    interval_seconds: float
    state: Reconciliation
    read: dict[int, PipelineRow] = field(default_factory=dict)
    published: int = 0
    unreadable: list[str] = field(default_factory=list)
    _asked: int = 0
    _judged: dict[int, PipelineRow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._events = EventsOfRows(self.devlake, self.source)

    def __call__(self) -> ReconcileReport:
        self._read_newest()
        self._read_unfinished()
        self._ask_for_held()
        self._read_backlog()
        return ReconcileReport(
            source=self.source.name,
            read=len(self.read),
            published=self.published,
            unreadable=tuple(self.unreadable),
            has_backlog=self.state.backlog is not None,
        )

    def _read_newest(self) -> None:
        """Pages from the first on; those that are not reached are left to the backlog."""
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
        """What was on such a page is there or on a later one, for no pipeline is ever deleted."""
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
        """Publish what has changed since; the number of the next page, if that may have more.

        Only on the first page is a change left to settle: no later run is sure to see another.
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

    def _ask_for_held(self) -> None:
        """The next run goes on behind the last one that was looked at."""
        until = self.clock.now() - self.interval_seconds
        held = held_pipelines(self.watch, after=self.state.cursor, until=until)
        try:
            for cursor in held:
                self._look_at(cursor)
                self.state = replace(self.state, cursor=cursor)
        except BoundReached:
            if not self._asked:
                raise
        else:
            if len(held) < MAX_HELD:
                self.state = replace(self.state, cursor=None)

    def _look_at(self, held: Cursor) -> None:
        """DevLake is asked for it unless this run has read it. One that is gone stays as it is."""
        number = pipeline_number(held.key, self.source.name)
        if number is None:
            return
        if number not in self.read:
            self._ask_for(number)
        if row := self.read.get(number):
            self._publish_lost([row], settle=True)

    def _ask_for(self, number: int) -> None:
        if self._asked == MAX_ASKED:
            raise BoundReached(f"{MAX_ASKED} pipelines were asked for")
        self._asked += 1
        try:
            document = self.devlake.pipeline(number)
        except (DevlakeUnavailable, NotDevlake) as error:  # those behind it get their turn
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
        """With ``settle``, what has just changed is left to the next run: it may be on its way."""
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
        """Rows that lead their pipelines on, each with what is known of it; the oldest first."""
        events = {row.id: self._events.bare(row) for row in rows if self._is_news(row)}
        pipelines = self.known.read_pipelines({event.pipeline_key for event in events.values()})
        for number, event in sorted(events.items()):
            row = self.read[number]
            pipeline = pipelines.get(event.pipeline_key) or Pipeline(event.pipeline_key)
            if self._leads_on(event, pipeline) and not (settle and self._is_settling(row)):
                yield row, pipeline

    def _is_news(self, row: PipelineRow) -> bool:
        """Whether this run has not judged it as it is."""
        before = self._judged.get(row.id)
        self._judged[row.id] = row
        return row != before

    def _leads_on(self, event: Event, pipeline: Pipeline) -> bool:
        is_unheard = isinstance(pipeline.apply(event), PipelineTransition)
        return is_unheard and self.state.may_publish(event.id, now=self.clock.now())

    def _is_settling(self, row: PipelineRow) -> bool:
        """A change in the future is by a clock that is wrong, and tells nothing."""
        age = self.clock.now() - row.changed_at
        return 0 <= age < self.interval_seconds / SETTLED_SHARE
