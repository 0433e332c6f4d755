"""Details of a pipeline from DevLake's REST API, read while DevLake waits for our response."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lakehook.adapters.devlake.rest import within
from lakehook.domain.devlake.notification import PipelineRow
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.errors import InvalidNotification, LakehookError
from lakehook.domain.json_document import Document
from lakehook.ports.ingress import DevLakePipelines, Now

DEADLINE_SECONDS = 1.0  # for all that is read beside one notice
QUIET_SECONDS = 10.0
"""After a failure a source is left alone: its pipelines wait for DevLake, and DevLake for us."""

Connect = Callable[[DevLakeSource], DevLakePipelines]
Warn = Callable[[str | None, str], None]
"""Tell that a source's API was not read, and why."""


@dataclass
class DevLakeDetails:
    """Plays ``PipelineDetails``: it never raises, and what was read until the deadline counts."""

    connect: Connect
    now: Now
    warn: Warn
    deadline_seconds: float = DEADLINE_SECONDS
    _apis: dict[str | None, DevLakePipelines] = field(default_factory=dict)
    _quiet_until: dict[str | None, float] = field(default_factory=dict)

    def of_event(self, source: DevLakeSource, document: Document) -> Document:
        is_pipeline = type(document["pipeline_id"]) is int  # the oldest notices name a task
        if source.api_url is None or not is_pipeline or self._is_quiet(source):
            return {}
        return self._read_in_time(source, document)

    def _is_quiet(self, source: DevLakeSource) -> bool:
        return self.now() < self._quiet_until.get(source.name, float("-inf"))

    def _read_in_time(self, source: DevLakeSource, document: Document) -> Document:
        learnt: list[Document] = [{}]  # each holds what the one before it does
        try:
            within(self.deadline_seconds, lambda: self._read(source, document, learnt))
        except Exception as error:  # noqa: BLE001  no notice is lost for what only adds detail
            self._quiet_until[source.name] = self.now() + QUIET_SECONDS
            self.warn(source.name, _reason(error))
        return learnt[-1]

    def _read(self, source: DevLakeSource, document: Document, learnt: list[Document]) -> None:
        """The row's, then with those of its tasks, if it has failed and no further run begun."""
        api = self._api(source)
        number = document["pipeline_id"]
        shown = api.pipeline(number)
        if shown is None:  # DevLake may tell of a pipeline before it has committed it
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
            return "DevLake is away: no whole answer in time"
        case InvalidNotification():
            return f"what it shows is no pipeline of DevLake's: {error}"
        case LakehookError():
            return str(error)
    return f"unexpected: {type(error).__name__}"
