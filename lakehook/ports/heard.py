"""Port to the record of each DevLake's last notification.

Any of these may raise ``InfrastructureError``.
"""

from typing import Protocol

from lakehook.domain.devlake.heard import Heard
from lakehook.domain.devlake.refusal import Refusal
from lakehook.domain.event import Event

REFUSED_EVERY_SECONDS = 10.0
"""Strangers must not make us write for each of their requests."""


class AcceptedRecorder(Protocol):
    def accepted(self, event: Event) -> None:
        """Record a notice, at most one in ten seconds of each source; other events are left out."""


class RefusedRecorder(Protocol):
    def refused(self, source: str | None, refusal: Refusal) -> None:
        """Record a refusal, at most one in ten seconds of each source.

        One that anybody can cause, by a request that is no notice, neither takes the place of a
        notice's, until another was accepted, nor puts one off.

        Only sources that are declared get here, so there are few.
        """


class HeardReader(Protocol):
    def heard(self, source: str | None) -> Heard:
        """What was recorded last, consistently; none is the default source."""
