"""Dead letters, and their way back."""

from collections.abc import Collection
from typing import Protocol

from lakehook.domain.lane import DeliveryRecord
from lakehook.ports.messages import Parcel


class DeadLetters(Protocol):
    def bury(self, record: DeliveryRecord, *, endpoint: str) -> None:
        """Put a delivery on the dead-letter queue, as it was, with what an operator reads."""

    def park(self, parcel: Parcel, reason: str) -> None:
        """Put a message aside, whole, that is no delivery at all."""


class Redrives(Protocol):
    def send(self, letter: DeliveryRecord, *, endpoint: str) -> None:
        """Send a dead letter back to its lane, with the attributes that tell a redrive."""


class LetterCopies(Protocol):
    """What the dead-letter queue shows an operator's console; the ledger alone knows all."""

    def remove(self, letters: Collection[DeliveryRecord]) -> int:
        """Take letters off the queue, as far as they are found there; how many were."""
