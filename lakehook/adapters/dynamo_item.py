"""DynamoDB's typed values, to and from plain ones.

boto3 has the like, for which a function would load all of boto3: a tenth of its start.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from collections.abc import Callable, Mapping
from typing import Any

Item = dict[str, Any]


def to_item(values: Mapping[str, Any]) -> Item:
    """Write plain values, leaving out those that are None."""
    return {name: _typed(value) for name, value in values.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in item.items()}


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _typed(value: Any) -> Item:
    for kind, written in _SCALARS:
        if isinstance(value, kind):
            return written(value)
    if isinstance(value, Mapping):
        return {"M": {name: _typed(one) for name, one in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [_typed(one) for one in value]}
    raise TypeError(f"{type(value).__name__} is nothing that we keep")


_SCALARS: tuple[tuple[type, Callable[[Any], Item]], ...] = (
    (str, lambda value: {"S": value}),
    (bool, lambda value: {"BOOL": value}),  # before int, of which it is one to Python
    (int, lambda value: {"N": str(value)}),
    (bytes, lambda value: {"B": value}),
    (type(None), lambda _: {"NULL": True}),
)


def _plain(typed: Mapping[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    match kind:
        case "N":
            return int(value)
        case "L":
            return [_plain(one) for one in value]
        case "M":
            return from_item(value)
        case "NULL":
            return None
    return value
