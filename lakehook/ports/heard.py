"""Ports to the record of each DevLake's last notification.

Each of them may raise ``InfrastructureError``.
"""

from typing import Protocol

from lakehook.domain.devlake.heard import Heard
from lakehook.domain.devlake.refusal import Refusal
from lakehook.domain.event import Event

REFUSED_EVERY_SECONDS = 10.0
"""Minimum interval between writes, so that unauthenticated requests can't cause many."""


class AcceptedRecorder(Protocol):
    def accepted(self, event: Event) -> None:
        """Record a notification, at most once in ten seconds per source; ignore others."""


class RefusedRecorder(Protocol):
    def refused(self, source: str | None, refusal: Refusal) -> None:
        """Record a refusal, at most once in ten seconds for each source.

        A refusal that anybody can cause, by a request that is not a notification, neither replaces
        that of a notification before another is accepted, nor delays its recording.

        Called only for declared sources, so there are few records.
        """


class HeardReader(Protocol):
    def heard(self, source: str | None) -> Heard:
        """Read the last record, consistently; None is the default source."""
