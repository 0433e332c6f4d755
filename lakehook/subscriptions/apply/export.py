"""Export: the subscriptions as a file that ``apply`` would find unchanged."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakehook.domain.channels import channel_for
from lakehook.domain.channels.base import SignatureScheme
from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.subscription import WEBHOOK, Subscription
from lakehook.subscriptions.apply.fields import FIELDS, PAUSED, SIGNING
from lakehook.subscriptions.apply.parser import ROOT

CONCEALABLE = ("url", "headers")

_NO_NAME = re.compile(r"[^A-Z0-9]+")


@dataclass
class Export:
    """Export. Encrypted values can't be read; each is replaced by an environment variable."""

    variables: dict[str, str] = field(default_factory=dict)  # name and meaning

    def __call__(self, subscriptions: Sequence[Subscription]) -> dict[str, Any]:
        """Return one document of values that differ from defaults, and fill in ``variables``."""
        _reject_duplicates(subscriptions)
        return {ROOT: [_without_empty(self._entry(subscription)) for subscription in subscriptions]}

    def _entry(self, subscription: Subscription) -> Iterator[tuple[str, Any]]:
        usual = Subscription(
            id="", name="", endpoint=subscription.endpoint, channel=subscription.channel
        )
        for key in FIELDS:
            now = key.current(subscription)
            default = WEBHOOK if key.name == "channel" else key.current(usual)
            if key.name in CONCEALABLE or now != default:
                yield key.name, self._written(key.name, now, subscription)
        yield PAUSED, True if subscription.paused_at else None
        has_choice = channel_for(subscription).signature_scheme is SignatureScheme.STANDARD_WEBHOOKS
        yield SIGNING, str(subscription.signing) if has_choice and subscription.public_key else None

    def _written(self, key: str, now: Any, subscription: Subscription) -> Any:
        if key == "headers":
            return {name: self._variable("HEADER", subscription, name) for name in now} or None
        if key == "url" and _is_credential(subscription):
            return self._variable("URL", subscription)
        return now

    def _variable(self, kind: str, subscription: Subscription, header: str = "") -> dict[str, str]:
        parts = (_NO_NAME.sub("_", part.upper()).strip("_") for part in (subscription.name, header))
        base = "_".join(("LAKEHOOK", kind, *filter(None, parts)))
        tries = (base, *(f"{base}_{number}" for number in range(2, len(self.variables) + 3)))
        name = next(name for name in tries if name not in self.variables)
        self.variables[name] = (
            f"header {header} of {subscription.name}" if header else f"URL of {subscription.name}"
        )
        return {"env": name}


def _without_empty(pairs: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in pairs if value is not None}


def _reject_duplicates(subscriptions: Sequence[Subscription]) -> None:
    ids: dict[str, list[str]] = {}
    for subscription in subscriptions:
        ids.setdefault(subscription.name, []).append(subscription.id)
    for name, bearers in ids.items():
        if len(bearers) > 1:
            raise InvalidSubscription(
                f"name: {len(bearers)} subscriptions bear {name!a}: {', '.join(bearers)};"
                " rename all but one"
            )


def _is_credential(subscription: Subscription) -> bool:
    return (
        subscription.encrypted_url is not None
        or subscription.endpoint.url != subscription.endpoint.display_url
    )
