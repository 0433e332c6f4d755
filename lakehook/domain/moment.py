"""A moment as people give it: a time, or how long ago it was."""

from datetime import datetime

from lakehook.domain.duration import parse_duration
from lakehook.domain.errors import BadInput

MOST_DIGITS = len("99999999999")
LONGEST_AGO_SECONDS = 10 * 365 * 24 * 3600.0
_UNITS = "smhd"


def parse_moment(text: str, *, what: str, now: float) -> float:
    """Unix seconds, of RFC 3339 with an offset, of a duration back from now, or as they are.

    Before 1970 it is 1970: of the year 1 some offsets have no time that could be written.
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS:
        return float(text)
    if text[:-1].isdigit() and text[-1] in _UNITS:
        return now - parse_duration(text, what=what, longest=LONGEST_AGO_SECONDS)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise BadInput(
            f"{what}: {text[:40]!a} is no time with an offset, like 2026-01-01T12:00:00Z,"
            " and no duration back from now, like 2h or 3d"
        )
    return max(time.timestamp(), 0.0)
