"""DevLake's API within the time of a run: no request starts that could outlast it."""

from collections.abc import Sequence
from dataclasses import dataclass

from lakehook.domain.json_document import Document
from lakehook.ports.ingress import DevLakePipelines
from lakehook.ports.system import Clock

REQUEST_SECONDS = 5.0


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
