"""Secrets at rest: sealed by the stack's KMS key, for one subscription each.

The encryption context is the subscription's id, so a ciphertext moved to another subscription
does not open. https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
"""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.signing_keys import SigningKeys
from lakehook.domain.devlake.secret import TextSecret
from lakehook.domain.rotation import SealedSecret, live
from lakehook.domain.signature import SigningKey
from lakehook.domain.subscription import Format, Subscription
from lakehook.ports.clock import Clock
from lakehook.ports.keys import Keys

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

OPEN_FOR_SECONDS = 300.0

_KEYS = SigningKeys()
_Sealed = tuple[tuple[SealedSecret, ...], bytes | None, bytes | None]


@dataclass(frozen=True)
class _Opened:
    at: float
    sealed: _Sealed
    keys: Keys

    def is_of(self, subscription: Subscription, now: float) -> bool:
        """When the time of a secret is over, what was opened with it goes."""
        return now < self.at + OPEN_FOR_SECONDS and self.sealed == _sealed(subscription, now)


@dataclass(frozen=True)
class KmsSealer:
    kms: "KMSClient"
    key: str

    def seal(self, plaintext: bytes, *, subscription_id: str) -> bytes:
        with own_trouble():
            return self.kms.encrypt(
                KeyId=self.key, Plaintext=plaintext, EncryptionContext=_context(subscription_id)
            )["CiphertextBlob"]


@dataclass(frozen=True)
class KmsKeyring:
    """Opened keys are kept in memory for minutes; a call for every attempt would cost and wait."""

    kms: "KMSClient"
    key: str
    clock: Clock
    _opened: dict[str, _Opened] = field(default_factory=dict, repr=False)

    def open(self, subscription: Subscription) -> Keys:
        now = self.clock.now()
        opened = self._opened.get(subscription.id)
        if opened is None or not opened.is_of(subscription, now):
            self._forget(now)
            opened = self._unseal(subscription, now)
            self._opened[subscription.id] = opened
        return opened.keys

    def _forget(self, now: float) -> None:
        """Also what nobody asks for any more; other threads may be at it too."""
        for subscription_id, opened in list(self._opened.items()):
            if now >= opened.at + OPEN_FOR_SECONDS:
                self._opened.pop(subscription_id, None)

    def _unseal(self, subscription: Subscription, now: float) -> _Opened:
        sealed = secrets, headers, url = _sealed(subscription, now)
        keys = Keys(
            tuple(self._restore(one, subscription) for one in secrets),
            {} if headers is None else json.loads(self._decrypt(headers, subscription.id)),
            url=None if url is None else self._decrypt(url, subscription.id).decode(),
        )
        return _Opened(now, sealed, keys)

    def _restore(self, secret: SealedSecret, subscription: Subscription) -> SigningKey:
        plaintext = self._decrypt(secret.sealed, subscription.id)
        if subscription.format is Format.DEVLAKE:
            return TextSecret.unsealed(plaintext)
        return _KEYS.restore(secret.signing, plaintext)

    def _decrypt(self, sealed: bytes, subscription_id: str) -> bytes:
        with own_trouble():
            return self.kms.decrypt(
                KeyId=self.key, CiphertextBlob=sealed, EncryptionContext=_context(subscription_id)
            )["Plaintext"]


def _sealed(subscription: Subscription, now: float) -> _Sealed:
    return live(subscription.secrets, now), subscription.sealed_headers, subscription.sealed_url


def _context(subscription_id: str) -> dict[str, str]:
    return {"subscription": subscription_id}
