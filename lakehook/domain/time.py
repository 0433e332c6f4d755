"""Times and durations: RFC 3339 (section 5.6, with an offset), and ``2h`` or ``30m``."""

import re
from datetime import UTC, datetime, timezone

from lakehook.domain.errors import InvalidInput

_RFC_3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:(?P<second>\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_LEAP_SECOND = "60"
_SECONDS = {"d": 24 * 3600, "h": 3600, "m": 60, "s": 1}
_NAMES = {"d": "day", "h": "hour", "m": "minute", "s": "second"}
_WRITTEN = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)
MAX_DIGITS = len("99999999999")
MAX_AGO_SECONDS = 10 * 365 * 24 * 3600.0

FORMS = "2026-01-01T12:00:00Z, or how long ago: 15m, 2h, 7d"
"""Wording for help texts and errors."""


def parse_rfc3339(text: str) -> datetime:
    """Parse to the microsecond; ``ValueError`` if it is not a time, or not on the calendar.

    A leap second becomes the second before it.
    """
    match = _RFC_3339.fullmatch(text)
    if not match:
        raise ValueError("not an RFC 3339 time with an offset")
    if match["second"] == _LEAP_SECOND:
        start, end = match.span("second")
        text = f"{text[:start]}59{text[end:]}"
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError("a time that is on no calendar") from None


def is_later(time: str | None, other: str | None) -> bool:
    """Whether both are known, and the first is later."""
    return time is not None and other is not None and parse_rfc3339(time) > parse_rfc3339(other)


def is_not_later(time: str | None, other: str | None) -> bool:
    """Whether both are known, and the first is not later."""
    return time is not None and other is not None and parse_rfc3339(time) <= parse_rfc3339(other)


def format_rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def format_local(at: datetime, zone: str = "") -> str:
    """Format for people, in a zone that ``is_time_zone``: 2026-01-01 20:00:00 UTC+08:00.

    Without a zone, and where it is not known, the time keeps its own offset.
    """
    if zone:
        at = _to_zone(at, zone)
    offset = at.utcoffset()
    clock = at.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
    return clock if offset is None else f"{clock} {timezone(offset)}"


def _to_zone(at: datetime, zone: str) -> datetime:
    from zoneinfo import ZoneInfo  # noqa: PLC0415  few subscriptions need it

    try:
        return at.astimezone(ZoneInfo(zone))
    except (KeyError, ValueError, OSError, OverflowError):  # an older database; the year 1
        return at


def is_time_zone(name: str) -> bool:
    """Whether the IANA database has it: Asia/Shanghai, Europe/Berlin, UTC."""
    from zoneinfo import available_timezones  # noqa: PLC0415  few subscriptions need it

    return name in available_timezones()


def is_duration(text: str) -> bool:
    """Whether the text is a duration of any length."""
    return _WRITTEN.fullmatch(text) is not None


def parse_duration(text: str, *, what: str, longest: float) -> float:
    """Parse a duration to seconds; ``InvalidInput`` says what is wrong."""
    match = _WRITTEN.fullmatch(text.strip())
    if text.strip() != "0" and match is None:
        raise InvalidInput(
            f"{what}: {text[:40]!a} is not a duration such as 45s, 30m, 24h, 7d or 0"
        )
    seconds = float(int(match[1]) * _SECONDS[match[2]]) if match else 0.0
    if seconds > longest:
        raise InvalidInput(f"{what}: {text.strip()} is more than {longest / _SECONDS['d']:g}d")
    return seconds


def format_duration(seconds: float) -> str:
    """Format in the largest unit that gives 2 or more, or exactly 1: 15 minutes, 26 hours."""
    whole = int(seconds)
    for unit, size in _SECONDS.items():
        count = whole // size
        if count >= 2 or whole == size or unit == "s":  # noqa: PLR2004  two are many
            break
    return f"{count} {_NAMES[unit]}{'' if count == 1 else 's'}"


def format_age(seconds: float) -> str:
    """Short, for a table: 40 s, 18 min, 3 h, 12 d."""
    for unit, size in (("d", 2 * 24 * 3600), ("h", 2 * 3600), ("min", 120)):
        if seconds >= size:
            return f"{int(seconds // (size // 2))} {unit}"
    return f"{max(0, int(seconds))} s"


def parse_time_or_ago(text: str, *, what: str, now: float) -> float:
    """Return unix seconds of RFC 3339 with an offset, of a duration back from now, or of a number.

    A time before 1970 becomes 1970: some offsets of the year 1 cannot be represented.
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS:
        return float(text)
    if is_duration(text):
        return max(now - parse_duration(text, what=what, longest=MAX_AGO_SECONDS), 0.0)
    time = _parse_time(text)
    if time is None or time.tzinfo is None:
        raise InvalidInput(
            f"{what}: {text[:40]!a} is neither a time with an offset, such as 2026-01-01T12:00:00Z,"
            " nor a duration back from now, such as 15m, 2h or 7d"
        )
    return max(time.timestamp(), 0.0)


def _parse_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None
