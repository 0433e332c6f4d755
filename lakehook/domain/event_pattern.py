"""Patterns over an event's fields, in the syntax of EventBridge.

A pattern is an object of the event's shape; each leaf lists what its field may be, literally or by
an operator. Fields within one object must all match, of ``$or`` one alternative. A field that is a
list matches if one of its elements does, a leaf or an object, and nested lists count as one list.
An empty list, and an object where a leaf is expected, count as absent.

A field is identified by its path, its names joined by dots, however they are nested. If one path
has two conditions, the later one counts; so a condition in ``$or`` replaces one before it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html

https://github.com/aws/event-ruler#json-array-matching

Outcomes recorded on AWS: tests/outside/eventbridge
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.json_document import MAX_NAMES_OF_A_PATH, Document, parse_json_object
from lakehook.domain.pattern_operators import (
    ABSENT,
    NO_FIELDS_WITHIN_OR,
    Test,
    passes_any,
    predicate_from,
)

MAX_PATTERN_BYTES = 4096
MAX_LEVELS = MAX_NAMES_OF_A_PATH
MAX_ALTERNATIVES = 1000
"""Limit for all ``$or`` of a pattern together, as in EventBridge."""
MAX_CONDITIONS = 10_000
"""Limit for the fields of all alternatives: what a cold fan-out compiles, a tenth of a second."""
MAX_TESTS = 100_000
"""Limit of list elements and alternatives for one event: some tens of milliseconds."""
Predicate = Callable[[Any], bool]
"""Whether an object, or its absence, matches."""


class PatternExhausted(Exception):
    """Matching this pattern would take longer than fan-out has for one event."""


@dataclass
class _Matching:
    """State of matching one event, and the tests that it may still cost."""

    document: Any = None
    left: int = MAX_TESTS
    absent: dict[str, bool] = field(default_factory=dict)

    def begin(self, document: Any) -> None:
        self.document, self.left = document, MAX_TESTS
        if self.absent:
            self.absent = {}

    def is_absent(self, path: str) -> bool:
        """Whether the path is absent, in all objects of a list."""
        if path not in self.absent:
            self.absent[path] = not self._has(self.document, path.split("."))
        return self.absent[path]

    def _has(self, value: Any, names: Sequence[str]) -> bool:
        if isinstance(value, list):
            self.spend(len(value), 1)
            return any(self._has(each, names) for each in value)
        if not names or not isinstance(value, dict):
            return not names and not isinstance(value, dict)
        return names[0] in value and self._has(value[names[0]], names[1:])

    def spend(self, elements: int, tests: int) -> None:
        self.left -= elements * tests
        if self.left < 0:
            raise PatternExhausted


@dataclass(frozen=True)
class Pattern:
    """A parsed pattern, which matches one event at a time."""

    predicate: Predicate
    matching: _Matching

    def __call__(self, document: Any) -> bool:
        """Whether an event matches; ``PatternExhausted`` when that would take too long.

        The document is an event's ``expanded`` one, in which names with dots are nested.
        """
        self.matching.begin(document)
        return self.predicate(document)


def parse_pattern(text: str) -> str:
    """Validate a pattern, and return it.

    ``InvalidSubscription`` names the field and what is wrong with it.
    """
    compile_pattern(text)
    return text


def compile_pattern(text: str, *, max_conditions: int = MAX_CONDITIONS) -> Pattern:
    try:
        if len(text.encode()) > MAX_PATTERN_BYTES:
            raise InvalidSubscription(f"pattern: more than {MAX_PATTERN_BYTES} bytes")
        pattern = parse_json_object(text, max_depth=MAX_LEVELS, allow_duplicate_keys=False)
    except UnicodeEncodeError:
        raise InvalidSubscription("pattern: not UTF-8") from None
    except ValueError as error:
        raise InvalidSubscription(f"pattern: {error}") from None
    matching = _Matching()
    alternatives = _alternatives(pattern, max_conditions)
    return Pattern(_either(alternatives, matching), matching)


@dataclass(frozen=True)
class _Leaf:
    """Conditions on the field at a path."""

    path: str
    is_wanted: Test
    tests: int

    @classmethod
    def parse(cls, condition: Sequence[Any], path: str) -> "_Leaf":
        """Parse a leaf; its literals become one look-up in a set."""
        literals = frozenset(
            _literal(each) for each in condition if not isinstance(each, list | dict)
        )
        operators = [
            predicate_from(each, path) for each in condition if isinstance(each, list | dict)
        ]
        return cls(
            path,
            lambda leaf: _literal(leaf) in literals or passes_any(operators, leaf),
            1 + len(operators),
        )


_Alternative = dict[str, _Leaf]
"""Leaves by their path; all must match."""


def _alternatives(pattern: Document, max_conditions: int) -> list[_Alternative]:
    alternatives: list[_Alternative] = [{}]
    _read_object(pattern, "", alternatives, within_or=False)
    if sum(map(len, alternatives)) > max_conditions:
        raise InvalidSubscription(
            f"pattern: all $or and fields together make more than {max_conditions} conditions"
        )
    return alternatives


def _read_object(
    pattern: Document, path: str, alternatives: list[_Alternative], *, within_or: bool
) -> None:
    """Add an object's fields to each of the alternatives so far."""
    if not pattern:
        raise InvalidSubscription(f"pattern: {path or 'it'} is empty, and so would match nothing")
    for name, condition in pattern.items():
        if name == "$or":
            _read_or(condition, path, alternatives)
        else:
            where = f"{path}.{name}" if path else name
            _check_name(name, where, within_or=within_or)
            _read_field(condition, where, alternatives, within_or=within_or)


def _read_field(
    condition: Any, path: str, alternatives: list[_Alternative], *, within_or: bool
) -> None:
    if isinstance(condition, dict):
        _read_object(condition, path, alternatives, within_or=within_or)
    elif isinstance(condition, list) and condition:
        leaf = _Leaf.parse(condition, path)
        for alternative in alternatives:
            alternative[path] = leaf
    else:
        raise InvalidSubscription(
            f"pattern: {path} is neither an object nor a list of what it may be"
        )


def _check_name(name: str, path: str, *, within_or: bool) -> None:
    if within_or and name in NO_FIELDS_WITHIN_OR:
        raise InvalidSubscription(f"pattern: {path}: no field may be called so within $or")
    if path.count(".") >= MAX_LEVELS:
        raise InvalidSubscription(f"pattern: nested deeper than {MAX_LEVELS} levels")


def _read_or(condition: Any, path: str, alternatives: list[_Alternative]) -> None:
    where = f"{path}.$or".lstrip(".")
    if not isinstance(condition, list) or len(condition) < 2:  # noqa: PLR2004  one is none
        raise InvalidSubscription(f"pattern: {where} is not a list of two patterns or more")
    if not all(isinstance(each, dict) for each in condition):
        raise InvalidSubscription(f"pattern: {where} contains something that is not a pattern")
    before = [dict(alternative) for alternative in alternatives]
    alternatives.clear()
    for each in condition:
        added = [dict(alternative) for alternative in before]
        _read_object(each, path, added, within_or=True)
        alternatives += added
        if len(alternatives) > MAX_ALTERNATIVES:
            raise InvalidSubscription(
                f"pattern: all $or together have more than {MAX_ALTERNATIVES} alternatives"
            )


@dataclass
class _Node:
    """Conditions of one alternative at one name, and below it."""

    leaf: _Leaf | None = None
    members: dict[str, "_Node"] = field(default_factory=dict)

    @classmethod
    def from_alternative(cls, alternative: Mapping[str, _Leaf]) -> "_Node":
        root = cls()
        for path, leaf in alternative.items():
            node = root
            for name in path.split("."):
                node = node.members.setdefault(name, cls())
            node.leaf = leaf
        return root

    @property
    def tests(self) -> int:
        own = self.leaf.tests if self.leaf else 0
        return own + sum(node.tests for node in self.members.values())


def _either(alternatives: Sequence[_Alternative], matching: _Matching) -> Predicate:
    nodes = [_Node.from_alternative(alternative) for alternative in alternatives]
    if len(nodes) == 1:
        return _all_members(nodes[0], matching)
    predicates = [(node.tests, _all_members(node, matching)) for node in nodes]

    def matches(value: Any) -> bool:
        for tests, predicate in predicates:
            matching.spend(1, tests)
            if predicate(value):
                return True
        return False

    return matches


def _all_members(node: _Node, matching: _Matching) -> Predicate:
    parts: list[Predicate] = []
    for name, member in node.members.items():
        if member.leaf:
            parts.append(_matches_leaf(name, member.leaf, matching))
        if member.members:
            parts.append(_matches_inner(name, member, matching))
    return parts[0] if len(parts) == 1 else lambda value: _match_all(parts, value)


def _matches_inner(name: str, node: _Node, matching: _Matching) -> Predicate:
    """Match several objects in a list: one of them must match by itself."""
    inner, tests, spend = _all_members(node, matching), node.tests, matching.spend

    def matches(value: Any) -> bool:
        member = value.get(name, ABSENT) if isinstance(value, dict) else ABSENT
        if not isinstance(member, list):
            return inner(member)
        objects: list[Any] = [each for each in _flatten(member) if isinstance(each, dict)]
        spend(len(objects), tests)
        return any(map(inner, objects or [ABSENT]))

    return matches


def _matches_leaf(name: str, condition: _Leaf, matching: _Matching) -> Predicate:
    """Match a leaf: an object does not, and an absent field must be absent in the whole event."""
    is_wanted, tests, spend = condition.is_wanted, condition.tests, matching.spend
    may_be_absent = is_wanted(ABSENT)

    def matches(value: Any) -> bool:
        leaf = value.get(name, ABSENT) if isinstance(value, dict) else ABSENT
        if isinstance(leaf, list):
            leaves = [each for each in _flatten(leaf) if not isinstance(each, dict)]
            spend(len(leaves), tests)
            if leaves:
                return any(map(is_wanted, leaves))
        elif leaf is not ABSENT and not isinstance(leaf, dict):
            return is_wanted(leaf)
        return may_be_absent and matching.is_absent(condition.path)

    return matches


def _literal(value: Any) -> Any:
    """Return a comparison key: ``true`` differs from 1, unlike in Python, and 1.50 equals 1.5."""
    if type(value) is Decimal:
        return float(value)
    return (value,) if value is True or value is False else value


def _match_all(parts: Sequence[Predicate], value: Any) -> bool:
    """Match all, in a loop: ``all`` would create a generator for each of many subscriptions."""
    for part in parts:  # noqa: SIM110
        if not part(value):
            return False
    return True


def _flatten(values: Iterable[Any]) -> Iterator[Any]:
    for each in values:
        if isinstance(each, list):
            yield from _flatten(each)
        else:
            yield each
