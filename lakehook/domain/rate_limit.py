"""Rate limit: a number of sends in a time, evenly spaced, and the reservation of a send time."""

import re
from dataclasses import dataclass
from typing import Self

from lakehook.domain.errors import InvalidInput

MAX_COUNT = 100_000
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}
_WRITTEN = re.compile(r"([1-9][0-9]{0,5})/([smhd])", re.ASCII)
_LATEST_SECONDS, _LATEST_PART = 5.0, 1 / 12


@dataclass(frozen=True)
class Rate:
    count: int
    unit: str  # s, m, h or d

    @classmethod
    def parse(cls, text: str, *, what: str = "rate") -> Self:
        """``20/m``; ``InvalidInput`` says what is wrong."""
        match = _WRITTEN.fullmatch(text.strip())
        if not match or int(match[1]) > MAX_COUNT:
            raise InvalidInput(
                f"{what}: {text[:40]!a} is not a rate such as 20/m, 1/s, 500/h: a number from 1 to "
                f"{MAX_COUNT},"
                " and s, m, h or d"
            )
        return cls(int(match[1]), match[2])

    def __str__(self) -> str:
        return f"{self.count}/{self.unit}"

    @property
    def seconds(self) -> float:
        """The period in which ``count`` sends are allowed."""
        return float(_SECONDS[self.unit])

    @property
    def seconds_each(self) -> float:
        return self.seconds / self.count

    @property
    def min_interval_seconds(self) -> float:
        """The interval from one send to the next.

        It is a little more than the period divided by the count: if one send is late and the next
        ones are not, no period holds more than ``count``.
        """
        latest = min(_LATEST_SECONDS, self.seconds * _LATEST_PART)
        return (self.seconds + latest) / self.count

    def slower_of(self, other: "Rate | None") -> "Rate":
        if other is None:
            return self
        return max(self, other, key=lambda rate: rate.min_interval_seconds)


@dataclass(frozen=True)
class Reservation:
    """A reserved send time, or None, and the next free one."""

    at: float | None  # unix seconds, now or later
    next_free_at: float
