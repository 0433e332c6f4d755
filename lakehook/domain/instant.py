"""A point in time as producers write it: RFC 3339 section 5.6, with an offset."""

import re
from datetime import datetime

_RFC_3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:(?P<second>\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_LEAP_SECOND = "60"


def instant(text: str) -> datetime:
    """Read it to the microsecond; ``ValueError`` when it is none, or on no calendar.

    A leap second is taken for the second before it.
    """
    found = _RFC_3339.fullmatch(text)
    if not found:
        raise ValueError("not an RFC 3339 time with an offset")
    if found["second"] == _LEAP_SECOND:
        start, end = found.span("second")
        text = f"{text[:start]}59{text[end:]}"
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError("a time that is on no calendar") from None


def is_later(one: str | None, other: str | None) -> bool:
    """Whether both are known, and one is after the other."""
    return one is not None and other is not None and instant(one) > instant(other)


def is_not_later(one: str | None, other: str | None) -> bool:
    """Whether both are known, and one is at the other or before it."""
    return one is not None and other is not None and instant(one) <= instant(other)
