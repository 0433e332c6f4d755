"""What anyone may see of a subscription: no secret, no header's value, no query's value."""

from typing import Any

from lakehook.domain.event import EventType
from lakehook.domain.standing import standing_of
from lakehook.domain.subscription import Subscription
from ops.answers import Listing


def facts(one: Subscription) -> dict[str, Any]:
    return {
        "subscription_id": one.id,
        "name": one.name,
        "url": one.endpoint.shown,
        "event_types": [str(event_type) for event_type in EventType if one.wants(event_type)],
        "signing": str(one.signing),
        "deadline_seconds": one.deadline_seconds,
        "ordering": str(one.ordering),
        "retry_schedule": str(one.retry_schedule) if one.retry_schedule else "default",
        "headers": list(one.header_names),
        "state": str(standing_of(one)),
        "paused_at": one.paused_at,
        "disabled_reason": one.disabled_reason,
    }


def _row(one: Subscription) -> tuple[str, ...]:
    types = ", ".join(one.event_types) or "every PIPELINE_*"
    return one.id, one.name, one.endpoint.shown, types, _state(one)


def _state(one: Subscription) -> str:
    standing = str(standing_of(one))
    return f"{standing} ({one.disabled_reason})" if one.disabled_reason else standing


SUBSCRIPTIONS = Listing(
    ("ID", "NAME", "URL", "EVENT TYPES", "STATE"), _row, facts, "no subscriptions"
)
