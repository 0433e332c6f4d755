"""An event's own lists and objects, as a template meets them; and any value as JSON."""

import json
from decimal import Decimal
from typing import Any


def _nothing(value: object) -> float | None:
    """In JSON, of what JSON has no word for; a decimal is a number with digits to spare."""
    return float(value) if isinstance(value, Decimal) else None


to_json = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_nothing
).encode


class Table(dict[str, object]):
    """Written as JSON, and like no other: to compare two of them deeply could take long."""

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__
    __ne__ = object.__ne__

    def __str__(self) -> str:
        return to_json(self)


class Row(list[object]):
    """The same of a list."""

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __lt__ = __gt__ = __le__ = __ge__ = lambda *_: NotImplemented

    def __str__(self) -> str:
        return to_json(self)


def kept(fields: dict[str, Any]) -> Table:
    return Table({name: _kept(value) for name, value in fields.items()})


def _kept(value: Any) -> object:
    if isinstance(value, dict):
        return kept(value)
    return Row(map(_kept, value)) if isinstance(value, list) else value
