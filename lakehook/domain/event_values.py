"""Values of an event from a Python program, converted to JSON."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from lakehook.domain.errors import InvalidEvent
from lakehook.domain.json_document import MAX_LEVELS, Document

MAX_BITS = 14_000  # Python writes at most 4300 digits
MAX_SHOWN = 80  # characters of a rejected value


def to_event_document(values: Mapping[str, Any]) -> Document:
    """Build the document of an event; a field that is ``None`` is left out.

    ``InvalidEvent`` names the field whose value can't be converted to JSON.
    """
    if not isinstance(values, Mapping):
        raise InvalidEvent(f"{show_value(values)} is not an event: give an Event or a dict")
    present = {name: value for name, value in values.items() if value is not None}
    return _object(present, "", 1)


def show_value(value: Any) -> str:
    """Format an untrusted value on one line, in ASCII, with a bounded length."""
    shown = ascii(value)
    return shown if len(shown) <= MAX_SHOWN else shown[: MAX_SHOWN - 3] + "..."


def _json_value(value: Any, path: str, level: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    for kind, convert in _CONVERTERS:
        if isinstance(value, kind):
            return convert(value, path, level)
    raise InvalidEvent(
        f"{path}: {show_value(value)} is a {type(value).__name__}, which JSON can't hold; give"
        " text, a number, a datetime, a list or a dict"
    )


def _object(values: Mapping[Any, Any], path: str, level: int) -> Document:
    _refuse_depth(path, level)
    return {
        _name(name, path): _json_value(value, f"{path}.{name}" if path else str(name), level + 1)
        for name, value in values.items()
    }


def _name(name: Any, path: str) -> str:
    if not isinstance(name, str):
        raise InvalidEvent(f"{path or 'the event'}: the key {show_value(name)} is not a string")
    return _text(name, path or "the event", 0)


def _list(values: list[Any] | tuple[Any, ...], path: str, level: int) -> list[Any]:
    _refuse_depth(path, level)
    return [_json_value(value, f"{path}[{index}]", level + 1) for index, value in enumerate(values)]


def _text(value: str, path: str, _level: int) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidEvent(
            f"{path}: {show_value(value)} is not Unicode: a lone surrogate"
        ) from None
    return str(value)


def _time(value: datetime, path: str, _level: int) -> str:
    if value.utcoffset() is None:
        raise InvalidEvent(
            f"{path}: {value} has no time zone; give one that has, such as datetime.now(UTC)"
        )
    return value.isoformat()


def _number(value: float | Decimal, path: str, _level: int) -> float | Decimal:
    if (isinstance(value, Decimal) and not value.is_finite()) or not isfinite(value):
        raise InvalidEvent(f"{path}: {value} is not a finite number")
    return value


def _integer(value: int, path: str, _level: int) -> int:
    if value.bit_length() > MAX_BITS:
        raise InvalidEvent(f"{path}: an integer of more than {MAX_BITS} bits")
    return int(value)


def _refuse_depth(path: str, level: int) -> None:
    if level > MAX_LEVELS:
        raise InvalidEvent(f"{path[:MAX_SHOWN]}: nested deeper than {MAX_LEVELS} levels")


_CONVERTERS: tuple[tuple[type | tuple[type, ...], Callable[[Any, str, int], Any]], ...] = (
    (str, _text),
    (int, _integer),
    ((float, Decimal), _number),
    (datetime, _time),
    (Mapping, _object),
    ((list, tuple), _list),
)
