"""The roles that taking notices needs: apart from the others, for DevLake waits for a cold start.

Any of them may raise ``OwnTrouble``, but for ``PipelineDetails``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.document import Document
from lakehook.domain.event import Event

Now = Callable[[], float]
"""Unix time in seconds."""


@dataclass(frozen=True)
class LiveSecrets:
    """The secrets that a DevLake may sign with, the newest first."""

    values: Sequence[str] = field(repr=False)
    are_own: bool = False  # of this source alone, and not those of the stack


class NotificationSecrets(Protocol):
    def live(self, source: str | None = None, *, anew: bool = False) -> LiveSecrets:
        """Those of a source: as of some minutes ago at most, or ``anew`` as of now.

        As of now is as of some seconds ago for whoever asks too often.
        """


class Publisher(Protocol):
    def publish(self, events: Iterable[Event]) -> int:
        """Return when all events are safe on the queue; ``BadEvent`` before any is sent."""


class PipelineDetails(Protocol):
    def of_event(self, source: DevLakeSource, document: Document) -> Document:
        """The fields that a notice leaves out of its event, as far as they can be learnt soon.

        It never raises: a notice must not be lost for what only adds detail.
        """
