"""The messages of the deliveries queue, and word that is sent by it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from lakehook.domain.delivery import Lane
from lakehook.domain.message import Resume
from lakehook.domain.ping import Ping


@dataclass(frozen=True)
class Parcel:
    """A message of the deliveries queue, as it came."""

    id: str
    group: str
    body: str
    receipt: str
    receives: int = 1
    redriven: bool = False
    attempts_at_death: int | None = None  # as a redriven letter tells them


Remaining = Callable[[], float]
"""Seconds until the invocation that asks comes to its end."""


class Receipts(Protocol):
    """What may be done with messages we hold; a receipt that is no longer good is let be."""

    def acknowledge(self, parcels: Sequence[Parcel]) -> None:
        """Their work is done: they go, and their lanes go on."""

    def postpone(self, parcel: Parcel, *, seconds: float) -> None:
        """Let it come back after so long, in whole seconds, never earlier."""


class Bell(Protocol):
    def ring(self, resumes: Sequence[Resume]) -> Collection[Lane]:
        """Send word to lanes that they may go on; those that could not be told."""


class Doorbell(Protocol):
    def ask(self, ping: Ping) -> None:
        """Have an endpoint pinged."""
