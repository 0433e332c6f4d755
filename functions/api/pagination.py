"""Pagination by cursor: a page stays in place when items are added or removed before it."""

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any

from lakehook.domain.errors import InvalidInput

SortKey = Callable[[Any], tuple[Any, ...]]
"""The place of a thing in its list: no two have the same."""


def paginate(
    things: Iterable[Any], *, key: SortKey, limit: int, cursor: str | None
) -> tuple[list[Any], str | None]:
    """So many of the things, and the cursor of what follows; none at the end."""
    ordered = sorted(things, key=key)
    if cursor is not None:
        ordered = _after_cursor(cursor, ordered, key)
    following = _encode_cursor(key(ordered[limit - 1])) if len(ordered) > limit else None
    return ordered[:limit], following


def _after_cursor(cursor: str, ordered: list[Any], key: SortKey) -> list[Any]:
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor))
        # JSON has made the tuple a list, which compares with lists alone.
        return [item for item in ordered if list(key(item)) > place]
    except (TypeError, ValueError, RecursionError):
        raise InvalidInput(f"cursor: {cursor[:40]!a} is not a cursor of an earlier page") from None


def _encode_cursor(place: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
