"""Credentials of a subscription: its secrets and its client certificate, encrypted and replaced.

After a rotation the old secret signs, too, for a while.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from lakehook.domain.channels import channel_for
from lakehook.domain.channels.base import SignatureScheme
from lakehook.domain.client_certificate import EncryptedClientCertificate, check_validity
from lakehook.domain.destination import Endpoint
from lakehook.domain.devlake.signature import TextSecret
from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.signing import EncryptedSecret, SignatureAlgorithm, SigningKey, rotate
from lakehook.domain.subscription import CACHE_PROPAGATION_SECONDS, Subscription, parse_signing
from lakehook.domain.time import format_rfc3339
from lakehook.ports.outbound import Encryptor, ParseClientCertificate, SigningKeyFactory
from lakehook.ports.stores import SubscriptionRepository
from lakehook.ports.system import Clock, Random


@dataclass(frozen=True)
class SecretIssuer:
    key_factory: SigningKeyFactory
    encryptor: Encryptor
    clock: Clock
    random: Random

    def __call__(
        self, *, signing: str | None, provided: str | None, default: SignatureAlgorithm
    ) -> SigningKey:
        """Return the provided key, else a new one of the requested or default algorithm."""
        requested = None if signing is None else parse_signing(signing)
        if provided is None:
            return self.key_factory.generate(requested or default, self.random.random_bytes())
        key = self.key_factory.parse(provided)
        if requested not in (None, key.signing):
            raise InvalidSubscription(
                f"secret: it is of {key.signing}, and signing says {requested}"
            )
        return key

    def text(self, provided: str | None, *, may_be_empty: bool = False) -> TextSecret:
        """Return a secret of DevLake's kind: the provided text, else a new one."""
        text = self.random.random_bytes().hex() if provided is None else provided
        return TextSecret.parse(text, may_be_empty=may_be_empty)

    def encrypt(self, key: SigningKey, *, subscription_id: str) -> EncryptedSecret:
        return EncryptedSecret(
            ciphertext=self.encryptor.encrypt(key.plaintext, subscription_id=subscription_id),
            signing=key.signing,
            public=key.public,
            created_at=format_rfc3339(self.clock.now()),
        )


@dataclass(frozen=True)
class Rotated:
    subscription: Subscription
    secret: SigningKey  # shown once
    effective_at: float
    """Time from which every attempt is signed by it, and by none that expired at once."""


@dataclass(frozen=True)
class RotateSecret:
    registry: SubscriptionRepository
    issuer: SecretIssuer
    clock: Clock

    def __call__(
        self,
        subscription: Subscription,
        *,
        overlap_seconds: float,
        signing: str | None = None,
        provided: str | None = None,
        show: Callable[[Rotated], None] = lambda _: None,
    ) -> Rotated:
        """Save the new secret once ``show`` has shown it: if that raises, nothing has changed."""
        scheme = channel_for(subscription).signature_scheme
        if scheme is SignatureScheme.NONE:
            raise InvalidSubscription(
                f"channel: {subscription.channel} signs nothing; its URL is the key"
            )
        if scheme is SignatureScheme.OPTIONAL_TEXT and provided is None:
            raise InvalidSubscription(
                f"secret: channel {subscription.channel} is signed with the secret of its robot;"
                " give that one"
            )
        if scheme.has_text_secret:
            _reject_two_at_once(subscription.channel, signing, overlap_seconds)
            secret: SigningKey = self.issuer.text(provided)
        else:
            secret = self.issuer(signing=signing, provided=provided, default=subscription.signing)
        encrypted = self.issuer.encrypt(secret, subscription_id=subscription.id)
        now = self.clock.now()
        secrets = rotate(subscription.secrets, encrypted, now=now, overlap_seconds=overlap_seconds)
        changed = replace(subscription, secrets=secrets)
        rotated = Rotated(changed, secret, now + CACHE_PROPAGATION_SECONDS)
        show(rotated)
        return replace(rotated, subscription=self.registry.save(changed))


def _reject_two_at_once(channel: str, signing: str | None, overlap_seconds: float) -> None:
    if signing is not None:
        raise InvalidSubscription(f"signing: channel {channel} has a signature of its own")
    if overlap_seconds:
        raise InvalidSubscription(f"overlap: channel {channel} has room for one signature: give 0")


@dataclass(frozen=True)
class SetClientCertificate:
    registry: SubscriptionRepository
    encryptor: Encryptor
    parse: ParseClientCertificate
    clock: Clock

    def __call__(self, subscription: Subscription, *, certificate: str, key: str) -> Subscription:
        """Present this certificate from now on; deliveries in progress finish with the old one."""
        if (
            not isinstance(subscription.endpoint, Endpoint)
            or subscription.endpoint.scheme == "http"
        ):
            raise InvalidSubscription(
                f"url: {subscription.endpoint.display_url} is not https, which a client certificate"
                " needs"
            )
        parsed, now = self.parse(certificate, key), self.clock.now()
        check_validity(parsed.facts, now=now)
        encrypted = EncryptedClientCertificate(
            certificates=parsed.certificates,
            encrypted_key=self.encryptor.encrypt(parsed.key, subscription_id=subscription.id),
            facts=parsed.facts,
            created_at=format_rfc3339(now),
        )
        return self.registry.save(replace(subscription, client_certificate=encrypted))


@dataclass(frozen=True)
class RemoveClientCertificate:
    registry: SubscriptionRepository

    def __call__(self, subscription: Subscription) -> Subscription:
        """Present no certificate from now on."""
        if subscription.client_certificate is None:
            return subscription
        return self.registry.save(replace(subscription, client_certificate=None))
