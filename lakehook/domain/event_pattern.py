"""Patterns over an event's fields, in the syntax of EventBridge.

A pattern is an object of the event's shape; each leaf lists what its field may be, literally or by
an operator. Fields within one object must all match, of ``$or`` one alternative; a field that is a
list matches if one of its elements does, a leaf or an object, and nested lists count as one list.
An empty list, and an object where a leaf is expected, count as absent.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
https://github.com/aws/event-ruler#json-array-matching
"""

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.json_document import Document, parse_json_object

Test = Callable[[Any], bool]
"""Whether a leaf, or its absence, is what is wanted."""

_PIECES = re.compile(r"\\[*\\]|.", re.DOTALL)
ABSENT = object()
"""The value of a field that is not there."""

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
_REFUSABLE = {"prefix", "suffix", "equals-ignore-case", "wildcard"}
_NAMES = ", ".join(sorted(_REFUSABLE))

MAX_PATTERN_BYTES = 4096
MAX_LEVELS = 16
MAX_TESTS = 100_000
"""Of elements of lists, for one event: some tens of milliseconds. Both lengths are strangers'."""
Predicate = Callable[[Any], bool]
"""Whether an object, or its absence, matches."""


class PatternExhausted(Exception):
    """A pattern and an event that together would take longer than fan-out has for all of them."""


@dataclass
class PatternBudget:
    """The tests of lists' elements that are left for one event."""

    left: int = MAX_TESTS

    def spend(self, elements: int, tests: int) -> None:
        self.left -= elements * tests
        if self.left < 0:
            raise PatternExhausted


@dataclass(frozen=True)
class Pattern:
    """A pattern that was read. It is asked of one event at a time."""

    predicate: Predicate
    budget: PatternBudget

    def __call__(self, document: Any) -> bool:
        """Whether an event matches; ``PatternExhausted`` when that would take too long."""
        self.budget.left = MAX_TESTS
        return self.predicate(document)


def prefix(operand: Any, path: str) -> Test:
    return _of_ends(operand, path, "prefix", str.startswith)


def suffix(operand: Any, path: str) -> Test:
    return _of_ends(operand, path, "suffix", str.endswith)


def _of_ends(operand: Any, path: str, name: str, is_at: Callable[[str, str], bool]) -> Test:
    if isinstance(operand, dict) and operand.keys() == {"equals-ignore-case"}:
        folded = _text(operand["equals-ignore-case"], path, name).casefold()
        return lambda value: isinstance(value, str) and is_at(value.casefold(), folded)
    text = _text(operand, path, name)
    return lambda value: isinstance(value, str) and is_at(value, text)


def ignoring_case(operand: Any, path: str) -> Test:
    folded = _text(operand, path, "equals-ignore-case").casefold()
    return lambda value: isinstance(value, str) and value.casefold() == folded


def wildcard(operand: Any, path: str) -> Test:
    first, *others = _between_stars(_text(operand, path, "wildcard"), path)
    if not others:
        return lambda value: isinstance(value, str) and value == first
    *middle, last = others
    return lambda value: (
        isinstance(value, str)
        and value.startswith(first)
        and value.endswith(last)
        and _has_between(value, middle, len(first), len(value) - len(last))
    )


def _between_stars(text: str, path: str) -> Sequence[str]:
    """What stands before, between and behind the stars that are not escaped."""
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
    """Each part after the one before it, at the first place where it is: linear, whatever came."""
    for part in parts:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return at <= end


def _text(operand: Any, path: str, name: str) -> str:
    if not isinstance(operand, str) or not operand:
        raise InvalidSubscription(f"pattern: {path}: {name} wants a text that is not empty")
    return operand


def passes_any(tests: Sequence[Test], leaf: Any) -> bool:
    """A loop, for ``any`` makes a generator for each of a thousand subscriptions."""
    for test in tests:  # noqa: SIM110
        if test(leaf):
            return True
    return False


def predicate_from(wanted: Any, path: str) -> Test:
    if isinstance(wanted, dict):
        return _operator(wanted, path)
    if isinstance(wanted, list):
        raise InvalidSubscription(f"pattern: {path} holds a list within its list")
    return lambda value: _is_same(value, wanted)


def _is_same(value: Any, wanted: Any) -> bool:
    """``true`` is no 1, as Python would have it."""
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _operator(wanted: dict[str, Any], path: str) -> Test:
    if len(wanted) != 1:
        raise InvalidSubscription(
            f"pattern: {path} has an operator with {len(wanted)} names, not one"
        )
    ((name, operand),) = wanted.items()
    if name not in OPERATORS:
        raise InvalidSubscription(
            f"pattern: {path}: {name[:40]!a} is none of {', '.join(OPERATORS)}"
        )
    return OPERATORS[name](operand, path)


def _exists(operand: Any, path: str) -> Test:
    if not isinstance(operand, bool):
        raise InvalidSubscription(f"pattern: {path}: exists is true or false")
    return lambda value: (value is not ABSENT) is operand


def _anything_but(operand: Any, path: str) -> Test:
    """A field that is there, and is none of these."""
    if isinstance(operand, dict):
        if operand.keys() - _REFUSABLE:
            raise InvalidSubscription(
                f"pattern: {path}: anything-but goes with {_NAMES}, or values"
            )
        several = _each(operand, path)
    else:
        values = operand if isinstance(operand, list) else [operand]
        is_flat = not any(isinstance(one, list | dict) for one in values)
        several = [predicate_from(one, path) for one in values] if is_flat else []
    if not several:
        raise InvalidSubscription(f"pattern: {path}: anything-but wants a value or a list of them")
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


OPERATORS: dict[str, _Make] = {
    "prefix": prefix,
    "suffix": suffix,
    "equals-ignore-case": ignoring_case,
    "wildcard": wildcard,
    "exists": _exists,
    "anything-but": _anything_but,
    "numeric": _numeric,
}


def _bound(name: Any, limit: Any, path: str) -> Callable[[Any], bool]:
    if not isinstance(name, str) or name not in _COMPARISONS or not _is_number(limit):
        raise InvalidSubscription(f"pattern: {path}: numeric compares by {_SIGNS} with a number")
    compare = _COMPARISONS[name]
    return lambda value: bool(compare(value, limit))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float, Decimal)  # and so no ``true``, which is a kind of int


def parse_pattern(text: str) -> str:
    """The pattern, if it is one.

    ``InvalidSubscription`` names the field and what is wrong with it.
    """
    compile_pattern(text)
    return text


def compile_pattern(text: str) -> Pattern:
    try:
        if len(text.encode()) > MAX_PATTERN_BYTES:
            raise InvalidSubscription(f"pattern: more than {MAX_PATTERN_BYTES} bytes")
        pattern = parse_json_object(text, max_depth=MAX_LEVELS, allow_duplicate_keys=False)
    except UnicodeEncodeError:
        raise InvalidSubscription("pattern: not UTF-8") from None
    except ValueError as error:
        raise InvalidSubscription(f"pattern: {error}") from None
    reader = _PatternParser(PatternBudget())
    return Pattern(reader.object(pattern, ""), reader.budget)


@dataclass
class _PatternParser:
    """Reads a pattern; ``tests`` counts those that each object within it comes to."""

    budget: PatternBudget
    tests: int = 0

    def object(self, pattern: Document, path: str) -> Predicate:
        if not pattern:
            raise InvalidSubscription(
                f"pattern: {path or 'it'} is empty, and so would match nothing"
            )
        parts = [
            self._field(name, wanted, f"{path}.{name}".lstrip("."))
            for name, wanted in pattern.items()
            if name != "$or"
        ]
        if "$or" in pattern:
            parts.append(self._either(pattern["$or"], path))
        return parts[0] if len(parts) == 1 else lambda value: _match_all(parts, value)

    def _either(self, alternatives: Any, path: str) -> Predicate:
        where = f"{path}.$or".lstrip(".")
        if not isinstance(alternatives, list) or len(alternatives) < 2:  # noqa: PLR2004  one is none
            raise InvalidSubscription(f"pattern: {where} is not a list of two patterns or more")
        if not all(isinstance(each, dict) for each in alternatives):
            raise InvalidSubscription(f"pattern: {where} holds what is no pattern")
        predicates = [self.object(each, where) for each in alternatives]
        return lambda value: any(predicate(value) for predicate in predicates)

    def _field(self, name: str, pattern: Any, path: str) -> Predicate:
        if isinstance(pattern, dict):
            return self._inner(name, pattern, path)
        if not isinstance(pattern, list) or not pattern:
            raise InvalidSubscription(
                f"pattern: {path} is neither an object nor a list of what it may be"
            )
        return self._leaf(name, pattern, path)

    def _inner(self, name: str, pattern: Document, path: str) -> Predicate:
        """Of several objects in a list one must match by itself."""
        before = self.tests
        inner = self.object(pattern, path)
        tests, spend = self.tests - before, self.budget.spend

        def matches(value: Any) -> bool:
            member = _get(value, name)
            if not isinstance(member, list):
                return inner(member)
            objects: list[Any] = [each for each in _flatten(member) if isinstance(each, dict)]
            spend(len(objects), tests)
            return any(map(inner, objects or [ABSENT]))

        return matches

    def _leaf(self, name: str, wanted: Sequence[Any], path: str) -> Predicate:
        """Its literals are one look into a set; an object is no leaf, as if nothing were there."""
        literals = frozenset(_literal(each) for each in wanted if not isinstance(each, list | dict))
        operators = [predicate_from(each, path) for each in wanted if isinstance(each, list | dict)]
        tests, spend = 1 + len(operators), self.budget.spend
        self.tests += tests

        def is_wanted(leaf: Any) -> bool:
            return _literal(leaf) in literals or passes_any(operators, leaf)

        def matches(value: Any) -> bool:
            leaf = value.get(name, ABSENT) if isinstance(value, dict) else ABSENT
            if isinstance(leaf, list | dict):
                leaves = _leaves(leaf)
                spend(len(leaves), tests)
                return any(map(is_wanted, leaves))
            return is_wanted(leaf)

        return matches


def _literal(value: Any) -> Any:
    """What a value is compared by: ``true`` is no 1, as Python would have it, and 1.50 is 1.5."""
    if type(value) is Decimal:
        return float(value)
    return (value,) if value is True or value is False else value


def _match_all(parts: Sequence[Predicate], value: Any) -> bool:
    """A loop, for ``all`` makes a generator for each of a thousand subscriptions."""
    for part in parts:  # noqa: SIM110
        if not part(value):
            return False
    return True


def _get(value: Any, name: str) -> Any:
    return value.get(name, ABSENT) if isinstance(value, dict) else ABSENT


def _leaves(value: list[Any] | Document) -> Sequence[Any]:
    leaves = [one for one in _flatten(value) if not isinstance(one, dict)]
    return leaves if leaves and isinstance(value, list) else [ABSENT]


def _flatten(values: Iterable[Any]) -> Iterator[Any]:
    for one in values:
        if isinstance(one, list):
            yield from _flatten(one)
        else:
            yield one
