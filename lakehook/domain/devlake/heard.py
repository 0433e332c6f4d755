"""Time of the last notification of a source, and of the last one that was rejected."""

from dataclasses import dataclass

from lakehook.domain.devlake.refusal import Refusal
from lakehook.domain.event import Event
from lakehook.domain.text import single_line

MAX_REASON = 500  # characters

ACCEPTED_EVERY_SECONDS = 10.0
"""What is recorded as accepted last may be as much older than what was accepted last."""

_DEVLAKES_ID = "devlake:"


@dataclass(frozen=True)
class LastAccepted:
    at: float  # unix seconds
    event_id: str


@dataclass(frozen=True)
class LastRefused:
    at: float  # unix seconds
    kind: str  # of a later release, perhaps
    reason: str
    is_notice: bool = True

    @classmethod
    def of(cls, refusal: Refusal, *, now: float) -> "LastRefused":
        """Cleaned: a reason may quote what a stranger has sent."""
        return cls(
            now, str(refusal.kind), single_line(refusal.reason, MAX_REASON), refusal.is_notice
        )


@dataclass(frozen=True)
class Heard:
    accepted: LastAccepted | None = None
    refused: LastRefused | None = None


def is_notice(event: Event) -> bool:
    """Whether DevLake itself has just sent it: no other producer, and no reconcile."""
    return event.id.startswith(_DEVLAKES_ID) and not (event.is_reconciled or event.is_inferred)
