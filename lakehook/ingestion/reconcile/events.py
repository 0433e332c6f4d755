"""Rows of DevLake's pipelines, converted to events."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lakehook.domain.devlake.notification import PipelineRow
from lakehook.domain.devlake.sources import DEFAULT_SOURCE, DevLakeSource
from lakehook.domain.errors import DevlakeUnavailable, InvalidNotification, NotDevlake
from lakehook.domain.event import Event
from lakehook.domain.json_document import Document
from lakehook.domain.pipeline import Pipeline
from lakehook.ports.ingress import DevLakePipelines
from lakehook.ports.outbound import Warn


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
