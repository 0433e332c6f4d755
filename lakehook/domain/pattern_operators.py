"""Operators of event patterns: the tests of a pattern's leaf on one value.

Accepted and rejected operands are EventBridge's, as recorded (see ``event_pattern``).
"""

import operator
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from lakehook.domain.errors import InvalidSubscription

Test = Callable[[Any], bool]
"""Whether a leaf, or its absence, is what is wanted."""

ABSENT = object()
"""The value of a field that is not there."""

_PIECES = re.compile(r"\\[*\\]|.", re.DOTALL)
MAX_CASE_CHARACTERS = 3  # lower- or upper-case characters that one character maps to
_LAST_WITH_CASE = "\uffff"  # EventBridge folds UTF-16 units, so no characters of two units

_Make = Callable[[Any, str], Test]
_COMPARISONS: dict[Any, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_SIGNS = " ".join(_COMPARISONS)
_FROM, _UP_TO = (">", ">="), ("<", "<=")


def prefix(operand: Any, path: str) -> Test:
    if isinstance(operand, dict):
        matches = re.compile("".join(_cases(_ignoring_case(operand, path, "prefix")))).match
        return lambda value: isinstance(value, str) and matches(value) is not None
    text = _text(operand, path, "prefix")
    return lambda value: isinstance(value, str) and value.startswith(text)


def suffix(operand: Any, path: str) -> Test:
    """Match an end; without case the text is compared backwards, which needs no search."""
    if isinstance(operand, dict):
        text = _ignoring_case(operand, path, "suffix")[::-1]
        matches = re.compile("".join(_cases(text, reverse=True))).match
        before = -MAX_CASE_CHARACTERS * len(text) - 1
        return lambda value: isinstance(value, str) and matches(value[:before:-1]) is not None
    text = _text(operand, path, "suffix")
    return lambda value: isinstance(value, str) and value.endswith(text)


def equals_ignoring_case(operand: Any, path: str) -> Test:
    matches = re.compile("".join(_cases(_text(operand, path, "equals-ignore-case")))).fullmatch
    return lambda value: isinstance(value, str) and matches(value) is not None


def _ignoring_case(operand: dict[str, Any], path: str, name: str) -> str:
    if operand.keys() != {"equals-ignore-case"}:
        raise InvalidSubscription(
            f"pattern: {path}: {name} wants a text, or equals-ignore-case with one"
        )
    return _text(operand["equals-ignore-case"], path, "equals-ignore-case")


def _cases(text: str, *, reverse: bool = False) -> list[str]:
    """Return each character in lower and in upper case only: ß is not ss."""
    cases = []
    for character in text:
        has_case = character <= _LAST_WITH_CASE
        forms = (character.lower(), character.upper()) if has_case else (character,)
        escaped = [re.escape(form[::-1] if reverse else form) for form in dict.fromkeys(forms)]
        cases.append(f"(?:{'|'.join(escaped)})")
    return cases


def wildcard(operand: Any, path: str) -> Test:
    first, *rest = _between_stars(_text(operand, path, "wildcard"), path)
    if not rest:
        return lambda value: isinstance(value, str) and value == first
    *middle, last = rest
    return lambda value: (
        isinstance(value, str)
        and value.startswith(first)
        and value.endswith(last)
        and _has_between(value, middle, len(first), len(value) - len(last))
    )


def _between_stars(text: str, path: str) -> Sequence[str]:
    """Split at the stars that are not escaped."""
    pieces = _PIECES.findall(text)
    if "\\" in pieces:
        raise InvalidSubscription(
            f"pattern: {path}: a backslash in a wildcard stands before * or \\"
        )
    parts = [""]
    for piece in pieces:
        if piece == "*":
            parts.append("")
        else:
            parts[-1] += piece[-1]
    if "" in parts[1:-1]:
        raise InvalidSubscription(f"pattern: {path}: two * in a row in a wildcard")
    return parts


def _has_between(value: str, parts: Sequence[str], at: int, end: int) -> bool:
    """Whether the parts follow one another, each at its first occurrence: linear time."""
    for part in parts:
        position = value.find(part, at, end)
        if position < 0:
            return False
        at = position + len(part)
    return at <= end


def _text(operand: Any, path: str, name: str) -> str:
    if not isinstance(operand, str):
        raise InvalidSubscription(f"pattern: {path}: {name} wants a text")
    return operand


def _exists(operand: Any, path: str) -> Test:
    if not isinstance(operand, bool):
        raise InvalidSubscription(f"pattern: {path}: exists is true or false")
    return lambda value: (value is not ABSENT) is operand


def _anything_but(operand: Any, path: str) -> Test:
    """Match a field that is present, and not one of these."""
    refused = _refused_texts(operand, path) if isinstance(operand, dict) else None
    if refused is None:
        refused = [predicate_from(value, path) for value in _refused_values(operand, path)]
    return lambda value: value is not ABSENT and not passes_any(refused, value)


def _refused_values(operand: Any, path: str) -> list[Any]:
    values = operand if isinstance(operand, list) else [operand]
    kinds = {_is_number(value) for value in values if isinstance(value, str) or _is_number(value)}
    has_other = any(not isinstance(value, str) and not _is_number(value) for value in values)
    if has_other or len(kinds) != 1:
        raise InvalidSubscription(
            f"pattern: {path}: anything-but wants a text or a number, or a list of one kind"
        )
    return values


def _refused_texts(operand: dict[str, Any], path: str) -> list[Test]:
    """Parse an operator within ``anything-but``, with one text or several."""
    if len(operand) != 1 or operand.keys() - _REFUSABLE:
        raise InvalidSubscription(f"pattern: {path}: anything-but goes with one of {_NAMES}")
    ((name, operands),) = operand.items()
    texts = operands if isinstance(operands, list) else [operands]
    needs_some = name in {"prefix", "suffix"}
    if not texts or not all(isinstance(text, str) and (text or not needs_some) for text in texts):
        kind = "a text that is not empty" if needs_some else "a text"
        raise InvalidSubscription(
            f"pattern: {path}: {name} within anything-but wants {kind}, or a list of them"
        )
    return [OPERATORS[name](text, path) for text in texts]


def _numeric(operand: Any, path: str) -> Test:
    steps = operand if isinstance(operand, list) else []
    if len(steps) not in (2, 4):
        raise InvalidSubscription(f'pattern: {path}: numeric is a list such as [">", 0, "<=", 5]')
    lower = _bound(steps[0], steps[1], path)
    if len(steps) == 2:  # noqa: PLR2004  one sign and its number
        return lambda value: _is_number(value) and lower(value)
    upper = _bound(steps[2], steps[3], path)
    if steps[0] not in _FROM or steps[2] not in _UP_TO or steps[1] >= steps[3]:
        raise InvalidSubscription(
            f"pattern: {path}: numeric is from > or >= a number up to < or <= a larger one"
        )
    return lambda value: _is_number(value) and lower(value) and upper(value)


def _bound(name: Any, limit: Any, path: str) -> Callable[[Any], bool]:
    if not isinstance(name, str) or name not in _COMPARISONS or not _is_number(limit):
        raise InvalidSubscription(f"pattern: {path}: numeric compares by {_SIGNS} with a number")
    compare = _COMPARISONS[name]
    return lambda value: bool(compare(value, limit))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float, Decimal)  # and so no ``true``, which is a kind of int


OPERATORS: dict[str, _Make] = {
    "prefix": prefix,
    "suffix": suffix,
    "equals-ignore-case": equals_ignoring_case,
    "wildcard": wildcard,
    "exists": _exists,
    "anything-but": _anything_but,
    "numeric": _numeric,
}
_REFUSABLE = {"prefix", "suffix", "equals-ignore-case", "wildcard"}
_NAMES = ", ".join(sorted(_REFUSABLE))

NO_FIELDS_WITHIN_OR = frozenset(
    {*OPERATORS, *_COMPARISONS}
    | {"exactly", "cidr", "regex", "not-wildcard", "not-equals-ignore-case"}
    | {"date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"}
    | {"ip-address-in-range", "ip-address-not-in-range"}
)
"""Names that event-ruler, EventBridge's engine, keeps for itself below ``$or``."""


def passes_any(tests: Sequence[Test], leaf: Any) -> bool:
    """Match any, in a loop: ``any`` would create a generator for each of many subscriptions."""
    for test in tests:  # noqa: SIM110
        if test(leaf):
            return True
    return False


def predicate_from(expected: Any, path: str) -> Test:
    if isinstance(expected, dict):
        return _operator(expected, path)
    if isinstance(expected, list):
        raise InvalidSubscription(f"pattern: {path} holds a list within its list")
    return lambda value: _is_same(value, expected)


def _is_same(value: Any, expected: Any) -> bool:
    """Whether they are equal; ``true`` differs from 1, unlike in Python."""
    return value == expected and isinstance(value, bool) == isinstance(expected, bool)


def _operator(operation: dict[str, Any], path: str) -> Test:
    if len(operation) != 1:
        raise InvalidSubscription(
            f"pattern: {path} has an operator with {len(operation)} names, not one"
        )
    ((name, operand),) = operation.items()
    if name not in OPERATORS:
        raise InvalidSubscription(
            f"pattern: {path}: {name[:40]!a} is not one of {', '.join(OPERATORS)}"
        )
    return OPERATORS[name](operand, path)
