"""The secret with which a subscription is signed: made, or brought; then sealed."""

from dataclasses import dataclass

from lakehook.domain.devlake.secret import TextSecret
from lakehook.domain.errors import BadSubscription
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.rotation import SealedSecret
from lakehook.domain.secret import Signing
from lakehook.domain.signature import SigningKey
from lakehook.domain.subscription import checked_signing
from lakehook.ports.clock import Clock, Dice
from lakehook.ports.keys import Keysmith, Sealer


@dataclass(frozen=True)
class Mint:
    keysmith: Keysmith
    sealer: Sealer
    clock: Clock
    dice: Dice

    def __call__(self, *, signing: str | None, brought: str | None, usual: Signing) -> SigningKey:
        """What was brought, else a new key of the kind that was asked for, else of the usual."""
        asked = None if signing is None else checked_signing(signing)
        if brought is None:
            return self.keysmith.make(asked or usual, self.dice.key())
        key = self.keysmith.read(brought)
        if asked not in (None, key.signing):
            raise BadSubscription(f"secret: it is of {key.signing}, and signing says {asked}")
        return key

    def text(self, brought: str | None, *, may_be_empty: bool = False) -> TextSecret:
        """DevLake's kind: what was brought, else a new one of letters and digits."""
        text = self.dice.key().hex() if brought is None else brought
        return TextSecret.given(text, may_be_empty=may_be_empty)

    def seal(self, key: SigningKey, *, subscription_id: str) -> SealedSecret:
        return SealedSecret(
            sealed=self.sealer.seal(key.plaintext, subscription_id=subscription_id),
            signing=key.signing,
            public=key.public,
            created_at=rfc_3339(self.clock.now()),
        )
