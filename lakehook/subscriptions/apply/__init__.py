"""Apply and export: make the subscriptions what a file declares, or write such a file.

=========  ==================================================================
fields.py  the fields of an entry, their types, and their subscription fields
parser.py  a file, with the line of each value, and all errors in it
=========  ==================================================================
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from lakehook.domain.channels import channel_for
from lakehook.domain.channels.base import SignatureScheme
from lakehook.domain.errors import InvalidSubscription, PendingDeliveries
from lakehook.domain.signing import SigningKey
from lakehook.domain.subscription import WEBHOOK, Subscription
from lakehook.subscriptions.apply.fields import (
    FIELDS,
    PAUSED,
    SIGNING,
    DesiredSubscription,
    SecretResolver,
)
from lakehook.subscriptions.apply.parser import ROOT, InvalidFile, ParseEntries, SourceFile
from lakehook.subscriptions.lifecycle import (
    FindSubscription,
    PauseSubscription,
    ResumeSubscription,
    SubscriptionBacklog,
    Unsubscribe,
)
from lakehook.subscriptions.subscribe import Subscribe, UpdateSubscription

ENCRYPTED, ENCRYPTED_AGAIN = "sealed", "sealed anew"

__all__ = [
    "Action",
    "Apply",
    "Change",
    "InvalidFile",
    "Plan",
    "SecretResolver",
    "SourceFile",
    "Step",
    "StepResult",
]


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
    steps = [_step(entry, reseal=reseal) for entry in entries]
    named = {entry.name for entry in entries}
    unlisted = [subscription for subscription in in_force if subscription.name not in named]
    removals = [
        Step(action=Action.REMOVE, name=other.name, existing=other) for other in unlisted if prune
    ]
    return Plan(
        steps=(*(step for step in steps if step), *removals),
        unchanged=tuple(
            entry.name for entry, step in zip(entries, steps, strict=True) if step is None
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


class SubscriptionOperations(Protocol):
    """Operations on single subscriptions that apply uses; ``OperatorService`` has them all."""

    @property
    def find_subscription(self) -> FindSubscription: ...
    @property
    def subscribe(self) -> Subscribe: ...
    @property
    def update(self) -> UpdateSubscription: ...
    @property
    def pause(self) -> PauseSubscription: ...
    @property
    def resume(self) -> ResumeSubscription: ...
    @property
    def unsubscribe(self) -> Unsubscribe: ...
    def remove(
        self, subscription: Subscription, *, discard_waiting: bool
    ) -> tuple[Subscription, SubscriptionBacklog]: ...


@dataclass(frozen=True)
class StepResult:
    step: Step
    subscription: Subscription  # after the step
    secret: SigningKey | None = None  # of a new one, shown once


@dataclass(frozen=True)
class Apply:
    operations: SubscriptionOperations

    def plan(
        self,
        source: SourceFile,
        reveal: SecretResolver,
        *,
        reseal: bool = False,
        prune: bool = False,
        discard_waiting: bool = False,
    ) -> Plan:
        """Plan the steps, and check as far as possible that all of them are allowed."""
        in_force = self.operations.find_subscription.all()
        entries = ParseEntries(self.operations.subscribe, reveal)(source, in_force)
        plan = build_plan(entries, in_force, reseal=reseal, prune=prune)
        if not discard_waiting:
            self._reject_waiting(plan)
        return plan

    def __call__(self, plan: Plan, *, discard_waiting: bool = False) -> Iterator[StepResult]:
        """Execute the steps, yielding each one when it is done.

        Raises ``Conflict`` if another change came first. Completed steps remain, and a new plan
        contains the rest.
        """
        for step in plan.steps:
            match step.action:
                case Action.CREATE:
                    yield self._create(step, _entry(step))
                case Action.CHANGE:
                    yield StepResult(step, self._change(step, _entry(step)))
                case Action.REMOVE:
                    tombstone, _ = self.operations.remove(
                        _existing(step), discard_waiting=discard_waiting
                    )
                    yield StepResult(step, tombstone)

    def _reject_waiting(self, plan: Plan) -> None:
        removals = [_existing(step) for step in plan.steps_with(Action.REMOVE)]
        backlogs = (
            (subscription, self.operations.unsubscribe.backlog(subscription))
            for subscription in removals
        )
        still = [
            f"{subscription.name} still has {backlog}"
            for subscription, backlog in backlogs
            if backlog
        ]
        if still:
            raise PendingDeliveries("; ".join(still))

    def _create(self, step: Step, entry: DesiredSubscription) -> StepResult:
        created, secret = self.operations.subscribe(
            entry.new_fields, entry.secret_request, paused=entry.paused is True
        )
        return StepResult(
            step, created, None if entry.secret_request.provided is not None else secret
        )

    def _change(self, step: Step, entry: DesiredSubscription) -> Subscription:
        """Pause first and resume last, so that nothing is sent with half of the change."""
        subscription = _existing(step)
        fields = [change.field for change in step.changes]
        if PAUSED in fields and entry.paused:
            subscription = self.operations.pause(subscription)
        if changed := [field for field in fields if field != PAUSED]:
            subscription = self.operations.update(subscription, entry.fields(changed))
        if PAUSED in fields and not entry.paused:
            subscription, _ = self.operations.resume(subscription)
        return subscription


def _entry(step: Step) -> DesiredSubscription:
    assert step.entry is not None, "what is created or changed is in the file"
    return step.entry


def _existing(step: Step) -> Subscription:
    assert step.existing is not None, "what is changed or removed is there"
    return step.existing


CONCEALABLE = ("url", "headers")

_NO_NAME = re.compile(r"[^A-Z0-9]+")


@dataclass
class Export:
    """Export. Encrypted values can't be read; each is replaced by an environment variable."""

    variables: dict[str, str] = field(default_factory=dict)  # name and meaning

    def __call__(self, subscriptions: Sequence[Subscription]) -> dict[str, Any]:
        """Return one document of values that differ from defaults, and fill in ``variables``."""
        _reject_duplicate_names(subscriptions)
        return {ROOT: [_without_empty(self._entry(subscription)) for subscription in subscriptions]}

    def _entry(self, subscription: Subscription) -> Iterator[tuple[str, Any]]:
        usual = Subscription(
            id="", name="", endpoint=subscription.endpoint, channel=subscription.channel
        )
        for key in FIELDS:
            now = key.current(subscription)
            default = WEBHOOK if key.name == "channel" else key.current(usual)
            if key.name in CONCEALABLE or now != default:
                yield key.name, self._written(key.name, now, subscription)
        yield PAUSED, True if subscription.paused_at else None
        has_choice = channel_for(subscription).signature_scheme is SignatureScheme.STANDARD_WEBHOOKS
        yield SIGNING, str(subscription.signing) if has_choice and subscription.public_key else None

    def _written(self, key: str, now: Any, subscription: Subscription) -> Any:
        if key == "headers":
            return {name: self._variable("HEADER", subscription, name) for name in now} or None
        if key == "url" and _is_credential(subscription):
            return self._variable("URL", subscription)
        return now

    def _variable(self, kind: str, subscription: Subscription, header: str = "") -> dict[str, str]:
        parts = (_NO_NAME.sub("_", part.upper()).strip("_") for part in (subscription.name, header))
        base = "_".join(("LAKEHOOK", kind, *filter(None, parts)))
        tries = (base, *(f"{base}_{number}" for number in range(2, len(self.variables) + 3)))
        name = next(name for name in tries if name not in self.variables)
        self.variables[name] = (
            f"header {header} of {subscription.name}" if header else f"URL of {subscription.name}"
        )
        return {"env": name}


def _without_empty(pairs: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in pairs if value is not None}


def _reject_duplicate_names(subscriptions: Sequence[Subscription]) -> None:
    ids: dict[str, list[str]] = {}
    for subscription in subscriptions:
        ids.setdefault(subscription.name, []).append(subscription.id)
    for name, bearers in ids.items():
        if len(bearers) > 1:
            raise InvalidSubscription(
                f"name: {len(bearers)} subscriptions bear {name!a}: {', '.join(bearers)};"
                " rename all but one"
            )


def _is_credential(subscription: Subscription) -> bool:
    return (
        subscription.encrypted_url is not None
        or subscription.endpoint.url != subscription.endpoint.display_url
    )
