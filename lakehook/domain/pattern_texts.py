"""What a text may be: how it begins, how it ends, what it holds."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from lakehook.domain.errors import BadSubscription

Test = Callable[[Any], bool]
"""Whether a leaf, or its absence, is what is wanted."""

_PIECES = re.compile(r"\\[*\\]|.", re.DOTALL)


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
        raise BadSubscription(f"pattern: {path}: a backslash in a wildcard stands before * or \\")
    parts = [""]
    for piece in pieces:
        if piece == "*":
            parts.append("")
        else:
            parts[-1] += piece[-1]
    if "" in parts[1:-1]:
        raise BadSubscription(f"pattern: {path}: two * in a row in a wildcard")
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
        raise BadSubscription(f"pattern: {path}: {name} wants a text that is not empty")
    return operand
