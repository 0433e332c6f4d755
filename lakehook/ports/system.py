"""Ports of the system: the clock and random numbers."""

from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Unix time in seconds."""

    def sleep(self, seconds: float) -> None:
        """Let so much time pass; none if the wait is over already, as a negative number says."""


class Random(Protocol):
    def fraction(self) -> float:
        """A number from 0 to 1, new each time."""

    def new_id(self) -> str:
        """A unique id of letters and digits."""

    def random_bytes(self) -> bytes:
        """32 random bytes."""
