"""A moment as it is given to the command."""

from datetime import datetime

import typer


def time_of(text: str, *, option: str) -> float:
    """Unix seconds, of RFC 3339 with an offset, or as they are."""
    if text.isascii() and text.isdigit() and len(text) <= len("99999999999"):
        return float(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise typer.BadParameter(
            f"{text[:40]!a} is no time with an offset, like 2026-01-01T12:00:00Z",
            param_hint=option,
        )
    return time.timestamp()
