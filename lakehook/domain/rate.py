"""How often at most: so many in so long."""

import re
from dataclasses import dataclass
from typing import Self

from lakehook.domain.errors import BadInput

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_WRITTEN = re.compile(r"([1-9][0-9]{0,4})/([smh])", re.ASCII)


@dataclass(frozen=True)
class Rate:
    count: int
    seconds: float

    @classmethod
    def parse(cls, text: str) -> Self:
        found = _WRITTEN.fullmatch(text.strip())
        if found is None:
            raise BadInput(
                f"rate: {text[:40]!a} is no number from 1 to 99999 with /s, /m or /h, like 10/s"
            )
        return cls(int(found[1]), _SECONDS[found[2]])

    @property
    def seconds_apart(self) -> float:
        return self.seconds / self.count

    def __str__(self) -> str:
        unit = next(name for name, seconds in _SECONDS.items() if seconds == self.seconds)
        return f"{self.count}/{unit}"
