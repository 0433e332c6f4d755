"""Secrets at rest: sealed by the stack's KMS key, for one subscription each.

The encryption context is the subscription's id, so a ciphertext moved to another subscription
does not open. https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
"""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lakehook.adapters.aws import own_trouble
from lakehook.domain.secret import Secret
from lakehook.domain.subscription import Subscription
from lakehook.ports import Clock, Keys

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

OPEN_FOR_SECONDS = 300.0

Sealed = tuple[tuple[bytes, ...], bytes | None]


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
    _opened: dict[str, tuple[float, Sealed, Keys]] = field(default_factory=dict, repr=False)

    def open(self, subscription: Subscription) -> Keys:
        sealed = (subscription.sealed_secrets, subscription.sealed_headers)
        opened_at, what, keys = self._opened.get(subscription.id, (0.0, None, None))
        if keys and what == sealed and self.clock.now() < opened_at + OPEN_FOR_SECONDS:
            return keys
        keys = self._unseal(subscription)
        self._opened[subscription.id] = (self.clock.now(), sealed, keys)
        return keys

    def _unseal(self, subscription: Subscription) -> Keys:
        secrets = tuple(
            Secret(self._decrypt(sealed, subscription.id)) for sealed in subscription.sealed_secrets
        )
        if subscription.sealed_headers is None:
            return Keys(secrets)
        return Keys(
            secrets, json.loads(self._decrypt(subscription.sealed_headers, subscription.id))
        )

    def _decrypt(self, sealed: bytes, subscription_id: str) -> bytes:
        with own_trouble():
            return self.kms.decrypt(
                KeyId=self.key, CiphertextBlob=sealed, EncryptionContext=_context(subscription_id)
            )["Plaintext"]


def _context(subscription_id: str) -> dict[str, str]:
    return {"subscription": subscription_id}
