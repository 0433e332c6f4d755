"""The deliveries, their lanes, and how their endpoints are."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.health import Health
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.domain.rate import Place


@dataclass(frozen=True)
class Page:
    """What one consistent read of the ledger found."""

    lanes: Mapping[Lane, HeldLane]
    records: Mapping[tuple[Lane, int], DeliveryRecord]
    healths: Mapping[str, Health] = field(default_factory=dict)  # of those that are not well


@dataclass(frozen=True)
class Due:
    """A held lane whose time has come, and what that time was; or a subscription's breaker."""

    lane: Lane
    token: int
    breaker: bool = False


@dataclass(frozen=True, kw_only=True)
class Census:
    """How much waits, over all subscriptions."""

    lanes_held: int = 0
    held_since: float | None = None  # of the one that has been held longest
    breakers_open: int = 0


class Ledger(Protocol):
    """The deliveries and the lanes: the idempotency records, the attempt log, the waiting line."""

    def read(self, deliveries: Collection[Delivery], lanes: Collection[Lane]) -> Page:
        """Read consistently, in one call for a batch of up to 10 messages."""

    def write(
        self, record: DeliveryRecord, *, before: HeldLane | None, after: HeldLane | None
    ) -> DeliveryRecord:
        """Record a delivery and move its lane from ``before`` to ``after``, both or neither.

        The record as it now stands; ``LaneMoved`` when it is no longer of the version that was
        read, or the lane no longer as it was before. Only a success is written over whatever is
        there, unless a replay has lined it up since; on a lane that flows on it costs one plain
        write.
        """

    def move(self, before: HeldLane, after: HeldLane | None) -> None:
        """Move a lane alone; ``LaneMoved`` when it is no longer as it was before."""

    def waiting(self, lane: HeldLane) -> Iterator[DeliveryRecord]:
        """The head and those behind it that are not final, in order, read as they are needed."""

    def due(self, now: float) -> Iterator[Due]:
        """Held lanes whose due time has come, by an index that may lag behind."""

    def lease(self, due: Due, *, until: float) -> int | None:
        """Move a due time on, and return the token; nothing if it was moved meanwhile.

        Whoever was asleep is awake then.
        """

    def census(self) -> Census:
        """Count what is held, by an index that may lag behind."""

    def held_by(self, subscription_id: str) -> Iterator[HeldLane]:
        """Lanes in which something waits for this subscription, the longest held first.

        By an index that may lag behind, as ``dead_of``; what it names is read consistently.
        """

    def asleep(self, subscription_id: str) -> Iterator[HeldLane]:
        """Those of them that wait to be woken."""

    def dead_of(self, subscription_id: str) -> Iterator[DeliveryRecord]:
        """Its dead letters, also those whose lane has gone on."""


class Healths(Protocol):
    def find(self, subscription_id: str) -> Health:
        """The health of an endpoint as of now; that of a well one if there is no record."""

    def save(self, before: Health, after: Health) -> bool:
        """Write it, or forget it when all is well; false if it was written meanwhile."""


class Paces(Protocol):
    def reserve(self, name: str, *, every: float, latest: float) -> Place:
        """Take the next free place of a pace, unless it is later than ``latest``.

        Places are ``every`` seconds apart or more; of two who ask at once, each gets its own.
        """
