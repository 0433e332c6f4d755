"""What anyone may see of a subscription: no secret, no header's value, no query's value."""

from dataclasses import asdict
from typing import Any

from lakehook.domain.event import EventType
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.rotation import SealedSecret
from lakehook.domain.secret import Signing
from lakehook.domain.signature import SigningKey
from lakehook.domain.standing import standing_of
from lakehook.domain.subscription import Format, Subscription
from lakehook.subscribe.rotate import Rotated
from lakehook.unsubscribe import Backlog


def facts(one: Subscription) -> dict[str, Any]:
    return {
        "subscription_id": one.id,
        "name": one.name,
        "url": one.endpoint.shown,
        "format": str(one.format),
        "event_types": [str(event_type) for event_type in EventType if one.wants(event_type)],
        "pattern": one.pattern,
        "signing": _signing(one),
        "public_key": one.public_key,
        "deadline_seconds": one.deadline_seconds,
        "ordering": str(one.ordering),
        "retry_schedule": str(one.retry_schedule) if one.retry_schedule else "default",
        "headers": list(one.header_names),
        "state": str(standing_of(one)),
        "paused_at": one.paused_at,
        "disabled_reason": one.disabled_reason,
    }


def facts_with_history(one: Subscription) -> dict[str, Any]:
    return facts(one) | {"created_at": one.created_at, "removed_at": one.removed_at}


def rotation_facts(rotated: Rotated, *, told: str | None) -> dict[str, Any]:
    in_force_at = rfc_3339(rotated.in_force_at)
    return facts(rotated.subscription) | {"secret": told, "in_force_at": in_force_at}


def removal_facts(tombstone: Subscription, backlog: Backlog) -> dict[str, Any]:
    return {
        "subscription_id": tombstone.id,
        "name": tombstone.name,
        "removed_at": tombstone.removed_at,
        "discarding": asdict(backlog),
    }


def secret_facts(one: SealedSecret) -> dict[str, Any]:
    return {
        "signing": str(one.signing),
        "created_at": one.created_at or None,
        "signs_until": None if one.ends_at is None else rfc_3339(one.ends_at),
        "public_key": one.public,
    }


def shown_once(secret: SigningKey, brought: str | None) -> str | None:
    """What the receiver needs and nobody has yet: no private key, and nothing that was brought."""
    return secret.reveal() if brought is None and secret.signing is Signing.HMAC else None


def _signing(one: Subscription) -> str:
    return str(Format.DEVLAKE if one.format is Format.DEVLAKE else one.signing)
