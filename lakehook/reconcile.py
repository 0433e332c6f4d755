"""Reconcile: what DevLake says of its pipelines now is sent, as if it had just told us."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from lakehook.domain.devlake.api_address import ApiAddress
from lakehook.domain.devlake.row import Row
from lakehook.domain.document import Document
from lakehook.domain.errors import BadInput, BadNotice, NoDevlake
from lakehook.domain.event import Event
from lakehook.ports.clock import Clock
from lakehook.ports.devlake import DevLakePipelines, Publish
from lakehook.ports.endpoints import Warn

LOOKS_BACK_SECONDS = 24 * 3600.0
MOST_PAGES = 1000
"""More than a DevLake fills in years; a list that never ends is left there."""

Reach = Callable[[ApiAddress], DevLakePipelines]
Done = Callable[[int], None]


@dataclass(frozen=True)
class Reconciled:
    since: float  # unix seconds
    read: int  # pipelines, changed or not
    events: Sequence[Event]  # of those that have changed since
    sent: int


@dataclass(frozen=True)
class Reconcile:
    reach: Reach
    publish: Publish
    clock: Clock
    warn: Warn

    def __call__(
        self,
        address: ApiAddress,
        *,
        since: float | None = None,
        dry_run: bool = False,
        done: Done = lambda _: None,
    ) -> Reconciled:
        """Send the present state of each pipeline that has changed since, by default, yesterday.

        Safe to repeat, and beside an ingress that works: an event is known by its id, and what
        it implies is inferred, as for any other. ``done`` is told of each page and each batch.
        """
        since = self.clock.now() - LOOKS_BACK_SECONDS if since is None else since
        devlake = self.reach(address)
        rows = self._read(devlake, since, done)
        changed = [row for _, row in sorted(rows.items()) if row.changed_at >= since]
        events = list(_events(changed, devlake))
        sent = 0 if dry_run else self.publish(events, sent=done)
        return Reconciled(since, len(rows), events, sent)

    def _read(self, devlake: DevLakePipelines, since: float, done: Done) -> dict[int, Row]:
        """Until a whole page has not changed since.

        The newest pipelines come first, but an old one may be run again; none is missed that was
        created since. One that moves to the next page meanwhile counts as it was read last.
        """
        rows: dict[int, Row] = {}
        for number in range(1, MOST_PAGES + 1):
            page = devlake.page(number)
            if not page:
                return rows
            read = self._rows(page)
            rows |= {row.id: row for row in read}
            done(len(page))
            if all(row.changed_at < since for row in read):
                return rows
        raise BadInput(f"since: DevLake shows more than {MOST_PAGES} pages; give a later time")

    def _rows(self, page: Sequence[Document]) -> list[Row]:
        rows, complaints = _readable(page)
        if not rows:
            raise NoDevlake(f"what it lists are no pipelines of DevLake's: {complaints[0]}")
        for complaint in complaints:
            self.warn(f"left out: {complaint}")
        return rows


def _readable(page: Sequence[Document]) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    complaints: list[str] = []
    for shown in page:
        try:
            rows.append(Row.read(shown))
        except BadNotice as error:
            complaints.append(f"pipeline {str(shown.get('id'))[:20]!a}: {error}")
    return rows, complaints


def _events(rows: Iterable[Row], devlake: DevLakePipelines) -> Iterator[Event]:
    """The oldest first; each blueprint is asked for once."""
    projects = {0: ""}
    for row in rows:
        if row.blueprint_id not in projects:
            projects[row.blueprint_id] = devlake.project_of(row.blueprint_id)
        yield row.event(projects[row.blueprint_id])
