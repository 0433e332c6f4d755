"""What a value of a file may be, for each kind of key; nothing that is secret stands there."""

import math
from typing import Any

from lakehook.apply.manuscript import Reveal
from lakehook.domain.document import text_of
from lakehook.domain.errors import BadInput, BadSubscription

REFERENCES = ("env", "file")
INSTEAD = "write {env: NAME} or {file: PATH}"
MOST_SHOWN = 40


def text(value: Any, _reveal: Reveal | None = None) -> str:
    if not isinstance(value, str):
        raise _misfit(value, "a text; put it in quotes")
    return value


def seconds(value: Any, _reveal: Reveal) -> float:
    if not _is_number(value):
        raise _misfit(value, "a number of seconds")
    return float(value)


def texts(value: Any, _reveal: Reveal) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _misfit(value, "a list of texts")
    return value


def pattern(value: Any, _reveal: Reveal) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise _misfit(value, "a mapping, or a text of JSON")
    return text_of(value)


def schedule(value: Any, _reveal: Reveal) -> str:
    """As one text with commas, or as a list."""
    if isinstance(value, str):
        return value
    delays = value if isinstance(value, list) else [value]
    if not delays or not all(map(_is_number, delays)):
        raise _misfit(value, "a list of seconds, or a text of them with commas")
    return ",".join(f"{delay:.15g}" for delay in delays)


def address(value: Any, reveal: Reveal) -> str:
    if not isinstance(value, str | dict):
        raise _misfit(value, f"a text; if it is a credential, {INSTEAD}")
    return value if isinstance(value, str) else _revealed(value, reveal)


def secret(value: Any, reveal: Reveal) -> str:
    return _revealed(value, reveal)


def headers(value: Any, reveal: Reveal) -> list[str]:
    """Lines of name and value, from a mapping of names to where the values are."""
    if not isinstance(value, dict):
        raise _misfit(None, f"a mapping of names, for the value of each {INSTEAD}")
    return [_header(name, one, reveal) for name, one in value.items()]


def _header(name: str, value: Any, reveal: Reveal) -> str:
    if ":" in name:
        raise BadSubscription("header: a name with a colon in it; its value stands elsewhere")
    try:
        return f"{name}: {_revealed(value, reveal)}"
    except BadInput as error:
        raise BadSubscription(f"header: {name}: {str(error).partition(': ')[2]}") from None


def _revealed(value: Any, reveal: Reveal) -> str:
    """What is given here is not repeated: it may be the very secret."""
    if not isinstance(value, dict) or len(value) != 1:
        raise BadSubscription(f"secret: nothing secret stands in this file; {INSTEAD}")
    ((kind, where),) = value.items()
    if kind not in REFERENCES or not isinstance(where, str) or not where:
        raise BadSubscription(f"secret: not where it is; {INSTEAD}")
    return reveal(kind, where)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _misfit(value, "true or false")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _misfit(value: Any, allowed: str) -> BadSubscription:
    given = "it" if value is None else text_of(value)[:MOST_SHOWN]
    return BadSubscription(f"field: {given} is not {allowed}")
