"""Plan: the steps that make the subscriptions what a file declares."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lakehook.domain.subscription import Subscription
from lakehook.subscriptions.apply.fields import FIELDS, PAUSED, DesiredSubscription

ENCRYPTED, ENCRYPTED_AGAIN = "sealed", "sealed anew"


class Action(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True)
class Change:
    field: str
    old: Any
    new: Any


@dataclass(frozen=True, kw_only=True)
class Step:
    action: Action
    name: str
    existing: Subscription | None = None  # as read, so that concurrent changes conflict
    entry: DesiredSubscription | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    steps: tuple[Step, ...]
    unchanged: tuple[str, ...]
    not_in_file: tuple[str, ...]  # and left unchanged

    def steps_with(self, action: Action) -> list[Step]:
        return [step for step in self.steps if step.action is action]


def build_plan(
    entries: Sequence[DesiredSubscription],
    in_force: Sequence[Subscription],
    *,
    reseal: bool,
    prune: bool,
) -> Plan:
    asked = [_step(entry, reseal=reseal) for entry in entries]
    named = {entry.name for entry in entries}
    unlisted = [subscription for subscription in in_force if subscription.name not in named]
    going = [
        Step(action=Action.REMOVE, name=other.name, existing=other) for other in unlisted if prune
    ]
    return Plan(
        steps=(*(step for step in asked if step), *going),
        unchanged=tuple(
            entry.name for entry, step in zip(entries, asked, strict=True) if step is None
        ),
        not_in_file=() if prune else tuple(other.name for other in unlisted),
    )


def _step(entry: DesiredSubscription, *, reseal: bool) -> Step | None:
    if entry.existing is None:
        return Step(action=Action.CREATE, name=entry.name, entry=entry)
    changes = tuple(_changes(entry, entry.existing, reseal=reseal))
    if not changes:
        return None
    return Step(
        action=Action.CHANGE,
        name=entry.name,
        existing=entry.existing,
        entry=entry,
        changes=changes,
    )


def _changes(
    entry: DesiredSubscription, existing: Subscription, *, reseal: bool
) -> Iterator[Change]:
    """Yield the changes by field; encrypted values are compared as they are displayed."""
    sealed = _encrypted_differently(entry, existing, reseal=reseal)
    for key in FIELDS:
        old, new = key.current(existing), key.current(entry.desired)
        if _canonical(old) != _canonical(new):
            yield Change(key.name, old, new)
        elif key.name in sealed:
            yield Change(key.name, ENCRYPTED, ENCRYPTED_AGAIN)
    paused = existing.paused_at is not None
    if entry.paused not in (None, paused):
        yield Change(PAUSED, paused, entry.paused)


def _encrypted_differently(
    entry: DesiredSubscription, existing: Subscription, *, reseal: bool
) -> set[str]:
    """Return encrypted values that look the same but must be encrypted again."""
    another = (
        existing.rate_limit_key and existing.rate_limit_key != entry.desired.rate_limit_key
    )  # compared by its hash
    url = {"url"} if another or (reseal and entry.is_credential) else set()
    moves = existing.endpoint.recipient != entry.desired.endpoint.recipient
    # Another receiver needs its headers again.
    headers = {"headers"} if (reseal or moves or url) and entry.desired.header_names else set()
    return url | headers


def _canonical(value: Any) -> str:
    """Serialize a pattern: Python takes 1, 1.0 and true for equal, a pattern does not.

    Decimals, which keep the digits of a 1.50, are compared as numbers.
    """
    return json.dumps(value, sort_keys=True, default=float)
