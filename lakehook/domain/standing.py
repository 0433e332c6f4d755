"""How subscriptions, lanes and deliveries stand, and what happens next, in an operator's words."""

from dataclasses import dataclass
from enum import StrEnum

from lakehook.domain.health import Health
from lakehook.domain.lane import DeliveryRecord, HeldLane, Status, SuspendedReason
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.subscription import Ordering, Subscription


class Standing(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"
    PENDING = "pending"  # a challenge
    REMOVED = "removed"


def standing_of(subscription: Subscription | None) -> Standing:
    """A subscription nobody remembers was removed."""
    if subscription is None or subscription.removed_at:
        return Standing.REMOVED
    if subscription.paused_at:
        return Standing.PAUSED
    if subscription.disabled_reason:
        return Standing.DISABLED
    return Standing.PENDING if subscription.is_pending else Standing.ACTIVE


@dataclass(frozen=True)
class Look:
    """What one look at a delivery's surroundings found."""

    subscription: Subscription | None
    held: HeldLane | None = None  # none: the lane flows
    head: DeliveryRecord | None = None
    health: Health | None = None  # none: the endpoint is well

    @property
    def probed_at(self) -> float | None:
        """While the breaker is open: when the endpoint is tried again."""
        return self.health.due_at if self.health else None


def lane_state(look: Look) -> str:
    """What a held lane waits for."""
    standing = standing_of(look.subscription)
    if standing is not Standing.ACTIVE:
        return str(standing)
    if look.head and look.head.status is Status.DEAD:
        return "dead letter"
    if look.probed_at is not None:
        return "endpoint down"
    if look.held and (state := _SUSPENDED.get(look.held.suspended_reason)):
        return state
    return "retrying" if look.held and look.held.attempts else "waiting"


@dataclass(frozen=True)
class Next:
    """What happens next with a delivery, and when, if that is known."""

    words: str
    at: float | None = None


def what_next(record: DeliveryRecord, look: Look) -> Next:
    if record.status is not Status.WAITING:
        return Next(_ENDS[record.status].format(reason=record.reason))
    standing = standing_of(look.subscription)
    if standing is not Standing.ACTIVE:
        return Next(_blocked(look.subscription, standing))
    if look.held is None:
        return Next("attempted when its message comes")
    if look.held.head == record.sequence:
        return _head(look, look.held)
    return _behind(look, look.held)


def _blocked(subscription: Subscription | None, standing: Standing) -> str:
    if standing is Standing.REMOVED:
        return "discarded: the subscription is removed"
    reason = subscription.disabled_reason if subscription else None
    return f"blocked: {standing}" + (f" ({reason})" if reason else "")


def _head(look: Look, held: HeldLane) -> Next:
    if look.probed_at is not None:
        probed = rfc_3339(look.probed_at)
        return Next(f"blocked: the endpoint is down, and probed at {probed}", look.probed_at)
    if condition := _RESUMED.get(held.suspended_reason):
        latest = rfc_3339(held.due_at)
        return Next(f"attempted when {condition}, and looked at by {latest}", held.due_at)
    verb = "retried" if held.attempts else "attempted"
    return Next(f"{verb} at {rfc_3339(held.due_at)}", held.due_at)


def _behind(look: Look, held: HeldLane) -> Next:
    dead = look.head is not None and look.head.status is Status.DEAD
    strict = look.subscription is not None and look.subscription.ordering is Ordering.STRICT
    if dead and strict:
        return Next(f"waits behind #{held.head}, which is a dead letter")
    step = _head(look, held)
    return Next(f"waits behind #{held.head}, which is {step.words}", step.at)


# A lane that an open breaker suspends is shown by the breaker itself, which knows the next probe.
_SUSPENDED: dict[SuspendedReason | None, str] = {
    SuspendedReason.CONCURRENCY_LIMIT: "endpoint slow",
    SuspendedReason.RATE_LIMIT: "over its rate",
}
_RESUMED: dict[SuspendedReason | None, str] = {
    SuspendedReason.CONCURRENCY_LIMIT: "its slow endpoint has fewer requests in progress",
    SuspendedReason.RATE_LIMIT: "its rate allows it",
}
_ENDS = {
    Status.DELIVERED: "delivered",
    Status.ABORTED: "nothing: the receiver wants no more of it",
    Status.DISCARDED: "nothing: {reason}",
    Status.DEAD: "nothing until it is redriven or discarded: it is a dead letter ({reason})",
}
