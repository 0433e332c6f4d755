"""Times as records and people write them."""

from datetime import UTC, datetime


def rfc_3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
