"""Apply and export: make the subscriptions what a file declares, or write such a file.

==============  ==================================================================
source_file.py  a file with the line of each value, and the errors in it
fields.py       the fields of an entry, their types, and their subscription fields
parser.py       one entry and all entries, with all of their errors
plan.py         the steps of an apply, without I/O
export.py       the inverse
==============  ==================================================================
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from lakehook.dead_letters import DeadLetterSelector, Discard, FindDeadLetters
from lakehook.domain.errors import PendingDeliveries
from lakehook.domain.signing import SigningKey
from lakehook.domain.subscription import Subscription
from lakehook.subscriptions.apply.fields import PAUSED, DesiredSubscription
from lakehook.subscriptions.apply.parser import ParseEntries
from lakehook.subscriptions.apply.plan import Action, Change, Plan, Step, build_plan
from lakehook.subscriptions.apply.source_file import InvalidFile, SecretResolver, SourceFile
from lakehook.subscriptions.lifecycle import (
    FindSubscription,
    PauseSubscription,
    ResumeSubscription,
    Unsubscribe,
)
from lakehook.subscriptions.subscribe import Subscribe, UpdateSubscription

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
    @property
    def find_dead_letters(self) -> FindDeadLetters: ...
    @property
    def discard(self) -> Discard: ...


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
            self._refuse_waiting(plan)
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
                    yield StepResult(
                        step, self._remove(_existing(step), discard_waiting=discard_waiting)
                    )

    def _refuse_waiting(self, plan: Plan) -> None:
        going = [_existing(step) for step in plan.steps_with(Action.REMOVE)]
        backlogs = (
            (subscription, self.operations.unsubscribe.backlog(subscription))
            for subscription in going
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
        if terms := [field for field in fields if field != PAUSED]:
            subscription = self.operations.update(subscription, entry.fields(terms))
        if PAUSED in fields and not entry.paused:
            subscription, _ = self.operations.resume(subscription)
        return subscription

    def _remove(self, subscription: Subscription, *, discard_waiting: bool) -> Subscription:
        tombstone, backlog = self.operations.unsubscribe(
            subscription, discard_waiting=discard_waiting
        )
        if backlog.dead:
            self.operations.discard(
                self.operations.find_dead_letters(DeadLetterSelector(subscription_id=tombstone.id))
            )
        return tombstone


def _entry(step: Step) -> DesiredSubscription:
    assert step.entry is not None, "what is created or changed is in the file"
    return step.entry


def _existing(step: Step) -> Subscription:
    assert step.existing is not None, "what is changed or removed is there"
    return step.existing
