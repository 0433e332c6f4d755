"""A moment as people give it: a time, or how long ago it was."""

from datetime import datetime

from lakehook.domain.duration import is_duration, parse_duration
from lakehook.domain.errors import BadInput

MAX_DIGITS = len("99999999999")
MAX_AGO_SECONDS = 10 * 365 * 24 * 3600.0

FORMS = "2026-01-01T12:00:00Z, or how long ago: 15m, 2h, 7d"
"""For help texts, the same wherever a moment is asked for."""


def parse_moment(text: str, *, what: str, now: float) -> float:
    """Unix seconds, of RFC 3339 with an offset, of a duration back from now, or as they are.

    Before 1970 it is 1970: of the year 1 some offsets have no time that could be written.
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS:
        return float(text)
    if is_duration(text):
        return max(now - parse_duration(text, what=what, longest=MAX_AGO_SECONDS), 0.0)
    time = _parse_time(text)
    if time is None or time.tzinfo is None:
        raise BadInput(
            f"{what}: {text[:40]!a} is neither a time with an offset, such as 2026-01-01T12:00:00Z,"
            " nor a duration back from now, such as 15m, 2h or 7d"
        )
    return max(time.timestamp(), 0.0)


def _parse_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None
