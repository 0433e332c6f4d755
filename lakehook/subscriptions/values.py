"""Values of fields as JSON and YAML have them, for the HTTP API and for files alike.

Each function returns what ``SubscriptionFields`` holds, which is also what the command is given.
"""

import math
from collections.abc import Mapping
from typing import Any

from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.json_document import to_json
from lakehook.domain.subscription import DEFAULT_DEADLINE_SECONDS, Language, Ordering
from lakehook.subscriptions.subscribe import DEFAULT_SCHEDULE, NO_RATE

MAX_SHOWN = 40

DEFAULTS: Mapping[str, Any] = {
    "language": str(Language.ENGLISH),
    "time_zone": "",
    "event_types": (),
    "pattern": "",
    "success_if": "",
    "deadline_seconds": DEFAULT_DEADLINE_SECONDS,
    "ordering": str(Ordering.STRICT),
    "retry_schedule": DEFAULT_SCHEDULE,
    "rate": NO_RATE,
    "template_body": "",
    "template_subject": "",
    "template_headers": (),
    "headers": (),
}
"""The value of a field of which a file says nothing, or the API null."""


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise type_error(value, "a text; put it in quotes")
    return value


def seconds(value: Any) -> float:
    if not _is_number(value):
        raise type_error(value, "a number of seconds")
    return float(value)


def texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise type_error(value, "a list of texts")
    return value


def pattern(value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise type_error(value, "a mapping, or a text of JSON")
    return to_json(value)


def schedule(value: Any) -> str:
    """Parse a text with commas, a list, or a single number."""
    if isinstance(value, str):
        return value
    delays = value if isinstance(value, list) else [value]
    if not delays or not all(map(_is_number, delays)):
        raise type_error(value, "a list of seconds, or a text of them with commas")
    return ",".join(f"{delay:.15g}" for delay in delays)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise type_error(value, "true or false")
    return value


def type_error(value: Any, allowed: str) -> InvalidSubscription:
    shown = "it" if value is None else to_json(value)[:MAX_SHOWN]
    return InvalidSubscription(f"field: {shown} is not {allowed}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
