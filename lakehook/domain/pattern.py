"""A pattern over an event's fields, in the syntax of EventBridge.

A pattern is an object as the event is; each leaf is a list of what its field may be, literally
or by an operator. Fields within one object must all match, of ``$or`` one alternative; a field
that is a list matches if one of its elements does, be it a leaf or an object, and lists within
lists are one list. An empty list, and an object where a leaf is asked for, is as if it were absent.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
https://github.com/aws/event-ruler#json-array-matching
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from lakehook.domain.document import Document, read_document
from lakehook.domain.errors import BadSubscription
from lakehook.domain.pattern_operators import ABSENT, passes_any, test_of

MAX_PATTERN_BYTES = 4096
MOST_LEVELS = 16

Predicate = Callable[[Any], bool]
"""Whether an object, or its absence, matches."""


def checked_pattern(text: str) -> str:
    """The pattern, if it is one; ``BadSubscription`` names the field and what is wrong with it."""
    compiled(text)
    return text


def compiled(text: str) -> Predicate:
    try:
        if len(text.encode()) > MAX_PATTERN_BYTES:
            raise BadSubscription(f"pattern: more than {MAX_PATTERN_BYTES} bytes")
        pattern = read_document(text, levels=MOST_LEVELS, twins=False)
    except UnicodeEncodeError:
        raise BadSubscription("pattern: not UTF-8") from None
    except ValueError as error:
        raise BadSubscription(f"pattern: {error}") from None
    return _object(pattern, "")


def _object(pattern: Document, path: str) -> Predicate:
    if not pattern:
        raise BadSubscription(f"pattern: {path or 'it'} is empty, and so would match nothing")
    fields = {name: one for name, one in pattern.items() if name != "$or"}
    parts = [_field(name, one, f"{path}.{name}".lstrip(".")) for name, one in fields.items()]
    if "$or" in pattern:
        parts.append(_either(pattern["$or"], path))
    return parts[0] if len(parts) == 1 else lambda value: _all(parts, value)


def _all(parts: Sequence[Predicate], value: Any) -> bool:
    """A loop, for ``all`` makes a generator for each of a thousand subscriptions."""
    for part in parts:  # noqa: SIM110
        if not part(value):
            return False
    return True


def _either(alternatives: Any, path: str) -> Predicate:
    where = f"{path}.$or".lstrip(".")
    if not isinstance(alternatives, list) or len(alternatives) < 2:  # noqa: PLR2004  one is none
        raise BadSubscription(f"pattern: {where} is not a list of two patterns or more")
    if not all(isinstance(one, dict) for one in alternatives):
        raise BadSubscription(f"pattern: {where} holds what is no pattern")
    several = [_object(one, where) for one in alternatives]
    return lambda value: any(one(value) for one in several)


def _field(name: str, pattern: Any, path: str) -> Predicate:
    if isinstance(pattern, dict):
        inner = _object(pattern, path)
        return lambda value: _is_of_one(_get(value, name), inner)
    if not isinstance(pattern, list) or not pattern:
        raise BadSubscription(f"pattern: {path} is neither an object nor a list of what it may be")
    return _leaf(name, pattern, path)


def _get(value: Any, name: str) -> Any:
    return value.get(name, ABSENT) if isinstance(value, dict) else ABSENT


def _is_of_one(value: Any, inner: Predicate) -> bool:
    """Of several objects in a list one must match by itself."""
    if not isinstance(value, list):
        return inner(value)
    objects: list[Any] = [one for one in _flat(value) if isinstance(one, dict)]
    return any(map(inner, objects or [ABSENT]))


def _leaf(name: str, wanted: Sequence[Any], path: str) -> Predicate:
    """Its texts are one look into a set; an object is no leaf, as if nothing were there."""
    texts = frozenset(one for one in wanted if isinstance(one, str))
    others = [test_of(one, path) for one in wanted if not isinstance(one, str)]

    def is_wanted(leaf: Any) -> bool:
        return (isinstance(leaf, str) and leaf in texts) or passes_any(others, leaf)

    def matches(value: Any) -> bool:
        leaf = value.get(name, ABSENT) if isinstance(value, dict) else ABSENT
        if isinstance(leaf, str):
            return leaf in texts or passes_any(others, leaf)
        if isinstance(leaf, list | dict):
            return any(map(is_wanted, _leaves(leaf)))
        return passes_any(others, leaf)

    return matches


def _leaves(value: list[Any] | Document) -> Sequence[Any]:
    leaves = [one for one in _flat(value) if not isinstance(one, dict)]
    return leaves if leaves and isinstance(value, list) else [ABSENT]


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for one in values:
        if isinstance(one, list):
            yield from _flat(one)
        else:
            yield one
