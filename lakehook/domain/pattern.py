"""A pattern over an event's fields, in the syntax of EventBridge.

A pattern is an object as the event is; each leaf is a list of what its field may be, literally
or by an operator. Fields within one object must all match, of ``$or`` one alternative; a field
that is a list matches if one of its elements does.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from lakehook.domain.document import Document, read_document
from lakehook.domain.errors import BadSubscription
from lakehook.domain.pattern_operators import ABSENT, Test, test_of

MAX_PATTERN_BYTES = 4096
MOST_LEVELS = 16

Predicate = Callable[[Any], bool]
"""Whether an object, or its absence, matches."""


def checked_pattern(text: str) -> str:
    """The pattern, if it is one; ``BadSubscription`` names the field and what is wrong with it."""
    compiled(text)
    return text


@lru_cache(maxsize=4096)
def compiled(text: str) -> Predicate:
    """Made once of each pattern: fan-out asks for every subscription at every event."""
    if len(text.encode()) > MAX_PATTERN_BYTES:
        raise BadSubscription(f"pattern: more than {MAX_PATTERN_BYTES} bytes")
    try:
        pattern = read_document(text, levels=MOST_LEVELS)
    except ValueError as error:
        raise BadSubscription(f"pattern: {error}") from None
    return _object(pattern, "")


def _object(pattern: Document, path: str) -> Predicate:
    if not pattern:
        raise BadSubscription(f"pattern: {path or 'it'} is empty, and so would match nothing")
    alternatives = pattern.get("$or")
    fields = {name: one for name, one in pattern.items() if name != "$or"}
    parts = [_field(name, one, f"{path}.{name}".lstrip(".")) for name, one in fields.items()]
    if alternatives is not None:
        parts.append(_either(alternatives, path))
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
        return lambda value: inner(_get(value, name))
    if not isinstance(pattern, list) or not pattern:
        raise BadSubscription(f"pattern: {path} is neither an object nor a list of what it may be")
    tests = [test_of(one, path) for one in pattern]
    return lambda value: _is_any(tests, _get(value, name))


def _get(value: Any, name: str) -> Any:
    return value.get(name, ABSENT) if isinstance(value, dict) else ABSENT


def _is_any(tests: Sequence[Test], value: Any) -> bool:
    if isinstance(value, dict):
        return False  # operators are for leaves
    if isinstance(value, list) and value:
        return any(_passes(tests, one) for one in value)
    return _passes(tests, value)


def _passes(tests: Sequence[Test], leaf: Any) -> bool:
    for test in tests:  # noqa: SIM110
        if test(leaf):
            return True
    return False
