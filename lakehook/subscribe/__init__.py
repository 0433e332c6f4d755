"""Subscribe and amend: what an operator asks for becomes a subscription, or is refused."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lakehook.domain.channel import Channel, Seal, shown_by
from lakehook.domain.channels import channel_of
from lakehook.domain.delivery import fingerprint
from lakehook.domain.destination import Destination
from lakehook.domain.document import ascii_of
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.errors import BadSubscription
from lakehook.domain.header import checked_headers
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.secret import Signing
from lakehook.domain.signature import SigningKey
from lakehook.domain.subscription import Ordering, Subscription
from lakehook.ports.clock import Clock, Dice
from lakehook.ports.keys import Sealer
from lakehook.ports.sending import Typesetter
from lakehook.ports.subscriptions import Registry
from lakehook.subscribe.mint import Mint
from lakehook.subscribe.terms import DEPLOYMENTS_SCHEDULE, NO_RATE, Judge, Terms, agreed, channel_in
from lakehook.subscribe.wording import worded

__all__ = [
    "ANY_SECRET",
    "DEPLOYMENTS_SCHEDULE",
    "NO_RATE",
    "Amend",
    "Judge",
    "SecretWish",
    "Subscribe",
    "Terms",
    "pace_of",
]

PACE_CHARACTERS = 40  # of a hash: enough for no two URLs to share it

Wake = Callable[[Subscription], int]
"""Have the lanes of a subscription looked at soon; how many they are."""


@dataclass(frozen=True, kw_only=True)
class SecretWish:
    """The secret of a new subscription: one that is brought, or a new one of a kind."""

    signing: str | None = None
    brought: str | None = field(default=None, repr=False)
    may_be_empty: bool = False  # only DevLake's may


ANY_SECRET = SecretWish()


@dataclass(frozen=True)
class Subscribe:
    judge: Judge
    registry: Registry
    sealer: Sealer
    mint: Mint
    clock: Clock
    dice: Dice
    typesetter: Typesetter

    def __call__(
        self,
        terms: Terms,
        wish: SecretWish = ANY_SECRET,
        *,
        pending: bool = False,
        paused: bool = False,
    ) -> tuple[Subscription, SigningKey | None]:
        """A new subscription, in force at once, and its secret: nobody can read that again.

        ``pending`` keeps all events from an endpoint that has not yet echoed a challenge. Where
        the URL alone is the credential, there is no secret.
        """
        created_at = rfc_3339(self.clock.now())
        subscription_id = f"sub_{self.dice.token()}"
        channel = channel_in(terms)
        fields = agreed(terms, channel, self.judge) | worded(terms, channel, self.typesetter)
        if pending and channel.seal is not Seal.STANDARD:
            raise BadSubscription(f"challenge: {_named(terms)} has no word for it")
        secret = self.secret_for(channel, terms, wish)
        subscription = Subscription(
            id=subscription_id,
            created_at=created_at,
            pending_since=created_at if pending else None,
            paused_at=created_at if paused else None,
            secrets=(self.mint.seal(secret, subscription_id=subscription_id),) if secret else (),
            **_addressed(fields, channel, self.sealer, subscription_id),
            **_sealed_headers(terms, self.sealer, subscription_id),
        )
        return self.registry.save(subscription), secret

    def secret_for(self, channel: Channel, terms: Terms, wish: SecretWish) -> SigningKey | None:
        if channel.seal is Seal.STANDARD:
            return self.mint(signing=wish.signing, brought=wish.brought, usual=Signing.HMAC)
        if wish.signing is not None:
            raise BadSubscription(f"signing: {_named(terms)} has a signature of its own, or none")
        if channel.seal is Seal.DEVLAKES:
            return self.mint.text(wish.brought, may_be_empty=wish.may_be_empty)
        if wish.brought is not None:
            raise BadSubscription(f"secret: {_named(terms)} signs nothing")
        return None


@dataclass(frozen=True)
class Amend:
    judge: Judge
    registry: Registry
    sealer: Sealer
    wake: Wake
    typesetter: Typesetter

    def __call__(self, subscription: Subscription, terms: Terms) -> Subscription:
        """The subscription with new terms, for every attempt from now on.

        Where dead letters held lanes that may go on without them now, or a rate did, those go on.
        """
        if terms == Terms():
            raise BadSubscription("nothing to change: name at least one term")
        _refuse_another_kind(terms)
        channel = channel_of(subscription)
        fields = agreed(terms, channel, self.judge)
        fields |= worded(terms, channel, self.typesetter, subscription.template)
        _refuse_headers_elsewhere(subscription, fields.get("endpoint"), terms)
        headers = _sealed_headers(terms, self.sealer, subscription.id)
        addressed = _addressed(fields, channel, self.sealer, subscription.id)
        amended = replace(subscription, **addressed, **headers)
        saved = self.registry.save(amended)
        skips_now = saved.ordering is Ordering.SKIP is not subscription.ordering
        if skips_now or saved.rate != subscription.rate:
            self.wake(saved)
        return saved


def _named(terms: Terms) -> str:
    return f"channel {terms.channel}" if terms.channel else "DevLake's format"


def _refuse_headers_elsewhere(
    subscription: Subscription, destination: Destination | None, terms: Terms
) -> None:
    """What lets us in at one server is no other's to read: whoever may change a URL could."""
    if not subscription.header_names or terms.headers is not None:
        return
    if isinstance(destination, Endpoint) and isinstance(subscription.endpoint, Endpoint):
        if destination.origin == subscription.endpoint.origin:
            return
        names = ", ".join(subscription.header_names)
        raise BadSubscription(
            f"url: {destination.host} is another server than {subscription.endpoint.host}, whose"
            f" headers ({names}) do not go there; give the headers anew, or none"
        )


def _refuse_another_kind(terms: Terms) -> None:
    for name, value in (("channel", terms.channel), ("format", terms.format)):
        if value is not None:
            raise BadSubscription(
                f"{name}: a subscription keeps its own; add another one, and remove this"
            )


def _addressed(
    fields: dict[str, Any], channel: Channel, sealer: Sealer, subscription_id: str
) -> dict[str, Any]:
    """The same, with a URL that is a credential sealed and no longer to be seen.

    Where the channel's service counts messages by the URL, subscriptions of one URL share a pace.
    """
    destination: Destination | None = fields.get("endpoint")
    if destination is None:
        return fields
    url, shown = destination.url, shown_by(channel, destination)
    is_credential = url != shown
    return {
        **fields,
        "endpoint": replace(destination, url=shown),
        "paced_by": pace_of(url, channel),
        "sealed_url": sealer.seal(url.encode(), subscription_id=subscription_id)
        if is_credential
        else None,
    }


def pace_of(url: str, channel: Channel) -> str:
    return fingerprint(url)[:PACE_CHARACTERS] if channel.rate else ""


def _sealed_headers(terms: Terms, sealer: Sealer, subscription_id: str) -> dict[str, Any]:
    if terms.headers is None:
        return {}
    headers = checked_headers(terms.headers)
    plaintext = ascii_of(headers).encode()
    return {
        "header_names": tuple(headers),
        "sealed_headers": sealer.seal(plaintext, subscription_id=subscription_id)
        if headers
        else None,
    }
