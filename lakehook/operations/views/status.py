"""View of the status: each subscription's health, its waiting deliveries, and commands to run."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.channels import channel_for
from lakehook.domain.circuit_breaker import PERMITS
from lakehook.domain.lane import EXPIRES_AFTER_SECONDS, DeliveryStatus, SuspendedReason
from lakehook.domain.status import HealthState, health_state, subscription_state
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import format_rfc3339
from lakehook.operations.views import console_path, described, format_time, subscription_path
from lakehook.operations.views.pipelines import PipelineView
from lakehook.queries import StatusReport, SubscriberStatus

FAILING_TOO_LONG_SECONDS = 900.0  # after this, a person must look at it
_PLAIN = re.compile(r"[\w.,:/@%+=][\w.,:/@%+=#-]*", re.ASCII)
_UNAUTHORIZED = (401, 403)
_NEW_CERTIFICATE = "set-client-certificate {name} --certificate FILE --key FILE"
_TRANSIENT = (408, 425, 429)
_LASTING = (Outcome.TLS_FAILED, Outcome.ADDRESS_NOT_ALLOWED)
_WORST_FIRST = (
    HealthState.DOWN,
    HealthState.DISABLED,
    HealthState.FAILING,
    HealthState.SLOW,
    HealthState.PENDING,
    HealthState.PAUSED,
    HealthState.OK,
)


@dataclass(frozen=True, kw_only=True)
class SubscriberStatusView:
    subscription_id: str
    name: str
    channel: str
    url: str = described("Without parts that may be credentials.")
    state: str = described("active, paused, disabled or pending.")
    health: str = described("ok, failing, slow, down, paused, disabled or pending.")
    created_at: str
    since: str | None = described("Since when; if it is ok, since when a lane is held.")
    disabled_reason: str | None
    last_answer: str | None = described("The last attempt that failed or was slow.")
    last_answer_at: str | None
    last_success_at: str | None = described("null: not recorded for a healthy endpoint.")
    average_ms: int | None = described("Of recent attempts; null: under two seconds.")
    deadline_seconds: float
    lanes_held: int = described("Pipelines with waiting deliveries.")
    dead_letters: int
    has_more: bool = described("Both cover only the index's first page: there are more.")
    seconds_left: int | None = described(
        "Time to drain a slow endpoint's waiting deliveries, at its present speed."
    )
    client_certificate_expires_at: str | None = described(
        "Of a client certificate; null: not within 30 days."
    )
    next: str | None = described("What happens next.")
    next_at: str | None
    commands: Sequence[str] = described("Commands to run.")
    needs_person: bool
    console_path: str = console_path()

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to tell of it."""
        waits = self.lanes_held or self.dead_letters
        return self.health == HealthState.OK and not (waits or self.needs_person)

    @classmethod
    def from_status(cls, status: SubscriberStatus, *, now: float) -> Self:
        subscription, health, held = status.subscription, status.health, status.held
        state, last = health_state(subscription, health), _last_attempt(status)
        is_slow = state is HealthState.SLOW
        step, step_at = _next_step(status, state)
        return cls(
            subscription_id=subscription.id,
            name=subscription.name,
            channel=subscription.channel,
            url=subscription.endpoint.display_url,
            state=str(subscription_state(subscription)),
            health=str(state),
            created_at=subscription.created_at,
            since=_since(status, state),
            disabled_reason=subscription.disabled_reason,
            last_answer=_answer(last) if last else None,
            last_answer_at=format_rfc3339(last.at) if last else None,
            last_success_at=format_time(health.last_success_at),
            average_ms=round(health.average_ms) if is_slow else None,
            deadline_seconds=subscription.deadline_seconds,
            lanes_held=held.lanes,
            dead_letters=held.dead,
            has_more=held.is_truncated,
            seconds_left=round(held.lanes * health.average_ms / 1000 / PERMITS)
            if is_slow
            else None,
            client_certificate_expires_at=client_certificate_expiry(status, now=now),
            next=step,
            next_at=step_at,
            commands=_commands(status, state, last, now=now),
            needs_person=_needs_person(status, state, now=now),
            console_path=subscription_path(subscription.id),
        )


@dataclass(frozen=True, kw_only=True)
class StatusView:
    at: str
    needs_person: bool
    lanes_held: int = described("Pipelines with waiting deliveries, over all subscriptions.")
    dead_letters: int
    parked: int | None = described(
        "Events that were no events; null: this caller may not see them."
    )
    stalled: int
    has_more: bool = described("The held lanes were not counted completely.")
    oldest_held_since: str | None
    subscribers: Sequence[SubscriberStatusView] = described("The worst first.")
    stalled_pipelines: list[PipelineView]

    @classmethod
    def from_report(cls, report: StatusReport) -> Self:
        subscribers = sorted(
            (
                SubscriberStatusView.from_status(subscriber, now=report.at)
                for subscriber in report.subscribers
            ),
            key=_urgency,
        )
        held = [subscriber.held for subscriber in report.subscribers]
        return cls(
            at=format_rfc3339(report.at),
            needs_person=bool(report.stalled or report.parked)
            or any(subscriber.needs_person for subscriber in subscribers),
            lanes_held=sum(summary.lanes for summary in held),
            dead_letters=sum(summary.dead for summary in held),
            parked=report.parked,
            stalled=len(report.stalled),
            has_more=any(summary.is_truncated for summary in held),
            oldest_held_since=format_time(
                min((summary.since for summary in held if summary.since is not None), default=None)
            ),
            subscribers=subscribers,
            stalled_pipelines=[
                PipelineView.from_unfinished(pipeline) for pipeline in report.stalled
            ],
        )


def quoted(text: str) -> str:
    """Quote a word for a shell, if needed."""
    return text if _PLAIN.fullmatch(text) else shlex.quote(text)


def _urgency(view: SubscriberStatusView) -> tuple[bool, int, bool, int, str]:
    order = _WORST_FIRST.index(HealthState(view.health))
    return (not view.needs_person, order, not view.lanes_held, -view.lanes_held, view.name)


def _answer(last: Attempt) -> str:
    """Return the status and the excerpt, which may begin with the status itself."""
    return f"{last.last_status} {last.excerpt.removeprefix(f'{last.status}, ')}".strip()


def _last_attempt(status: SubscriberStatus) -> Attempt | None:
    """Return the attempt that explains the state: no success hides that of a dead letter."""
    head, last = status.held.head, status.health.last_attempt
    attempts = head.attempts_log if head else ()
    is_hidden = last is None or (status.held.dead and last.outcome.is_success)
    return attempts[-1] if attempts and is_hidden else last


def _since(status: SubscriberStatus, state: HealthState) -> str | None:
    subscription, health = status.subscription, status.health
    match state:
        case HealthState.PAUSED:
            return subscription.paused_at
        case HealthState.DISABLED:
            return subscription.disabled_at
        case HealthState.PENDING:
            return subscription.pending_since
        case HealthState.SLOW:
            return format_time(health.slow_since)
        case HealthState.OK:
            return format_time(status.held.since)
    return format_time(health.failing_since)


def _next_step(status: SubscriberStatus, state: HealthState) -> tuple[str | None, str | None]:
    """Return what happens next without action, and when."""
    match state:
        case HealthState.PAUSED | HealthState.DISABLED:
            return _kept_until(status)
        case HealthState.PENDING:
            return "no event goes to it before its endpoint has echoed a challenge", None
        case HealthState.DOWN:
            return "the endpoint is probed", format_time(status.health.due_at)
        case HealthState.SLOW:
            return f"{PERMITS} pipelines go at a time", None
    return _head_step(status)


def _kept_until(status: SubscriberStatus) -> tuple[str | None, str | None]:
    since = status.held.since
    if since is None:
        return "new deliveries wait, in order", None
    return "what waits becomes a dead letter, expired,", format_time(since + EXPIRES_AFTER_SECONDS)


def _head_step(status: SubscriberStatus) -> tuple[str | None, str | None]:
    lane, head = status.held.lane, status.held.head
    if head is not None and head.status is DeliveryStatus.DEAD:
        behind = "; its pipeline waits behind it" if lane and lane.head_is_dead else ""
        return f"{_delivery_name(status)} is a dead letter{behind}", None
    if lane is None:
        return None, None
    if lane.suspended_reason is SuspendedReason.RATE_LIMIT:
        return "it is over its rate, and goes on by itself", None
    if lane.due_at is None:
        return f"{_delivery_name(status)} is resumed after others", None
    again = " again" if lane.attempts else ""
    return f"{_delivery_name(status)} is due{again}", format_rfc3339(lane.due_at)


def _delivery_name(status: SubscriberStatus) -> str:
    """Return ``name#pipeline#sequence``, which every command accepts."""
    head = status.held.head
    assert head, "what is named is held"
    return f"{status.subscription.name}#{head.lane.pipeline_key}#{head.sequence}"


def client_certificate_expiry(status: SubscriberStatus, *, now: float) -> str | None:
    """Return when the client certificate expires, if that is soon."""
    certificate = status.subscription.client_certificate
    if certificate is None or not certificate.expires_soon(now):
        return None
    return format_rfc3339(certificate.facts.expires_at)


def _commands(
    status: SubscriberStatus, state: HealthState, last: Attempt | None, *, now: float
) -> list[str]:
    name = quoted(status.subscription.name)
    verbs: dict[HealthState, list[str | None]] = {
        HealthState.PAUSED: ["resume {name}"],
        HealthState.DISABLED: ["enable {name}", "remove {name}"],
        HealthState.PENDING: ["test {name}"],
        HealthState.DOWN: [_remedy(last, status.subscription), "pause {name}"],
        HealthState.FAILING: [_remedy(last, status.subscription)],
    }
    lines = [f"lakehook subscriptions {verb}" for verb in verbs.get(state, ()) if verb]
    if client_certificate_expiry(status, now=now):
        lines.append(f"lakehook subscriptions {_NEW_CERTIFICATE}")
    return [line.format(name=name) for line in lines] + _letter_commands(status, name)


def _remedy(last: Attempt | None, subscription: Subscription) -> str | None:
    """Return the remedy of a response that waiting does not change."""
    status = last.status if last else None
    is_signed = not channel_for(subscription).signature_scheme.is_url_credential
    if status in _UNAUTHORIZED and (is_signed or subscription.secrets):
        return "rotate-secret {name}"
    if status in _UNAUTHORIZED or (status is not None and 300 <= status < 400):  # noqa: PLR2004  redirects
        return "update {name} --url URL"
    return None


def _letter_commands(status: SubscriberStatus, name: str) -> list[str]:
    held = status.held
    if not held.dead:
        return []
    if held.dead == 1 and held.head and held.head.status is DeliveryStatus.DEAD:
        delivery = quoted(_delivery_name(status))
        look = f"lakehook dead-letters show {delivery}"
        if held.head.reason == Outcome.TEMPLATE_FAILED:
            look = f"lakehook subscriptions preview {name} --dead-letter {delivery}"
        return [look, f"lakehook dead-letters redrive {delivery}"]
    return [
        f"lakehook dead-letters list --subscription {name}",
        f"lakehook dead-letters redrive --subscription {name} --yes",
    ]


def _needs_person(status: SubscriberStatus, state: HealthState, *, now: float) -> bool:
    if status.held.dead or state in (HealthState.DISABLED, HealthState.PENDING):
        return True
    if client_certificate_expiry(status, now=now):
        return True
    return is_down_for_long(status, now=now)


def is_down_for_long(status: SubscriberStatus, *, now: float) -> bool:
    """Whether the endpoint fails in a way, or for a time, that needs attention."""
    state = health_state(status.subscription, status.health)
    since, last = status.health.failing_since, _last_attempt(status)
    if state not in (HealthState.DOWN, HealthState.FAILING) or since is None:
        return False
    is_lasting = state is HealthState.DOWN and last is not None and not _is_transient(last)
    return is_lasting or now - since >= FAILING_TOO_LONG_SECONDS


def _is_transient(last: Attempt) -> bool:
    """Whether such a response may change without action."""
    if last.status is None:
        return last.outcome not in _LASTING
    return last.status in _TRANSIENT or not 300 <= last.status < 500  # noqa: PLR2004
