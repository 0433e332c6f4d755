"""Notification of operators: measures the backlog, and reports each new condition once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lakehook.domain.health_history import (
    HealthChange,
    OperatorNotice,
    SubscriptionCondition,
    notices_between,
)
from lakehook.domain.status import HealthState, health_state
from lakehook.domain.text import single_line
from lakehook.domain.time import parse_rfc3339
from lakehook.operations.views.status import (
    SubscriberStatusView,
    client_certificate_expiry,
    is_down_for_long,
)
from lakehook.ports.queues import OperatorNotifier
from lakehook.ports.stores import Backlog, ConditionStore, HealthHistory
from lakehook.ports.system import Clock
from lakehook.ports.telemetry import Telemetry
from lakehook.queries import ShowStatus, StatusReport, SubscriberStatus

MAX_NOTICES = 20
"""Maximum in one message: the others are counted, and `lakehook status` shows them."""

MAX_ANSWER_CHARACTERS = 200

_ORDER = tuple(OperatorNotice)
_MANUAL = {
    OperatorNotice.SUBSCRIPTION_DISABLED: "runbook.md#subscriptionsdisabled",
    OperatorNotice.ENDPOINT_DOWN: "runbook.md#breakersopen",
    OperatorNotice.DEAD_LETTERS: "runbook.md#deadletters",
    OperatorNotice.CERTIFICATE_EXPIRES: "deploy.md#private-receivers",
}


@dataclass(frozen=True)
class NotifyOperators:
    """Periodic task of the scheduler; its cost does not grow with the number of deliveries."""

    show_status: ShowStatus
    conditions: ConditionStore
    history: HealthHistory
    topic: OperatorNotifier
    clock: Clock
    telemetry: Telemetry
    stack: str
    interval_seconds: float

    def __call__(self) -> int:
        """Check the status if that is due, and return how many notices were sent.

        A crash between sending and saving sends the same notices again.
        """
        now = self.clock.now()
        looked_at, before = self.conditions.load()
        if 0 <= now - looked_at < self.interval_seconds:  # a clock may be set back
            return 0
        report = self.show_status()
        self.telemetry.backlog_measured(_backlog(report), now=now)
        checked = [_check(status, before, now=now) for status in report.subscribers]
        notices = [
            (notice, check.view)
            for check in checked
            for notice in notices_between(check.before, check.after)
        ]
        self._notify(notices)
        self.conditions.save(
            now, {check.view.subscription_id: check.after for check in checked if check.is_kept}
        )
        if changes := [
            _change(check, looked_at=looked_at, now=now) for check in checked if check.has_changed
        ]:
            self.history.append(changes)  # last: no notice waits for it, and it is appended once
        return len(notices)

    def _notify(self, notices: "list[_Notice]") -> None:
        if notices:
            notices.sort(key=lambda notice: _ORDER.index(notice[0]))
            self.topic.publish(_subject(self.stack, notices), _text(self.stack, notices))
            self.telemetry.operators_notified(len(notices))


_Notice = tuple[OperatorNotice, SubscriberStatusView]


@dataclass(frozen=True, kw_only=True)
class _Check:
    """A subscription, and its condition at the check before and now."""

    view: SubscriberStatusView
    before: SubscriptionCondition
    after: SubscriptionCondition

    @property
    def has_changed(self) -> bool:
        return self.before.health is not self.after.health

    @property
    def is_kept(self) -> bool:
        return not self.after.is_well or self.after.health is not HealthState.OK


def _check(
    status: SubscriberStatus, before: Mapping[str, SubscriptionCondition], *, now: float
) -> _Check:
    return _Check(
        view=SubscriberStatusView.from_status(status, now=now),
        before=before.get(status.subscription.id, SubscriptionCondition()),
        after=_condition(status, now=now),
    )


def _backlog(report: StatusReport) -> Backlog:
    held = [subscriber.held for subscriber in report.subscribers]
    return Backlog(
        lanes_held=sum(summary.lanes for summary in held),
        held_since=min((s.since for s in held if s.lanes and s.since is not None), default=None),
        breakers_open=sum(subscriber.health.is_open for subscriber in report.subscribers),
    )


def _condition(status: SubscriberStatus, *, now: float) -> SubscriptionCondition:
    state = health_state(status.subscription, status.health)
    return SubscriptionCondition(
        is_disabled=state is HealthState.DISABLED,
        is_down=is_down_for_long(status, now=now),
        dead_letters=status.held.dead,
        health=state,
        certificate_expires=client_certificate_expiry(status, now=now) is not None,
    )


def _change(check: _Check, *, looked_at: float, now: float) -> HealthChange:
    """Build the change; its time is known where the record has it, and lies between two checks."""
    view, after = check.view, check.after.health
    since = now
    if view.since and after is not HealthState.OK:
        since = parse_rfc3339(view.since).timestamp()
    return HealthChange(
        at=min(max(since, looked_at), now),
        subscription_id=view.subscription_id,
        before=check.before.health,
        after=after,
    )


def _subject(stack: str, notices: Sequence[_Notice]) -> str:
    """Return at most 100 ASCII characters, SNS's limit, since names may be in Chinese."""
    troubles = sum(notice is not OperatorNotice.RECOVERED for notice, _ in notices)
    if not troubles:
        return f"{stack}: {len(notices)} well again"
    return f"{stack}: {troubles} new, look at lakehook status"


def _text(stack: str, notices: Sequence[_Notice]) -> str:
    blocks = ["\n".join(_lines(*notice)) for notice in notices[:MAX_NOTICES]]
    if len(notices) > MAX_NOTICES:
        blocks.append(f"and {len(notices) - MAX_NOTICES} more")
    return "\n\n".join([*blocks, f"All of it: lakehook status --stack {stack}"])


def _lines(notice: OperatorNotice, subscriber: SubscriberStatusView) -> Iterator[str]:
    yield f"{notice}: {subscriber.name} ({subscriber.subscription_id})"
    if notice is OperatorNotice.RECOVERED:
        yield "  It is well again, and has no dead letters."
        return
    since = f" since {subscriber.since}" if subscriber.since else ""
    reason = f": {subscriber.disabled_reason}" if subscriber.disabled_reason else ""
    yield f"  It is {subscriber.health}{since}{reason}."
    if subscriber.last_answer:
        yield f"  Last answer: {single_line(subscriber.last_answer, MAX_ANSWER_CHARACTERS)}"
    if subscriber.client_certificate_expires_at:
        yield f"  Its client certificate expires at {subscriber.client_certificate_expires_at}."
    more = " or more" if subscriber.has_more else ""
    yield (
        f"  Pipelines that wait: {subscriber.lanes_held}{more}."
        f" Dead letters: {subscriber.dead_letters}{more}."
    )
    yield from (f"  {command}" for command in subscriber.commands)
    yield f"  docs/{_MANUAL[notice]}"
    yield f"  Behind the address of your lakehook console: {subscriber.console_path}"
