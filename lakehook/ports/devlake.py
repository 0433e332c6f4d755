"""What DevLake shows, and what is made of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from lakehook.domain.document import Document
from lakehook.domain.event import Event


class Publish(Protocol):
    def __call__(
        self, events: Iterable[Event], *, sent: Callable[[int], None] | None = None
    ) -> int:
        """Send events; how many. ``sent`` is told of each batch."""


class DevLakePipelines(Protocol):
    """What DevLake shows by its REST API: ``DevlakeAway``, or ``BadInput`` if it never will."""

    def page(self, number: int, *, status: str = "") -> Sequence[Document]:
        """Pipelines as they are now, newest first; page 1 is the first, none past the last.

        ``status`` selects those of one of DevLake's statuses, such as ``TASK_RERUN``. Its own
        ``pending=1`` would leave out reruns: their rows have the end of the run before.
        """

    def pipeline(self, pipeline_id: int) -> Document | None:
        """One pipeline as it is now; none if DevLake has none of that id, or not yet."""

    def tasks_of(self, pipeline_id: int) -> Sequence[Document]:
        """The newest run of each task of a pipeline; none if the pipeline is gone."""

    def project_of(self, blueprint_id: int) -> str:
        """The project's name; empty if the blueprint has none, or is gone."""

    def version(self) -> str:
        """DevLake's version, as it writes it: ``v1.0.2@1a2b3c4``."""


class ApiCredentials(Protocol):
    """The headers that let a caller read DevLake's REST API; often none."""

    def headers(self, *, fresh: bool = False) -> Mapping[str, str]:
        """As read some minutes ago at most; ``fresh`` reads again, at most every 30 s.

        ``BadInput`` if what is stored are no headers, ``OwnTrouble`` if it can't be read.
        """
