"""A subscription as an item of its table, and back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lakehook.adapters.dynamo_item import Item, from_item, to_item
from lakehook.domain.destination import Destination, destination_of
from lakehook.domain.event import EventType
from lakehook.domain.language import Language
from lakehook.domain.rate import Rate
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.rotation import SealedSecret
from lakehook.domain.secret import Signing
from lakehook.domain.subscription import WEBHOOK, Format, Ordering, Subscription
from lakehook.domain.template import Template

HIDDEN = "…"
FORM = 2
"""In form 1 ``sealed_secrets`` was a list of ciphertexts, all of HMAC, that had no end."""


def item_of(subscription: Subscription) -> Item:
    return to_item(
        {
            "id": subscription.id,
            "form": FORM,
            "name": subscription.name,
            "url": subscription.endpoint.url,
            "event_types": [str(one) for one in subscription.event_types],
            "pattern": subscription.pattern,
            "channel": subscription.channel,
            "language": str(subscription.language),
            "format": str(subscription.format),
            "ordering": str(subscription.ordering),
            "retry_schedule": subscription.retry_schedule and str(subscription.retry_schedule),
            "rate": subscription.rate and str(subscription.rate),
            "paced_by": subscription.paced_by,
            "template": subscription.template and _written(subscription.template),
            "paused_at": subscription.paused_at,
            "disabled_reason": subscription.disabled_reason,
            "pending_since": subscription.pending_since,
            "deadline_ms": round(subscription.deadline_seconds * 1000),
            **_sealed(subscription),
            "created_at": subscription.created_at,
            "version": subscription.version,
            "removed_at": subscription.removed_at,
        }
    )


def _sealed(subscription: Subscription) -> dict[str, Any]:
    return {
        "secrets": [_stored(one) for one in subscription.secrets],
        "header_names": list(subscription.header_names),
        "sealed_headers": subscription.sealed_headers,
        "sealed_url": subscription.sealed_url,
    }


def subscription_of(item: Item) -> Subscription:
    values = from_item(item)
    return Subscription(
        id=values["id"],
        name=values["name"],
        endpoint=_destination(values["url"]),
        event_types=tuple(EventType(one) for one in values["event_types"]),
        deadline_seconds=values["deadline_ms"] / 1000,
        pattern=values.get("pattern"),
        channel=values.get("channel", WEBHOOK),
        language=Language(values.get("language", Language.ENGLISH)),
        format=Format(values.get("format", Format.LAKEHOOK)),
        ordering=Ordering(values.get("ordering", Ordering.STRICT)),
        retry_schedule=_schedule(values.get("retry_schedule")),
        rate=_rate(values.get("rate")),
        paced_by=values.get("paced_by", ""),
        template=_template(values.get("template")),
        paused_at=values.get("paused_at"),
        disabled_reason=values.get("disabled_reason"),
        pending_since=values.get("pending_since"),
        secrets=_secrets(values),
        header_names=tuple(values["header_names"]),
        sealed_headers=values.get("sealed_headers"),
        sealed_url=values.get("sealed_url"),
        created_at=values["created_at"],
        removed_at=values.get("removed_at"),
        version=values["version"],
    )


def _destination(url: str) -> Destination:
    """What stands for a credential in a URL as it is shown is nothing that a URL may hold."""
    return replace(destination_of(url.replace(HIDDEN, "-")), url=url)


def _written(template: Template) -> dict[str, Any]:
    return {
        "body": template.body,
        "subject": template.subject,
        "headers": [list(one) for one in template.headers],
    }


def _template(stored: Mapping[str, Any] | None) -> Template | None:
    if stored is None:
        return None
    headers = tuple((name, text) for name, text in stored["headers"])
    return Template(body=stored.get("body"), subject=stored.get("subject"), headers=headers)


def _rate(text: str | None) -> Rate | None:
    return Rate.parse(text) if text else None


def _stored(secret: SealedSecret) -> dict[str, Any]:
    return {
        "sealed": secret.sealed,
        "signing": str(secret.signing),
        "public": secret.public,
        "created_at": secret.created_at,
        "ends_at": secret.ends_at,
    }


def _secrets(values: Mapping[str, Any]) -> tuple[SealedSecret, ...]:
    if values.get("form") == 1:
        return tuple(SealedSecret(sealed=one) for one in values["sealed_secrets"])
    return tuple(_secret(one) for one in values["secrets"])


def _secret(stored: Mapping[str, Any]) -> SealedSecret:
    return SealedSecret(
        sealed=stored["sealed"],
        signing=Signing(stored["signing"]),
        public=stored["public"],
        created_at=stored["created_at"],
        ends_at=stored["ends_at"],
    )


def _schedule(text: str | None) -> RetrySchedule | None:
    return RetrySchedule.parse(text) if text else None
