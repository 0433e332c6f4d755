"""What a field may be: a literal, or an operator with what it compares to."""

import operator
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from lakehook.domain.errors import BadSubscription
from lakehook.domain.pattern_texts import Test, ignoring_case, prefix, suffix, wildcard

ABSENT = object()
"""The value of a field that is not there."""

_Make = Callable[[Any, str], Test]


def passes_any(tests: Sequence[Test], leaf: Any) -> bool:
    """A loop, for ``any`` makes a generator for each of a thousand subscriptions."""
    for test in tests:  # noqa: SIM110
        if test(leaf):
            return True
    return False


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
    if name not in OPERATORS:
        raise BadSubscription(f"pattern: {path}: {name[:40]!a} is none of {', '.join(OPERATORS)}")
    return OPERATORS[name](operand, path)


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
        is_flat = not any(isinstance(one, list | dict) for one in values)
        several = [test_of(one, path) for one in values] if is_flat else []
    if not several:
        raise BadSubscription(f"pattern: {path}: anything-but wants a value or a list of them")
    return lambda value: value is not ABSENT and not passes_any(several, value)


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
    lower = _bound(steps[0], steps[1], path)
    if len(steps) == 2:  # noqa: PLR2004  one sign and its number
        return lambda value: _is_number(value) and lower(value)
    upper = _bound(steps[2], steps[3], path)
    if steps[0] not in _FROM or steps[2] not in _UP_TO or steps[1] >= steps[3]:
        raise BadSubscription(
            f"pattern: {path}: numeric is from > or >= a number up to < or <= a larger one"
        )
    return lambda value: _is_number(value) and lower(value) and upper(value)


def _bound(name: Any, limit: Any, path: str) -> Callable[[Any], bool]:
    if not isinstance(name, str) or name not in _COMPARISONS or not _is_number(limit):
        raise BadSubscription(f"pattern: {path}: numeric compares by {_SIGNS} with a number")
    compare = _COMPARISONS[name]
    return lambda value: bool(compare(value, limit))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float, Decimal)  # and so no ``true``, which is a kind of int


_COMPARISONS: dict[Any, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_SIGNS = " ".join(_COMPARISONS)
_FROM, _UP_TO = (">", ">="), ("<", "<=")
OPERATORS: dict[str, _Make] = {
    "prefix": prefix,
    "suffix": suffix,
    "equals-ignore-case": ignoring_case,
    "wildcard": wildcard,
    "exists": _exists,
    "anything-but": _anything_but,
    "numeric": _numeric,
}
_REFUSABLE = {"prefix", "suffix", "equals-ignore-case", "wildcard"}
_NAMES = ", ".join(sorted(_REFUSABLE))
