"""Rotate: a new secret takes over, and the old one signs beside it for a while."""

from dataclasses import dataclass, replace

from lakehook.domain.channel import Seal
from lakehook.domain.channels import channel_of
from lakehook.domain.errors import BadSubscription
from lakehook.domain.rotation import succeeded
from lakehook.domain.signature import SigningKey
from lakehook.domain.subscription import SETTLING_SECONDS, Subscription
from lakehook.ports.clock import Clock
from lakehook.ports.subscriptions import Registry
from lakehook.subscribe.mint import Mint


@dataclass(frozen=True)
class Rotated:
    subscription: Subscription
    secret: SigningKey  # nobody can read it again
    in_force_at: float
    """Every attempt from then on is signed by it, and by none that ended at once."""


@dataclass(frozen=True)
class RotateSecret:
    registry: Registry
    mint: Mint
    clock: Clock

    def __call__(
        self,
        subscription: Subscription,
        *,
        overlap_seconds: float,
        signing: str | None = None,
        brought: str | None = None,
    ) -> Rotated:
        seal = channel_of(subscription).seal
        if seal is Seal.NONE:
            raise BadSubscription(
                f"channel: {subscription.channel} signs nothing; its URL is the key"
            )
        if seal is Seal.DEVLAKES:
            _refuse_two_at_once(signing, overlap_seconds)
            secret: SigningKey = self.mint.text(brought)
        else:
            secret = self.mint(signing=signing, brought=brought, usual=subscription.signing)
        sealed = self.mint.seal(secret, subscription_id=subscription.id)
        now = self.clock.now()
        secrets = succeeded(subscription.secrets, sealed, now=now, overlap_seconds=overlap_seconds)
        saved = self.registry.save(replace(subscription, secrets=secrets))
        return Rotated(saved, secret, now + SETTLING_SECONDS)


def _refuse_two_at_once(signing: str | None, overlap_seconds: float) -> None:
    if signing is not None:
        raise BadSubscription("signing: DevLake's format has a signature of its own")
    if overlap_seconds:
        raise BadSubscription("overlap: DevLake's format has room for one signature: say 0")
