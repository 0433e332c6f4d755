"""What anyone may see of a subscription: no secret, no header's value, no query's value."""

from typing import Any

from lakehook.domain.channel import Seal
from lakehook.domain.channels import channel_of
from lakehook.domain.event import EventType
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.rotation import SealedSecret
from lakehook.domain.standing import standing_of
from lakehook.domain.subscription import Format, Subscription
from lakehook.domain.template import Template
from ops.answers import NONE, Listing


def facts(one: Subscription) -> dict[str, Any]:
    return {
        "subscription_id": one.id,
        "name": one.name,
        "url": one.endpoint.shown,
        "channel": one.channel,
        "format": str(one.format),
        "language": str(one.language) if channel_of(one).speaks else None,
        "event_types": [str(event_type) for event_type in EventType if one.wants(event_type)],
        "pattern": one.pattern,
        "signing": _signing(one),
        "public_key": one.public_key,
        "deadline_seconds": one.deadline_seconds,
        "ordering": str(one.ordering),
        "retry_schedule": str(one.retry_schedule) if one.retry_schedule else "default",
        "rate": str(one.rate) if one.rate else None,
        "headers": list(one.header_names),
        "template": _template(one.template),
        "state": str(standing_of(one)),
        "paused_at": one.paused_at,
        "disabled_reason": one.disabled_reason,
    }


def _template(template: Template | None) -> dict[str, Any] | None:
    if template is None:
        return None
    return {
        "body": template.body,
        "subject": template.subject,
        "headers": dict(template.headers),
    }


def _signing(one: Subscription) -> str:
    seals = {Seal.STANDARD: str(one.signing), Seal.DEVLAKES: str(Format.DEVLAKE), Seal.NONE: "none"}
    return seals[channel_of(one).seal]


def _row(one: Subscription) -> tuple[str, ...]:
    types = ", ".join(one.event_types) or "every PIPELINE_*"
    return one.id, one.name, one.endpoint.shown, types, _state(one)


def _state(one: Subscription) -> str:
    standing = str(standing_of(one))
    return f"{standing} ({one.disabled_reason})" if one.disabled_reason else standing


SUBSCRIPTIONS = Listing(
    ("ID", "NAME", "URL", "EVENT TYPES", "STATE"), _row, facts, "no subscriptions"
)


def _secret(one: SealedSecret) -> dict[str, Any]:
    return {
        "signing": str(one.signing),
        "created_at": one.created_at or None,
        "signs_until": None if one.ends_at is None else rfc_3339(one.ends_at),
        "public_key": one.public,
    }


SECRETS = Listing(
    ("SIGNING", "CREATED", "SIGNS UNTIL", "PUBLIC KEY"),
    lambda one: [value or NONE for value in _secret(one).values()],
    _secret,
    "no secrets",
)
