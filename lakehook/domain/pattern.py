"""A pattern over an event's fields, in the syntax of EventBridge.

A pattern is an object as the event is; each leaf is a list of what its field may be, literally
or by an operator. Fields within one object must all match, of ``$or`` one alternative; a field
that is a list matches if one of its elements does, be it a leaf or an object, and lists within
lists are one list. An empty list, and an object where a leaf is asked for, is as if it were absent.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
https://github.com/aws/event-ruler#json-array-matching
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lakehook.domain.document import Document, read_document
from lakehook.domain.errors import BadSubscription
from lakehook.domain.pattern_operators import ABSENT, passes_any, test_of

MAX_PATTERN_BYTES = 4096
MOST_LEVELS = 16
MAX_TESTS = 100_000
"""Of elements of lists, for one event: some tens of milliseconds. Both lengths are strangers'."""


class PatternExhausted(Exception):
    """A pattern and an event that together would take longer than fan-out has for all of them."""


Predicate = Callable[[Any], bool]
"""Whether an object, or its absence, matches."""


def checked_pattern(text: str) -> str:
    """The pattern, if it is one; ``BadSubscription`` names the field and what is wrong with it."""
    compiled(text)
    return text


@dataclass
class Allowance:
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
    allowance: Allowance

    def __call__(self, document: Any) -> bool:
        """Whether an event matches; ``PatternExhausted`` when that would take too long."""
        self.allowance.left = MAX_TESTS
        return self.predicate(document)


def compiled(text: str) -> Pattern:
    try:
        if len(text.encode()) > MAX_PATTERN_BYTES:
            raise BadSubscription(f"pattern: more than {MAX_PATTERN_BYTES} bytes")
        pattern = read_document(text, levels=MOST_LEVELS, twins=False)
    except UnicodeEncodeError:
        raise BadSubscription("pattern: not UTF-8") from None
    except ValueError as error:
        raise BadSubscription(f"pattern: {error}") from None
    reader = _Reader(Allowance())
    return Pattern(reader.object(pattern, ""), reader.allowance)


@dataclass
class _Reader:
    """Reads a pattern; ``tests`` counts those that each object within it comes to."""

    allowance: Allowance
    tests: int = 0

    def object(self, pattern: Document, path: str) -> Predicate:
        if not pattern:
            raise BadSubscription(f"pattern: {path or 'it'} is empty, and so would match nothing")
        parts = [
            self._field(name, wanted, f"{path}.{name}".lstrip("."))
            for name, wanted in pattern.items()
            if name != "$or"
        ]
        if "$or" in pattern:
            parts.append(self._either(pattern["$or"], path))
        return parts[0] if len(parts) == 1 else lambda value: _all(parts, value)

    def _either(self, alternatives: Any, path: str) -> Predicate:
        where = f"{path}.$or".lstrip(".")
        if not isinstance(alternatives, list) or len(alternatives) < 2:  # noqa: PLR2004  one is none
            raise BadSubscription(f"pattern: {where} is not a list of two patterns or more")
        if not all(isinstance(each, dict) for each in alternatives):
            raise BadSubscription(f"pattern: {where} holds what is no pattern")
        predicates = [self.object(each, where) for each in alternatives]
        return lambda value: any(predicate(value) for predicate in predicates)

    def _field(self, name: str, pattern: Any, path: str) -> Predicate:
        if isinstance(pattern, dict):
            return self._inner(name, pattern, path)
        if not isinstance(pattern, list) or not pattern:
            raise BadSubscription(
                f"pattern: {path} is neither an object nor a list of what it may be"
            )
        return self._leaf(name, pattern, path)

    def _inner(self, name: str, pattern: Document, path: str) -> Predicate:
        """Of several objects in a list one must match by itself."""
        before = self.tests
        inner = self.object(pattern, path)
        tests, spend = self.tests - before, self.allowance.spend

        def matches(value: Any) -> bool:
            member = _get(value, name)
            if not isinstance(member, list):
                return inner(member)
            objects: list[Any] = [each for each in _flat(member) if isinstance(each, dict)]
            spend(len(objects), tests)
            return any(map(inner, objects or [ABSENT]))

        return matches

    def _leaf(self, name: str, wanted: Sequence[Any], path: str) -> Predicate:
        """Its literals are one look into a set; an object is no leaf, as if nothing were there."""
        literals = frozenset(_literal(each) for each in wanted if not isinstance(each, list | dict))
        operators = [test_of(each, path) for each in wanted if isinstance(each, list | dict)]
        tests, spend = 1 + len(operators), self.allowance.spend
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


def _all(parts: Sequence[Predicate], value: Any) -> bool:
    """A loop, for ``all`` makes a generator for each of a thousand subscriptions."""
    for part in parts:  # noqa: SIM110
        if not part(value):
            return False
    return True


def _get(value: Any, name: str) -> Any:
    return value.get(name, ABSENT) if isinstance(value, dict) else ABSENT


def _leaves(value: list[Any] | Document) -> Sequence[Any]:
    leaves = [one for one in _flat(value) if not isinstance(one, dict)]
    return leaves if leaves and isinstance(value, list) else [ABSENT]


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for one in values:
        if isinstance(one, list):
            yield from _flat(one)
        else:
            yield one
