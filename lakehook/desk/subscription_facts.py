"""What anyone may see of a subscription: no secret, no header's value, no query's value."""

from dataclasses import asdict
from typing import Any

from lakehook.domain.channel import Seal
from lakehook.domain.channels import channel_of
from lakehook.domain.event import EventType
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.rotation import SealedSecret
from lakehook.domain.secret import Signing
from lakehook.domain.signature import SigningKey
from lakehook.domain.standing import standing_of
from lakehook.domain.subscription import Format, Subscription
from lakehook.domain.template import Template
from lakehook.subscribe.rotate import Rotated
from lakehook.unsubscribe import Backlog


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


def shown_once(secret: SigningKey | None, brought: str | None) -> str | None:
    """What the receiver needs and nobody has yet: no private key, and nothing that was brought."""
    if secret is None or brought is not None or secret.signing is not Signing.HMAC:
        return None
    return secret.reveal()


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
