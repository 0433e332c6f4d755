"""How subscriptions, lanes and deliveries stand, and what happens next, in an operator's words."""

from dataclasses import dataclass
from enum import StrEnum

from lakehook.domain.lane import DeliveryRecord, HeldLane, Status
from lakehook.domain.subscription import Ordering, Subscription, rfc_3339


class Standing(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"
    REMOVED = "removed"


def standing_of(subscription: Subscription | None) -> Standing:
    """A subscription nobody remembers was removed."""
    if subscription is None or subscription.removed_at:
        return Standing.REMOVED
    if subscription.paused_at:
        return Standing.PAUSED
    return Standing.DISABLED if subscription.disabled_reason else Standing.ACTIVE


@dataclass(frozen=True)
class Look:
    """What one look at a delivery's surroundings found."""

    subscription: Subscription | None
    held: HeldLane | None = None  # none: the lane flows
    head: DeliveryRecord | None = None


def lane_state(look: Look) -> str:
    """What a held lane waits for."""
    standing = standing_of(look.subscription)
    if standing is not Standing.ACTIVE:
        return str(standing)
    if look.head and look.head.status is Status.DEAD:
        return "dead letter"
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
        return _at("retried" if look.held.attempts else "attempted", look.held.due_at)
    return _behind(look, look.held)


def _blocked(subscription: Subscription | None, standing: Standing) -> str:
    if standing is Standing.REMOVED:
        return "discarded: the subscription is removed"
    reason = subscription.disabled_reason if subscription else None
    return f"blocked: {standing}" + (f" ({reason})" if reason else "")


def _at(verb: str, at: float) -> Next:
    return Next(f"{verb} at {rfc_3339(at)}", at)


def _behind(look: Look, held: HeldLane) -> Next:
    dead = look.head is not None and look.head.status is Status.DEAD
    strict = look.subscription is not None and look.subscription.ordering is Ordering.STRICT
    if dead and strict:
        return Next(f"waits behind #{held.head}, which is a dead letter")
    step = _at("retried" if held.attempts else "attempted", held.due_at)
    return Next(f"waits behind #{held.head}, which is {step.words}", step.at)


_ENDS = {
    Status.DELIVERED: "delivered",
    Status.ABORTED: "nothing: the receiver wants no more of it",
    Status.DISCARDED: "nothing: {reason}",
    Status.DEAD: "nothing until it is redriven or discarded: it is a dead letter ({reason})",
}
