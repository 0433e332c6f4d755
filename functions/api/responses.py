"""Responses of the API: pages with a cursor, and errors in the form of ``--output json``."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import BaseModel, Field

from lakehook.domain.errors import InvalidInput
from lakehook.operations.views import described
from lakehook.operations.views.deliveries import DeadLetterView, DeliveryView, LaneView
from lakehook.operations.views.pipelines import ParkedEventView, PipelineView
from lakehook.operations.views.replays import ReplayView
from lakehook.operations.views.subscriptions import MatchView, SubscriptionView

SortKey = Callable[[Any], tuple[Any, ...]]
"""The place of a thing in its list: no two have the same."""


def paginate(
    things: Iterable[Any], *, key: SortKey, limit: int, cursor: str | None
) -> tuple[list[Any], str | None]:
    """Return a page, and the cursor of the next one; None at the end.

    A page stays in place when items are added or removed before it.
    """
    return paginate_sorted(sorted(things, key=key), key=key, limit=limit, cursor=cursor)


def paginate_sorted(
    ordered: Iterable[Any], *, key: SortKey, limit: int, cursor: str | None
) -> tuple[list[Any], str | None]:
    """Return a page of sorted items, reading none beyond it."""
    if cursor is not None:
        ordered = _after_cursor(_parse_cursor(cursor), ordered, key)
    try:
        items = list(islice(ordered, limit + 1))
    except TypeError:
        raise _invalid(cursor) from None
    following = _encode_cursor(key(items[limit - 1])) if len(items) > limit else None
    return items[:limit], following


def _after_cursor(place: list[Any], ordered: Iterable[Any], key: SortKey) -> Iterator[Any]:
    # JSON has converted the tuple to a list, which compares only with lists.
    return (item for item in ordered if list(key(item)) > place)


def _parse_cursor(cursor: str) -> list[Any]:
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor))
    except (ValueError, RecursionError):
        raise _invalid(cursor) from None
    if not isinstance(place, list):
        raise _invalid(cursor)
    return place


def _invalid(cursor: str | None) -> InvalidInput:
    return InvalidInput(f"cursor: {(cursor or '')[:40]!a} is not a cursor of an earlier page")


def _encode_cursor(place: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


@dataclass(frozen=True, kw_only=True)
class Page:
    next: str | None = described("The `cursor` of the next page; null at the end.")


@dataclass(frozen=True, kw_only=True)
class Subscriptions(Page):
    subscriptions: list[SubscriptionView]


@dataclass(frozen=True, kw_only=True)
class MatchResults:
    matches: list[MatchView]


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    deliveries: list[DeliveryView]


@dataclass(frozen=True, kw_only=True)
class DeadLetters(Page):
    dead_letters: list[DeadLetterView]


@dataclass(frozen=True, kw_only=True)
class Lanes(Page):
    lanes: list[LaneView]


@dataclass(frozen=True, kw_only=True)
class Pipelines(Page):
    pipelines: list[PipelineView]


@dataclass(frozen=True, kw_only=True)
class ParkedEvents:
    parked: list[ParkedEventView]


@dataclass(frozen=True, kw_only=True)
class Deleted:
    deleted: int


@dataclass(frozen=True, kw_only=True)
class ReplayList(Page):
    replays: list[ReplayView]


class Error(BaseModel):
    """Reason why nothing was done."""

    error: str = Field(description="Name for programs.", examples=["invalid_subscription"])
    message: str = Field(
        description="One line for people: the field, the value, what is allowed.",
        examples=["ordering: 'loose' is not one of strict, skip"],
    )
