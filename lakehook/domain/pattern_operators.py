"""What a field may be: a literal, or an operator with what it compares to."""

import operator
from collections.abc import Callable
from typing import Any

from lakehook.domain.errors import BadSubscription

Test = Callable[[Any], bool]
"""Whether a leaf, or its absence, is what is wanted."""

ABSENT = object()
"""The value of a field that is not there."""

_Make = Callable[[Any, str], Test]


def test_of(wanted: Any, path: str) -> Test:
    if isinstance(wanted, dict):
        return _operator(wanted, path)
    if isinstance(wanted, list):
        raise BadSubscription(f"pattern: {path} holds a list within its list")
    return lambda value: _is_same(value, wanted)


def _is_same(value: Any, wanted: Any) -> bool:
    """``true`` is no 1, as Python would have it."""
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _operator(wanted: dict[str, Any], path: str) -> Test:
    if len(wanted) != 1:
        raise BadSubscription(f"pattern: {path} has an operator with {len(wanted)} names, not one")
    ((name, operand),) = wanted.items()
    if name not in _OPERATORS:
        raise BadSubscription(f"pattern: {path}: {name!a} is none of {', '.join(_OPERATORS)}")
    return _OPERATORS[name](operand, path)


def _prefix(operand: Any, path: str) -> Test:
    return _of_ends(operand, path, "prefix", str.startswith)


def _suffix(operand: Any, path: str) -> Test:
    return _of_ends(operand, path, "suffix", str.endswith)


def _of_ends(operand: Any, path: str, name: str, is_at: Callable[[str, str], bool]) -> Test:
    if isinstance(operand, dict) and operand.keys() == {"equals-ignore-case"}:
        folded = _text(operand["equals-ignore-case"], path, name).casefold()
        return lambda value: isinstance(value, str) and is_at(value.casefold(), folded)
    text = _text(operand, path, name)
    return lambda value: isinstance(value, str) and is_at(value, text)


def _ignoring_case(operand: Any, path: str) -> Test:
    folded = _text(operand, path, "equals-ignore-case").casefold()
    return lambda value: isinstance(value, str) and value.casefold() == folded


def _wildcard(operand: Any, path: str) -> Test:
    text = _text(operand, path, "wildcard")
    if "**" in text:
        raise BadSubscription(f"pattern: {path}: two * in a row in a wildcard")
    parts = text.split("*")
    return lambda value: isinstance(value, str) and _fits(value, parts)


def _fits(value: str, parts: list[str]) -> bool:
    """Each part after the one before it, at the first place where it is: linear, whatever came."""
    if len(parts) == 1:
        return value == parts[0]
    first, *middle, last = parts
    if not value.startswith(first) or len(value) < len(first) + len(last):
        return False
    at, end = len(first), len(value) - len(last)
    for part in middle:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return value.endswith(last)


def _exists(operand: Any, path: str) -> Test:
    if not isinstance(operand, bool):
        raise BadSubscription(f"pattern: {path}: exists is true or false")
    return lambda value: (value is not ABSENT) is operand


def _anything_but(operand: Any, path: str) -> Test:
    """A field that is there, and is none of these."""
    if isinstance(operand, dict):
        if operand.keys() - _REFUSABLE:
            raise BadSubscription(f"pattern: {path}: anything-but goes with {_NAMES}, or values")
        several = _each(operand, path)
    else:
        values = operand if isinstance(operand, list) else [operand]
        if not values or any(isinstance(one, list | dict) for one in values):
            raise BadSubscription(f"pattern: {path}: anything-but wants a value or a list of them")
        several = [test_of(one, path) for one in values]
    return lambda value: value is not ABSENT and not any(test(value) for test in several)


def _each(operand: dict[str, Any], path: str) -> list[Test]:
    """An operator within ``anything-but`` may have several operands."""
    return [
        _operator({name: one}, path)
        for name, operands in operand.items()
        for one in (operands if isinstance(operands, list) else [operands])
    ]


def _numeric(operand: Any, path: str) -> Test:
    steps = operand if isinstance(operand, list) else []
    if len(steps) not in (2, 4):
        raise BadSubscription(f'pattern: {path}: numeric is a list such as [">", 0, "<=", 5]')
    bounds = [_bound(*pair, path) for pair in zip(steps[::2], steps[1::2], strict=True)]
    return lambda value: _is_number(value) and all(bound(value) for bound in bounds)


def _bound(name: Any, limit: Any, path: str) -> Callable[[Any], bool]:
    if name not in _COMPARISONS or not _is_number(limit):
        raise BadSubscription(f"pattern: {path}: numeric compares by {_SIGNS} with a number")
    compare = _COMPARISONS[name]
    return lambda value: bool(compare(value, limit))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(operand: Any, path: str, name: str) -> str:
    if not isinstance(operand, str) or not operand:
        raise BadSubscription(f"pattern: {path}: {name} wants a text that is not empty")
    return operand


_COMPARISONS: dict[Any, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_SIGNS = " ".join(_COMPARISONS)
_OPERATORS: dict[str, _Make] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _ignoring_case,
    "wildcard": _wildcard,
    "exists": _exists,
    "anything-but": _anything_but,
    "numeric": _numeric,
}
_REFUSABLE = {"prefix", "suffix", "equals-ignore-case", "wildcard"}
_NAMES = ", ".join(sorted(_REFUSABLE))
