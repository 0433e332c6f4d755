"""Subscribe and amend: what an operator asks for becomes a subscription, or is refused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lakehook.domain.document import ascii_of
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.errors import BadSubscription
from lakehook.domain.header import checked_headers
from lakehook.domain.pattern import checked_pattern
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.secret import Signing
from lakehook.domain.signature import SigningKey
from lakehook.domain.subscription import (
    Format,
    Ordering,
    Subscription,
    checked_deadline,
    checked_event_types,
    checked_format,
    checked_name,
    checked_ordering,
)
from lakehook.ports import Clock, Dice, Registry, Sealer
from lakehook.subscribe.mint import Mint

DEPLOYMENTS_SCHEDULE = "default"  # how a term says: none of its own

Judge = Callable[[str], Endpoint]
"""The endpoint at a URL; ``BadEndpoint`` when it is never called."""

Wake = Callable[[Subscription], int]
"""Have the lanes of a subscription looked at soon; how many they are."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an operator asks for, as written; what is None is left as it is."""

    name: str | None = None
    url: str | None = field(default=None, repr=False)  # may be a credential
    format: str | None = None
    event_types: Sequence[str] | None = None  # none named: every PIPELINE_*
    pattern: str | None = None  # empty: every event of these types
    deadline_seconds: float | None = None
    ordering: str | None = None
    retry_schedule: str | None = None
    headers: Sequence[str] | None = field(default=None, repr=False)  # may be credentials


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

    def __call__(
        self,
        terms: Terms,
        wish: SecretWish = ANY_SECRET,
        *,
        pending: bool = False,
    ) -> tuple[Subscription, SigningKey]:
        """A new subscription, in force at once, and its secret: nobody can read that again.

        ``pending`` keeps all events from an endpoint that has not yet echoed a challenge.
        """
        created_at = rfc_3339(self.clock.now())
        subscription_id = f"sub_{self.dice.token()}"
        agreed = _agreed(terms, self.judge)
        if pending and agreed.get("format") is Format.DEVLAKE:
            raise BadSubscription("challenge: DevLake's format has no word for it")
        secret = self._secret(agreed.get("format"), wish)
        sealed = self.mint.seal(secret, subscription_id=subscription_id)
        subscription = Subscription(
            id=subscription_id,
            created_at=created_at,
            pending_since=created_at if pending else None,
            secrets=(sealed,),
            **_concealed(agreed, self.sealer, subscription_id),
            **_sealed_headers(terms, self.sealer, subscription_id),
        )
        return self.registry.save(subscription), secret

    def _secret(self, format_: Format | None, wish: SecretWish) -> SigningKey:
        if format_ is not Format.DEVLAKE:
            return self.mint(signing=wish.signing, brought=wish.brought, usual=Signing.HMAC)
        if wish.signing is not None:
            raise BadSubscription("signing: DevLake's format has a signature of its own")
        return self.mint.text(wish.brought, may_be_empty=wish.may_be_empty)


@dataclass(frozen=True)
class Amend:
    judge: Judge
    registry: Registry
    sealer: Sealer
    wake: Wake

    def __call__(self, subscription: Subscription, terms: Terms) -> Subscription:
        """The subscription with new terms, for every attempt from now on.

        Where dead letters held lanes that may go on without them now, those go on.
        """
        if terms == Terms():
            raise BadSubscription("nothing to change: name at least one term")
        agreed = _agreed(terms, self.judge)
        headers = _sealed_headers(terms, self.sealer, subscription.id)
        concealed = _concealed(agreed, self.sealer, subscription.id)
        amended = replace(subscription, **concealed, **headers)
        saved = self.registry.save(amended)
        if saved.ordering is Ordering.SKIP is not subscription.ordering:
            self.wake(saved)
        return saved


def _agreed(terms: Terms, judge: Judge) -> dict[str, Any]:
    """The fields of a subscription that the terms name; headers are checked here, sealed later."""
    checked_headers(terms.headers or ())
    asked: tuple[tuple[str, Any, Callable[[Any], Any]], ...] = (
        ("name", terms.name, checked_name),
        ("event_types", terms.event_types, checked_event_types),
        ("pattern", terms.pattern, _pattern),
        ("deadline_seconds", terms.deadline_seconds, checked_deadline),
        ("format", terms.format, checked_format),
        ("ordering", terms.ordering, checked_ordering),
        ("retry_schedule", terms.retry_schedule, _schedule),
        ("endpoint", terms.url, judge),
    )
    return {name: check(value) for name, value, check in asked if value is not None}


def _concealed(agreed: dict[str, Any], sealer: Sealer, subscription_id: str) -> dict[str, Any]:
    """The same, with a URL that is a credential sealed and no longer to be seen."""
    endpoint: Endpoint | None = agreed.get("endpoint")
    if endpoint is None:
        return agreed
    if endpoint.url == endpoint.shown:
        return {**agreed, "sealed_url": None}
    sealed_url = sealer.seal(endpoint.url.encode(), subscription_id=subscription_id)
    return {
        **agreed,
        "endpoint": replace(endpoint, url=endpoint.shown),
        "sealed_url": sealed_url,
    }


def _pattern(text: str) -> str | None:
    return checked_pattern(text) if text else None


def _schedule(text: str) -> RetrySchedule | None:
    return None if text == DEPLOYMENTS_SCHEDULE else RetrySchedule.parse(text)


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
