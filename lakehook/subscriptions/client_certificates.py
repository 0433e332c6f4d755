"""Client certificate of a subscription: set, replaced and removed while deliveries go on."""

from dataclasses import dataclass, replace

from lakehook.domain.client_certificate import (
    EncryptedClientCertificate,
    check_validity,
)
from lakehook.domain.destination import Endpoint
from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import format_rfc3339
from lakehook.ports.outbound import Encryptor, ParseClientCertificate
from lakehook.ports.stores import SubscriptionRepository
from lakehook.ports.system import Clock


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
