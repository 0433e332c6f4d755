"""A time as Go writes it into JSON: RFC 3339, nanoseconds without trailing zeros."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

_RFC_3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:)(\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_NANOSECOND_DIGITS = 9


@dataclass(frozen=True)
class GoTime:
    """Time with nanoseconds, which ``datetime`` can't hold, and with its original offset."""

    moment: datetime  # whole seconds
    fraction: str = ""  # of a second: digits without trailing zeros

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse RFC 3339; raises ``ValueError`` without an offset, or if it is no date."""
        match = _RFC_3339.fullmatch(text)
        if not match:
            raise ValueError("not RFC 3339 with an offset")
        date, minute, second, fraction, offset = match.groups(default="")
        second = "59" if second == "60" else second  # Go does not support leap seconds
        moment = datetime.fromisoformat(f"{date}T{minute}{second}{offset.upper()}")
        return cls(moment, fraction[:_NANOSECOND_DIGITS].rstrip("0"))

    def __str__(self) -> str:
        written = self.moment.isoformat().replace("+00:00", "Z")
        whole, offset = written[: len("2024-09-05T15:08:00")], written[len("2024-09-05T15:08:00") :]
        return f"{whole}.{self.fraction}{offset}" if self.fraction else written

    @property
    def in_utc(self) -> str:
        """Text in UTC, the same for the same instant whatever the offset was."""
        try:
            return str(GoTime(self.moment.astimezone(UTC), self.fraction))
        except OverflowError:  # on the first and the last day of the calendar
            return str(self)
