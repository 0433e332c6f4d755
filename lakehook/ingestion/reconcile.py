"""Reconcile: DevLake's present states are published as if its notifications had just arrived."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lakehook.domain.devlake.notification import PipelineRow
from lakehook.domain.devlake.sources import DEFAULT_SOURCE, ApiAddress, DevLakeSource
from lakehook.domain.errors import DevlakeUnavailable, InvalidInput, InvalidNotification, NotDevlake
from lakehook.domain.event import Event
from lakehook.domain.json_document import Document
from lakehook.domain.pipeline import Pipeline
from lakehook.domain.time import format_rfc3339
from lakehook.ports.ingress import DevLakePipelines, Publish
from lakehook.ports.outbound import Warn
from lakehook.ports.system import Clock

LOOKS_BACK_SECONDS = 24 * 3600.0

MAX_REPEATED_PAGES = 2
"""Consecutive pages without news: rows that move while pages are read can fill one."""

MAX_PAGES = 1000
"""More than a DevLake fills in years; a bound for lists that never end."""

ConnectDevLake = Callable[[ApiAddress], DevLakePipelines]

OnProgress = Callable[[int], None]


def read_rows(page: Sequence[Document], warn: Warn) -> list[PipelineRow]:
    """Parse rows; ``warn`` gets a line for each one that is invalid.

    Raises ``NotDevlake`` if a page has pipelines and all are invalid.
    """
    rows: list[PipelineRow] = []
    complaints: list[str] = []
    for document in page:
        try:
            rows.append(PipelineRow.parse(document))
        except InvalidNotification as error:
            complaints.append(f"pipeline {str(document.get('id'))[:20]!a}: {error}")
    if complaints and not rows:
        raise NotDevlake(f"what it lists are no pipelines of DevLake's: {complaints[0]}")
    for complaint in complaints:
        warn(f"left out: {complaint}")
    return rows


@dataclass(frozen=True)
class EventsOfRows:
    """Conversion of rows to events. A row lacks the project; its blueprint, read once, names it."""

    devlake: DevLakePipelines
    source: DevLakeSource = DEFAULT_SOURCE
    _projects: dict[int, str] = field(default_factory=lambda: {0: ""})

    def bare(self, row: PipelineRow) -> Event:
        """Build the event of the row only, which is enough to recognize its state."""
        return row.to_event("", source=self.source.name)

    def whole(self, row: PipelineRow, pipeline: Pipeline | None = None) -> Event:
        """Build the full event; the project is kept from before if no blueprint names it."""
        earlier = pipeline.info.project_name if pipeline and pipeline.info else None
        project = self._project_of(row.blueprint_id) or earlier or ""
        event = row.to_event(project, source=self.source.name, tasks=self._tasks_of(row))
        page = {"pipeline_url": self.source.pipeline_url(row.id)}
        return Event.with_details(event.document | {"reconciled": True}, page)

    def _tasks_of(self, row: PipelineRow) -> Sequence[Document]:
        """Read the tasks; none if that fails, since an event without tasks is better than none."""
        if not row.has_failed_tasks:
            return ()
        try:
            return self.devlake.tasks_of(row.id)
        except (DevlakeUnavailable, NotDevlake):
            return ()

    def _project_of(self, blueprint_id: int) -> str:
        if blueprint_id not in self._projects:
            self._projects[blueprint_id] = self._read_project(blueprint_id)
        return self._projects[blueprint_id]

    def _read_project(self, blueprint_id: int) -> str:
        """Read the project; "" if that fails: one broken blueprint must not stop the others."""
        try:
            return self.devlake.project_of(blueprint_id)
        except (DevlakeUnavailable, NotDevlake):
            return ""


@dataclass(frozen=True)
class Reconciled:
    since: float  # unix seconds
    read: int  # pipelines, changed or not
    events: Sequence[Event]  # of the pipelines that have changed since
    sent: int


@dataclass(frozen=True)
class Reconcile:
    connect: ConnectDevLake
    publish: Publish
    clock: Clock
    warn: Warn

    def __call__(
        self,
        address: ApiAddress,
        source: DevLakeSource = DEFAULT_SOURCE,
        *,
        since: float | None = None,
        dry_run: bool = False,
        done: OnProgress = lambda _: None,
    ) -> Reconciled:
        """Send the present state of each pipeline that has changed since, by default, yesterday.

        Safe to repeat, and while the ingress works: events are recognized by id, and implied events
        are inferred as usual. ``done`` is called for each page and each batch.
        """
        now = self.clock.now()
        since = now - LOOKS_BACK_SECONDS if since is None else since
        if since > now:
            raise InvalidInput(f"since: {format_rfc3339(since)} is in the future")
        devlake = self.connect(address)
        rows = self._read(devlake, since, done)
        changed = [row for _, row in sorted(rows.items()) if row.changed_at >= since]
        events_of = EventsOfRows(devlake, source)
        events = [events_of.whole(row) for row in changed]
        sent = 0 if dry_run else self.publish(events, sent=done)
        return Reconciled(since, len(rows), events, sent)

    def _read(
        self, devlake: DevLakePipelines, since: float, done: OnProgress
    ) -> dict[int, PipelineRow]:
        """Read pages until one is unchanged since then.

        The newest pipelines come first, but an old one may be rerun; none created since is missed.
        Of a pipeline that moves to the next page during the read, the later row counts.
        """
        rows: dict[int, PipelineRow] = {}
        repeated = 0  # consecutive pages
        for number in range(1, MAX_PAGES + 1):
            page = devlake.page(number)
            if not page:
                return rows
            read = read_rows(page, self.warn)
            repeated = 0 if {row.id for row in read} - rows.keys() else repeated + 1
            _reject_repetition(number, repeated)
            rows |= {row.id: row for row in read}
            done(len(page))
            if all(row.changed_at < since for row in read):
                return rows
        raise InvalidInput(f"since: DevLake shows more than {MAX_PAGES} pages; give a later time")


def _reject_repetition(number: int, repeated: int) -> None:
    if repeated >= MAX_REPEATED_PAGES:
        raise NotDevlake(
            f"devlake: page {number} lists the same pipelines as the pages before it: does a proxy"
            " drop the query of GET /pipelines?page=…?"
        )
