"""A pattern over an event's fields, in the syntax of EventBridge.

A pattern is an object as the event is; each leaf is a list of what its field may be, literally
or by an operator. Fields within one object must all match, of ``$or`` one alternative; a field
that is a list matches if one of its elements does.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from collections.abc import Callable, Sequence
from typing import Any

from lakehook.domain.document import Document, read_document
from lakehook.domain.errors import BadSubscription
from lakehook.domain.pattern_operators import ABSENT, passes_any, test_of
from lakehook.domain.pattern_texts import Test

MAX_PATTERN_BYTES = 4096
MOST_LEVELS = 16

Predicate = Callable[[Any], bool]
"""Whether an object, or its absence, matches."""


def checked_pattern(text: str) -> str:
    """The pattern, if it is one; ``BadSubscription`` names the field and what is wrong with it."""
    compiled(text)
    return text


def compiled(text: str) -> Predicate:
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
    test = _any_of(pattern, path)

    def matches(value: Any) -> bool:
        leaf = _get(value, name)
        return any(map(test, leaf)) if isinstance(leaf, list) and leaf else test(leaf)

    return matches


def _get(value: Any, name: str) -> Any:
    return value.get(name, ABSENT) if isinstance(value, dict) else ABSENT


def _any_of(wanted: Sequence[Any], path: str) -> Test:
    """Its texts are one look into a set; operators are for leaves, not for objects."""
    texts = frozenset(one for one in wanted if isinstance(one, str))
    others = [test_of(one, path) for one in wanted if not isinstance(one, str)]

    def test(leaf: Any) -> bool:
        if isinstance(leaf, str):
            return leaf in texts or passes_any(others, leaf)
        return not isinstance(leaf, dict) and passes_any(others, leaf)

    return test
