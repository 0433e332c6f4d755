"""How long: as people write it in one word, and as they read it."""

import re

from lakehook.domain.errors import BadInput

_SECONDS = {"d": 24 * 3600, "h": 3600, "m": 60, "s": 1}
_NAMES = {"d": "day", "h": "hour", "m": "minute", "s": "second"}
_WRITTEN = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)


def is_duration(text: str) -> bool:
    """Whether it is written as one, however long it is."""
    return _WRITTEN.fullmatch(text) is not None


def parse_duration(text: str, *, what: str, longest: float) -> float:
    """Seconds; ``BadInput`` says what is wrong."""
    found = _WRITTEN.fullmatch(text.strip())
    if text.strip() != "0" and found is None:
        raise BadInput(f"{what}: {text[:40]!a} is none of 45s, 30m, 24h, 7d or 0")
    seconds = float(int(found[1]) * _SECONDS[found[2]]) if found else 0.0
    if seconds > longest:
        raise BadInput(f"{what}: {text.strip()} is more than {longest / _SECONDS['d']:g}d")
    return seconds


def in_words(seconds: float) -> str:
    """In the largest unit of which it is two or more, or just one: 15 minutes, 1 hour, 26 hours."""
    whole = int(seconds)
    for unit, size in _SECONDS.items():
        count = whole // size
        if count >= 2 or whole == size or unit == "s":  # noqa: PLR2004  two are many
            break
    return f"{count} {_NAMES[unit]}{'' if count == 1 else 's'}"
