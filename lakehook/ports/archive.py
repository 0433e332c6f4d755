"""The ledger as people read it."""

from collections.abc import Callable, Iterator
from typing import Protocol

from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, HeldLane


class Archive(Protocol):
    """The ledger as people read it: what became of every delivery."""

    def find(self, lane: Lane, sequence: int) -> DeliveryRecord | None:
        """One delivery, consistently."""

    def of_lane(self, lane: Lane) -> Iterator[DeliveryRecord]:
        """Every delivery of a lane that is still known, the highest sequence first."""

    def of_subscription(
        self, subscription_id: str | None, *, seen: Callable[[int], None]
    ) -> Iterator[DeliveryRecord]:
        """Every delivery of a subscription, or of all, in no order.

        All of the ledger is read for it, page by page; ``seen`` is told how much each page held.
        """

    def behind(self, held: HeldLane) -> int:
        """How many wait behind the head of a held lane."""
