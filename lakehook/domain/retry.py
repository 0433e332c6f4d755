"""Retry schedule of failed deliveries."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from lakehook.domain.errors import InvalidInput

MAX_RETRY_AFTER_SECONDS = 24 * 3600.0
MAX_DELAY_SECONDS = 7 * 24 * 3600.0
MAX_DELAYS = 50
JITTER = 0.1

# Plain seconds, and the form that ``str`` gives to less than 0.0001.
_DELAY = re.compile(r"-?[0-9]+(?:\.[0-9]+)?|[0-9](?:\.[0-9]+)?e-[0-9]{1,3}")


@dataclass(frozen=True)
class RetrySchedule:
    """Delays between attempts, in seconds: n delays are n + 1 attempts."""

    delays: tuple[float, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``5,300,0.5``; ``InvalidInput`` says what is wrong."""
        written = [delay.strip(" ") for delay in text.split(",")]
        if not all(map(_DELAY.fullmatch, written)):
            raise InvalidInput(
                f"retry schedule: {text[:40]!r} is not seconds with commas, like 5,300"
            )
        if len(written) > MAX_DELAYS:
            raise InvalidInput(f"retry schedule: {len(written)} delays, at most {MAX_DELAYS}")
        for delay in written:
            if delay.startswith("-") or Decimal(delay) > MAX_DELAY_SECONDS:
                raise InvalidInput(f"retry schedule: {delay} is not 0 to {MAX_DELAY_SECONDS:.0f} s")
        return cls(tuple(map(float, written)))

    def __str__(self) -> str:
        return ",".join(f"{delay:.15g}" for delay in self.delays)

    def wait_after(
        self, attempts: int, *, retry_after: float | None, random: float
    ) -> float | None:
        """Return the seconds to wait after the nth failed attempt; None if the budget is spent.

        ``random`` (0 to 1) is the share of jitter, which only adds. ``retry_after`` is the
        receiver's header in seconds; the wait is never shorter, up to 24 h.
        """
        if attempts > len(self.delays):
            return None
        delay = self.delays[attempts - 1] * (1 + JITTER * random)
        return max(delay, min(retry_after or 0.0, MAX_RETRY_AFTER_SECONDS))
