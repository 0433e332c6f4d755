"""Ports of the ingress, in a module of their own: DevLake waits for the ingress's cold start.

Each of them may raise ``InfrastructureError``, except ``PipelineDetails``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from lakehook.domain.errors import InfrastructureError
from lakehook.domain.event import Event
from lakehook.domain.json_document import Document

if TYPE_CHECKING:
    from lakehook.domain.devlake.last_heard import Heard
    from lakehook.domain.devlake.refusal import Refusal
    from lakehook.domain.devlake.sources import DevLakeSource


Now = Callable[[], float]
"""Unix time in seconds."""

REFUSED_EVERY_SECONDS = 10.0
"""Minimum interval between writes, so that unauthenticated requests can't cause many."""


class Publish(Protocol):
    def __call__(
        self, events: Iterable[Event], *, sent: Callable[[int], None] | None = None
    ) -> int:
        """Send events and return how many. ``sent`` is called with each batch's size."""


class DevLakePipelines(Protocol):
    """DevLake's REST API.

    Raises ``DevlakeUnavailable``, or ``InvalidInput`` if a retry can't help.
    """

    def page(self, number: int, *, status: str = "") -> Sequence[Document]:
        """Read a page of pipelines, newest first, from page 1; empty beyond the last one.

        ``status`` selects one of DevLake's statuses, such as ``TASK_RERUN``. DevLake's own
        ``pending=1`` would omit reruns: their rows have the end of the run before.
        """

    def pipeline(self, pipeline_id: int) -> Document | None:
        """Read one pipeline; None if DevLake has none of that id, or not yet."""

    def tasks_of(self, pipeline_id: int) -> Sequence[Document]:
        """Read the newest run of each task of a pipeline; empty if the pipeline is gone."""

    def project_of(self, blueprint_id: int) -> str:
        """Read a blueprint's project name; empty if it has none, or is gone."""

    def version(self) -> str:
        """Read DevLake's version as it writes it: ``v1.0.2@1a2b3c4``."""


class ApiCredentials(Protocol):
    """Headers that authorize calls of DevLake's REST API; often none."""

    def headers(self, *, fresh: bool = False) -> Mapping[str, str]:
        """Return the headers, cached for some minutes; ``fresh`` reads again, at most every 30 s.

        Raises ``InvalidInput`` if the stored text is not headers, ``InfrastructureError`` if it
        can't be read.
        """


@dataclass(frozen=True)
class LiveSecrets:
    """Secrets that a DevLake may sign with, the newest first."""

    values: Sequence[str] = field(repr=False)
    are_own: bool = False  # of this source only, instead of the stack's


class NotificationSecretReader(Protocol):
    def active(self, source: str | None = None, *, fresh: bool = False) -> LiveSecrets:
        """Return the secrets of a source, cached for some minutes unless ``fresh``.

        ``fresh`` reads are limited to one every few seconds.
        """


class EventPublisher(Protocol):
    def publish(self, events: Iterable[Event]) -> int:
        """Return once all events are stored on the queue; ``InvalidEvent`` before any is sent."""


class PipelineDetails(Protocol):
    def of_event(self, source: "DevLakeSource", document: Document) -> Document:
        """Return the fields that a notification lacks, as far as they can be read in time.

        Never raises: a notification must not be lost for an additional detail.
        """


class AcceptedRecorder(Protocol):
    def accepted(self, event: Event) -> None:
        """Record a notification, at most once in ten seconds per source; ignore others."""


class RefusedRecorder(Protocol):
    def refused(self, source: str | None, refusal: "Refusal") -> None:
        """Record a refusal, at most once in ten seconds for each source.

        A refusal that anybody can cause, by a request that is not a notification, neither replaces
        that of a notification before another is accepted, nor delays its recording.

        Called only for declared sources, so there are few records.
        """


class IngressTelemetry(Protocol):
    def notification_accepted(self, event: Event) -> None: ...

    def tested(self, source: str | None) -> None:
        """Log a test of the set-up."""

    def notification_rejected(
        self, status: int, refusal: "Refusal", *, source: str | None
    ) -> None: ...

    def unrecorded(self, error: InfrastructureError) -> None:
        """Log a refusal whose record is lost."""

    def internal_error(self, error: Exception, *, doing: str) -> None: ...


class HeardReader(Protocol):
    def heard(self, source: str | None) -> "Heard":
        """Read the last record, consistently; None is the default source."""
