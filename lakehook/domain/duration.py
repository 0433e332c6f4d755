"""A span of time as an operator writes it: ``24h``."""

import re

from lakehook.domain.errors import BadInput

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}
_WRITTEN = re.compile(r"([0-9]{1,9})([smhd])")


def parse_duration(text: str, *, what: str, longest: float) -> float:
    """Seconds; ``BadInput`` says what is wrong."""
    found = _WRITTEN.fullmatch(text.strip())
    if text.strip() != "0" and found is None:
        raise BadInput(f"{what}: {text!a} is none of 45s, 30m, 24h, 7d or 0")
    seconds = float(int(found[1]) * _SECONDS[found[2]]) if found else 0.0
    if seconds > longest:
        raise BadInput(f"{what}: {text.strip()} is more than {longest / _SECONDS['d']:g}d")
    return seconds
