"""How long: as people write it in one word, and as they read it."""

import re

from lakehook.domain.errors import BadInput

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_NAMES = {"d": "day", "h": "hour", "m": "minute", "s": "second"}
_DURATION = re.compile(r"(?P<number>[0-9]{1,9})(?P<unit>[smhd])", re.ASCII)


def read_duration(text: str) -> float:
    """Seconds; ``BadInput`` says how a duration is written."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise BadInput(f"{str(text)[:40]!a} is no duration such as 90s, 15m, 24h or 7d")
    return float(int(found["number"]) * _UNITS[found["unit"]])


def in_words(seconds: float) -> str:
    """In the largest unit of which it is two or more, or just one: 15 minutes, 1 hour, 26 hours."""
    whole = int(seconds)
    for unit, size in _UNITS.items():
        count = whole // size
        if count >= 2 or whole == size or unit == "s":  # noqa: PLR2004  two are many
            break
    return f"{count} {_NAMES[unit]}{'' if count == 1 else 's'}"
