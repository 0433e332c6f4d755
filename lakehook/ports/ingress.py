"""Ports of the ingress: apart from the others, since DevLake waits for a cold start.

Any of them may raise ``InfrastructureError``, but for ``PipelineDetails``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.event import Event
from lakehook.domain.json_document import Document

Now = Callable[[], float]
"""Unix time in seconds."""


class Publish(Protocol):
    def __call__(
        self, events: Iterable[Event], *, sent: Callable[[int], None] | None = None
    ) -> int:
        """Send events; how many. ``sent`` is called with each batch's size."""


class DevLakePipelines(Protocol):
    """What DevLake shows by its REST API.

    ``DevlakeUnavailable``, or ``InvalidInput`` if it never will.
    """

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

        ``InvalidInput`` if what is stored are no headers, ``InfrastructureError`` if it can't be
        read.
        """


@dataclass(frozen=True)
class LiveSecrets:
    """The secrets that a DevLake may sign with, the newest first."""

    values: Sequence[str] = field(repr=False)
    are_own: bool = False  # of this source alone, and not those of the stack


class NotificationSecretReader(Protocol):
    def active(self, source: str | None = None, *, fresh: bool = False) -> LiveSecrets:
        """The secrets of a source, cached for some minutes unless ``fresh``.

        ``fresh`` reads are limited to one every few seconds.
        """


class Publisher(Protocol):
    def publish(self, events: Iterable[Event]) -> int:
        """Return when all events are safe on the queue; ``InvalidEvent`` before any is sent."""


class PipelineDetails(Protocol):
    def of_event(self, source: DevLakeSource, document: Document) -> Document:
        """The fields that a notification lacks, as far as they can be read in time.

        It never raises: a notification must not be lost for what only adds detail.
        """
