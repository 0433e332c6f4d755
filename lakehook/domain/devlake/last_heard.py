"""Record of what a source sent last: a notification that was accepted, and one that was refused."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehook.domain.event import Event
from lakehook.domain.text import single_line

if TYPE_CHECKING:  # fan-out records what was accepted, and starts without the notifications' parser
    from lakehook.domain.devlake.refusal import Refusal

MAX_REASON = 500  # characters

ACCEPTED_EVERY_SECONDS = 10.0
"""Age at which the recorded time is written again, so it may lag by this much."""

_DEVLAKES_ID = "devlake:"


@dataclass(frozen=True)
class LastAccepted:
    at: float  # unix seconds
    event_id: str


@dataclass(frozen=True)
class LastRefused:
    at: float  # unix seconds
    kind: str  # may be of a later release, so it is not an enum
    reason: str
    is_notice: bool = True

    @classmethod
    def of(cls, refusal: "Refusal", *, now: float) -> "LastRefused":
        """Build a record with a cleaned reason: it may quote untrusted text."""
        return cls(
            now, str(refusal.kind), single_line(refusal.reason, MAX_REASON), refusal.is_notice
        )


@dataclass(frozen=True)
class Heard:
    accepted: LastAccepted | None = None
    refused: LastRefused | None = None


def is_notice(event: Event) -> bool:
    """Whether DevLake itself sent the event just now: not another producer, not a reconcile."""
    return event.id.startswith(_DEVLAKES_ID) and not (event.is_reconciled or event.is_inferred)
