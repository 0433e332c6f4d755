"""Details of a pipeline from DevLake's REST API, read while DevLake waits for our response."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lakehook.adapters.devlake.rest import within
from lakehook.domain.devlake.notification import PipelineRow
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.errors import InvalidNotification, LakehookError
from lakehook.domain.json_document import Document
from lakehook.ports.ingress import DevLakePipelines, Now

DEADLINE_SECONDS = 1.0  # for all reads of one notification
QUIET_SECONDS = 10.0
"""Pause after a failure: pipelines wait for DevLake, and DevLake for our response."""

Connect = Callable[[DevLakeSource], DevLakePipelines]
Warn = Callable[[str | None, str], None]
"""Reports that a source's API was not read, and why."""


@dataclass
class DevLakeDetails:
    """``PipelineDetails`` from the API: never raises, and returns what was read by the deadline."""

    connect: Connect
    now: Now
    warn: Warn
    deadline_seconds: float = DEADLINE_SECONDS
    _apis: dict[str | None, DevLakePipelines] = field(default_factory=dict)
    _quiet_until: dict[str | None, float] = field(default_factory=dict)

    def of_event(self, source: DevLakeSource, document: Document) -> Document:
        is_pipeline = type(document["pipeline_id"]) is int  # the oldest form names a task
        if source.api_url is None or not is_pipeline or self._is_quiet(source):
            return {}
        return self._read_in_time(source, document)

    def _is_quiet(self, source: DevLakeSource) -> bool:
        return self.now() < self._quiet_until.get(source.name, float("-inf"))

    def _read_in_time(self, source: DevLakeSource, document: Document) -> Document:
        learnt: list[Document] = [{}]  # each contains the one before
        try:
            within(self.deadline_seconds, lambda: self._read(source, document, learnt))
        except Exception as error:  # noqa: BLE001  no notice is lost for what only adds detail
            self._quiet_until[source.name] = self.now() + QUIET_SECONDS
            self.warn(source.name, _reason(error))
        return learnt[-1]

    def _read(self, source: DevLakeSource, document: Document, learnt: list[Document]) -> None:
        """Read the row; for a failed pipeline without a later run, its tasks, too."""
        api = self._api(source)
        number = document["pipeline_id"]
        shown = api.pipeline(number)
        if shown is None:  # DevLake may notify before it has committed the pipeline
            return
        row = PipelineRow.parse(shown)
        learnt.append(row.details(document))
        if row.has_failed_tasks and row.is_state_of(document):
            learnt.append(row.details(document, api.tasks_of(number)))

    def _api(self, source: DevLakeSource) -> DevLakePipelines:
        if source.name not in self._apis:
            self._apis[source.name] = self.connect(source)
        return self._apis[source.name]


def _reason(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "DevLake is unavailable: no complete response in time"
        case InvalidNotification():
            return f"its response is not a pipeline of DevLake: {error}"
        case LakehookError():
            return str(error)
    return f"unexpected: {type(error).__name__}"
