"""Status of subscriptions, lanes and deliveries for operators, and the next action of each."""

from dataclasses import dataclass
from enum import StrEnum

from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane, SuspendedReason
from lakehook.domain.subscription import Ordering, Subscription
from lakehook.domain.time import format_rfc3339

# An open breaker shows itself as the lane's state, since it knows the next probe.
_SUSPENDED: dict[SuspendedReason | None, str] = {
    SuspendedReason.CONCURRENCY_LIMIT: "endpoint slow",
    SuspendedReason.RATE_LIMIT: "over its rate",
}
_RESUMED: dict[SuspendedReason | None, str] = {
    SuspendedReason.CIRCUIT_OPEN: "lanes that wait longer have been resumed",
    SuspendedReason.BLOCKED: "lanes that wait longer have been resumed",
    SuspendedReason.CONCURRENCY_LIMIT: "its endpoint has fewer requests in progress",
    SuspendedReason.RATE_LIMIT: "its rate allows it",
}
_ENDS = {
    DeliveryStatus.DELIVERED: "delivered",
    DeliveryStatus.ABORTED: "nothing: the receiver asked for no more attempts",
    DeliveryStatus.DISCARDED: "nothing: {reason}",
    DeliveryStatus.DEAD: (
        "nothing until it is redriven or discarded: it is a dead letter ({reason})"
    ),
}


class SubscriptionState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"
    PENDING = "pending"  # not yet verified by a challenge
    REMOVED = "removed"


def subscription_state(subscription: Subscription | None) -> SubscriptionState:
    """Return the subscription's state; one without a record was removed."""
    if subscription is None or subscription.removed_at:
        return SubscriptionState.REMOVED
    if subscription.paused_at:
        return SubscriptionState.PAUSED
    if subscription.disabled_reason:
        return SubscriptionState.DISABLED
    return SubscriptionState.PENDING if subscription.is_pending else SubscriptionState.ACTIVE


class HealthState(StrEnum):
    """Health of a subscription, in one word."""

    OK = "ok"
    FAILING = "failing"  # the last attempts have failed, and others are still made
    SLOW = "slow"  # the average attempt takes over two seconds
    DOWN = "down"  # the circuit breaker is open
    PAUSED = "paused"
    DISABLED = "disabled"
    PENDING = "pending"  # a challenge


def health_state(subscription: Subscription, health: EndpointHealth) -> HealthState:
    """Return the health; an operator's decision precedes the endpoint's behaviour."""
    state = subscription_state(subscription)
    if state is not SubscriptionState.ACTIVE:
        return HealthState(state)
    if health.is_open:
        return HealthState.DOWN
    if health.is_slow:
        return HealthState.SLOW
    return HealthState.FAILING if health.failures else HealthState.OK


@dataclass(frozen=True)
class DeliveryContext:
    """Records around a delivery that decide its status."""

    subscription: Subscription | None
    held: HeldLane | None = None  # None: the lane flows
    head: DeliveryRecord | None = None
    health: EndpointHealth | None = None  # None: the endpoint is healthy

    @property
    def probed_at(self) -> float | None:
        """Time of the next probe while the breaker is open."""
        return self.health.due_at if self.health else None


def lane_state(context: DeliveryContext) -> str:
    """Return what a held lane waits for."""
    state = subscription_state(context.subscription)
    if state is not SubscriptionState.ACTIVE:
        return str(state)
    if context.head and context.head.status is DeliveryStatus.DEAD:
        return "dead letter"
    if context.probed_at is not None:
        return "endpoint down"
    if context.held and (reason := _SUSPENDED.get(context.held.suspended_reason)):
        return reason
    return "retrying" if context.held and context.held.attempts else "waiting"


def lane_due(context: DeliveryContext) -> float | None:
    """Return when a held lane's head is attempted; None if something else must happen first."""
    held, subscription = context.held, context.subscription
    if held is None or subscription is None or held.suspended:
        return context.probed_at
    if subscription.is_blocked and not subscription.removed_at:
        return None
    is_dead = context.head is not None and context.head.status is DeliveryStatus.DEAD
    if is_dead and subscription.ordering is Ordering.STRICT:
        return None
    return context.probed_at or held.due_at


@dataclass(frozen=True)
class NextAction:
    """Next action on a delivery, and its time, if that is known."""

    description: str
    at: float | None = None


def next_action(record: DeliveryRecord, context: DeliveryContext) -> NextAction:
    if record.status is not DeliveryStatus.WAITING:
        return NextAction(_ENDS[record.status].format(reason=record.reason))
    state = subscription_state(context.subscription)
    if state is not SubscriptionState.ACTIVE:
        return NextAction(_blocked(context.subscription, state))
    if context.held is None:
        return NextAction("attempted when its message is received")
    if context.held.head == record.sequence:
        return _head(context, context.held)
    return _behind(context, context.held)


def _blocked(subscription: Subscription | None, state: SubscriptionState) -> str:
    if state is SubscriptionState.REMOVED:
        return "discarded: the subscription is removed"
    reason = subscription.disabled_reason if subscription else None
    return f"blocked: {state}" + (f" ({reason})" if reason else "")


def _head(context: DeliveryContext, held: HeldLane) -> NextAction:
    if context.probed_at is not None:
        probed = format_rfc3339(context.probed_at)
        return NextAction(
            f"blocked: the endpoint is down, and probed at {probed}", context.probed_at
        )
    if condition := _RESUMED.get(held.suspended_reason):
        return NextAction(f"attempted when {condition}")
    verb = "retried" if held.attempts else "attempted"
    if held.due_at is None:  # its dead letter is no longer one
        return NextAction(f"{verb} within the hour")
    return NextAction(f"{verb} at {format_rfc3339(held.due_at)}", held.due_at)


def _behind(context: DeliveryContext, held: HeldLane) -> NextAction:
    dead = context.head is not None and context.head.status is DeliveryStatus.DEAD
    strict = context.subscription is not None and context.subscription.ordering is Ordering.STRICT
    if dead and strict:
        return NextAction(f"waits behind #{held.head}, which is a dead letter")
    step = _head(context, held)
    return NextAction(f"waits behind #{held.head}, which is {step.description}", step.at)
