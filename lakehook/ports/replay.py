"""The roles that replaying needs beside those of delivering."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.domain.replay import Replay
from lakehook.ports.history import Accepted


class Replays(Protocol):
    """The jobs: those that are open, one a subscription, and those that have ended."""

    def open(self) -> Sequence[Replay]:
        """All that are open, consistently."""

    def ended(self) -> Sequence[Replay]:
        """Those that have ended and are still known."""

    def save(self, replay: Replay) -> Replay:
        """Write it, and return it as it now stands; one that is ended by that makes room.

        ``ChangedMeanwhile`` when it is no longer of the version that was read, or when a new one
        finds another open for its subscription.
        """


@dataclass(frozen=True)
class Found:
    """An event of the past, and where to read on behind it."""

    accepted: Accepted
    cursor: str


@dataclass(frozen=True)
class PastPage:
    """``cursor`` is where the next page begins; none is left when it is empty."""

    found: Sequence[Found]
    cursor: str
    read: int


class Past(Protocol):
    def page(self, *, since: float, until: float, after: str) -> PastPage:
        """Some of the events that were accepted from then until then, pipeline by pipeline.

        All of the journal is read for it, page by page; ``after`` is empty for the first one.
        """


@dataclass(frozen=True)
class Revived:
    """A record that is to wait, and what it was."""

    record: DeliveryRecord
    was: DeliveryRecord | None


class Revival(Protocol):
    def revive(
        self, revived: Sequence[Revived], *, before: HeldLane | None, after: HeldLane
    ) -> None:
        """Let up to 90 deliveries of a lane wait, and hold it: all of that, or nothing.

        ``LaneMoved`` when the lane or one of the records is no longer as it was.
        """
