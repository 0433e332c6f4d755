"""Liquid's filters that only compute, each within bounds, and an event's lists and objects.

Filters that do I/O, read the time, or scan a text repeatedly are omitted.
"""

import json
import re
from collections.abc import Callable
from datetime import timedelta, timezone
from decimal import Decimal
from functools import wraps
from typing import Any

from liquid import Environment, is_undefined
from liquid.exceptions import FilterArgumentError, LiquidError
from liquid.filter import sequence_filter, string_filter, with_context

from lakehook.adapters.liquid.limits import MAX_ITEMS, MAX_WEIGHT, Context, LimitExceeded
from lakehook.domain.time import parse_rfc3339


def _nothing(value: object) -> float | None:
    """Convert values that JSON lacks; a decimal is a number with additional digits."""
    return float(value) if isinstance(value, Decimal) else None


to_json = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_nothing
).encode


class JsonObject(dict[str, object]):
    """JSON object, equal only to itself, since a deep comparison could take long."""

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__
    __ne__ = object.__ne__

    def __str__(self) -> str:
        return to_json(self)


class JsonList(list[object]):
    """JSON list, likewise."""

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __lt__ = __gt__ = __le__ = __ge__ = lambda *_: NotImplemented

    def __str__(self) -> str:
        return to_json(self)


def freeze(fields: dict[str, Any]) -> JsonObject:
    return JsonObject({name: _freeze(value) for name, value in fields.items()})


def _freeze(value: Any) -> object:
    if isinstance(value, dict):
        return freeze(value)
    return JsonList(map(_freeze, value)) if isinstance(value, list) else value


_BUILT_IN = (
    *("abs", "append", "at_least", "at_most", "base64_decode", "base64_encode"),
    *("base64_url_safe_decode", "base64_url_safe_encode", "capitalize", "ceil"),
    *("default", "divided_by", "downcase", "escape", "escape_once", "escapejs", "find"),
    *("find_index", "first", "floor", "has", "last", "lstrip", "map", "minus", "modulo"),
    *("newline_to_br", "plus", "prepend", "reject", "remove", "remove_first", "remove_last"),
    *("replace_first", "replace_last", "reverse", "round", "rstrip", "size", "slice"),
    *("sort_natural", "squish", "strip", "strip_newlines", "times", "truncate"),
    *("truncatewords", "upcase", "url_decode", "url_encode", "where"),
)
_KNOWN = "aAbBdefHIjmMpSyYz%"
_DIRECTIVES = re.compile(rf"%[{_KNOWN}]|[^%]")
_FIRST_YEAR = 1900
_ZONE = re.compile(r"([+-])([01]\d|2[0-3]):([0-5]\d)")

Filter = Callable[..., Any]


def metered(function: Filter) -> Filter:
    """Charge a filter for its input and its output, and bound both."""
    wants_environment = getattr(function, "with_environment", False)

    @with_context
    def wrapper(value: object, *positional: Any, context: Context, **named: Any) -> object:
        context.budget.grow(value, *positional, *named.values())
        if wants_environment:
            named["environment"] = context.env
        result = function(value, *positional, **named)
        context.budget.grow(result)
        return result

    return wrapper


# --- filters that multiply check the size of their output first ---


@string_filter
def replace(text: str, old: Any, new: Any = "") -> str:
    old, new = _text(old), _text(new)
    _reject_weight(len(text) + text.count(old) * max(0, len(new) - len(old)))
    return text.replace(old, new)


@string_filter
def split(text: str, separator: Any = "") -> list[str]:
    separator = _text(separator)
    if not text or text == separator:
        return []
    if (text.count(separator) if separator else len(text)) > MAX_ITEMS:
        raise LimitExceeded(f"a list is too long: more than {MAX_ITEMS} items")
    if not separator:
        return list(text)
    return text.split(None if separator == " " else separator)


@sequence_filter
def join(items: Any, separator: Any = " ") -> str:
    texts, separator = [_text(item) for item in items], _text(separator)
    _reject_weight(sum(map(len, texts)) + len(texts) * len(separator))
    return str(separator).join(texts)


@sequence_filter
def uniq(items: Any, key: Any = None) -> list[object]:
    """Remove duplicates, compared as JSON, or by their values of a key."""
    first: dict[str, object] = {}
    for item in items:
        compared = item.get(key) if isinstance(item, dict) and key is not None else item
        first.setdefault(to_json(compared), item)
    return list(first.values())


@sequence_filter
def concat(items: Any, added: Any) -> list[object]:
    """Join two lists; the library (2.3.6) fails without a reason where the second is none."""
    if not isinstance(added, list | tuple):
        kind = "a missing field" if is_undefined(added) else type(added).__name__
        raise FilterArgumentError(f"concat: expected a list, not {kind}", token=None)
    return [*items, *added]


# --- filters that fail on a missing value in the library, but not in Shopify's Liquid ---


@sequence_filter
def compact(items: Any, key: Any = None) -> list[object]:
    """Remove nil values, or items that lack the key."""
    return [item for item in items if _member(item, key) is not None]


@sequence_filter
def sort(items: Any, key: Any = None) -> list[object]:
    """Sort with nil last; values that can't be compared keep their order."""
    there = [item for item in items if _member(item, key) is not None]
    missing = [item for item in items if _member(item, key) is None]
    try:
        return [*sorted(there, key=lambda item: _member(item, key)), *missing]
    except TypeError:
        return list(items)


@sequence_filter
def sum_(items: Any, key: Any = None) -> int | Decimal:
    """Sum numbers; other values count as 0."""
    total = sum((_number(_member(item, key)) for item in items), Decimal(0))
    return int(total) if total == total.to_integral_value() else total


def lenient(function: Filter) -> Filter:
    """Return nothing where the filter fails, as in a division by a missing value.

    Shopify's Liquid writes an error message into the text instead, and continues.
    """

    def wrapper(value: object, *arguments: Any, **named: Any) -> object:
        try:
            return function(value, *arguments, **named)
        except (LiquidError, ValueError):  # also decoded bytes that are not UTF-8
            return ""

    return wraps(function)(wrapper)


_LENIENT = ("base64_decode", "base64_url_safe_decode", "divided_by", "modulo")
_NUMBER = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?", re.ASCII)


def _member(item: object, key: object) -> Any:
    if key is None or is_undefined(key):
        return None if is_undefined(item) else item
    return item.get(key) if isinstance(item, dict) else None


def _number(value: object) -> Decimal:
    text = value if isinstance(value, str) else repr(value) if type(value) is float else str(value)
    return Decimal(text) if _NUMBER.fullmatch(text) else Decimal(0)


# --- our own filters ---


def date(value: Any, form: Any = None, zone: Any = None) -> str:
    """Format an RFC 3339 time by strftime, at its own offset or another.

    Any other text is returned unchanged; a year before 1900 means no time.
    """
    try:
        at = parse_rfc3339(value)
    except (TypeError, ValueError):
        return _text(value)
    if at.year < _FIRST_YEAR:  # Go's zero time
        return ""
    form, zone = _text(form), _text(zone)
    if "".join(match.group() for match in _DIRECTIVES.finditer(form)) != form:
        raise FilterArgumentError(f"date: % supports {_KNOWN}", token=None)
    return (at.astimezone(_zone(zone)) if zone else at).strftime(form)


def _zone(text: str) -> timezone:
    match = _ZONE.fullmatch(text)
    if not match:
        raise FilterArgumentError(
            f"date: {text[:20]!a} is not an offset such as +08:00", token=None
        )
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset)


def _text(value: object) -> str:
    if value is None or is_undefined(value):
        return ""
    return value if isinstance(value, str) else str(value)


def _reject_weight(size: int) -> None:
    if size > MAX_WEIGHT:
        raise LimitExceeded(f"a value is too large: more than {MAX_WEIGHT} characters")


FILTERS: dict[str, Filter] = {
    **{name: Environment().filters[name] for name in _BUILT_IN},
    **{name: lenient(Environment().filters[name]) for name in _LENIENT},
    "compact": compact,
    "concat": concat,
    "date": date,
    "join": join,
    "json": to_json,
    "replace": replace,
    "sort": sort,
    "split": split,
    "sum": sum_,
    "uniq": uniq,
}
