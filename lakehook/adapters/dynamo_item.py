"""DynamoDB's typed values, to and from plain ones.

boto3 has the like, for which a function would load all of boto3: a tenth of its start.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from collections.abc import Mapping
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
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case dict():
            return {"M": {name: _typed(one) for name, one in value.items()}}
        case list() | tuple():
            return {"L": [_typed(one) for one in value]}
        case None:
            return {"NULL": True}
    raise TypeError(f"{type(value).__name__} is nothing that we keep")


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
