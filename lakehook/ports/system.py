"""Ports of the system: the clock and random numbers."""

from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Unix time in seconds."""

    def sleep(self, seconds: float) -> None:
        """Wait for this time; not at all if it is negative."""


class Random(Protocol):
    def fraction(self) -> float:
        """Return a random number from 0 to 1."""

    def new_id(self) -> str:
        """Return a unique id of letters and digits."""

    def random_bytes(self) -> bytes:
        """Return 32 random bytes."""
