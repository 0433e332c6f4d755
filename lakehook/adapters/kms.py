"""Encryption of credentials at rest, by the stack's KMS key, for one subscription each.

The encryption context is the subscription's id, so a ciphertext moved to another subscription
cannot be decrypted. https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
"""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.domain.channels import channel_for
from lakehook.domain.client_certificate import ClientCertificate, EncryptedClientCertificate
from lakehook.domain.devlake.signature import TextSecret
from lakehook.domain.signing import EncryptedSecret, SigningKey, active
from lakehook.domain.subscription import Subscription
from lakehook.ports.outbound import SubscriptionCredentials
from lakehook.ports.system import Clock

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

OPEN_FOR_SECONDS = 300.0

_KEYS = CryptographySigningKeys()
_Ciphertexts = tuple[
    tuple[EncryptedSecret, ...], bytes | None, bytes | None, EncryptedClientCertificate | None
]


@dataclass(frozen=True)
class _LoadedCredentials:
    at: float
    sealed: _Ciphertexts
    keys: SubscriptionCredentials

    def is_of(self, subscription: Subscription, now: float) -> bool:
        """Whether the credentials are current; none are used beyond the expiry of a secret."""
        return now < self.at + OPEN_FOR_SECONDS and self.sealed == _ciphertexts(subscription, now)


@dataclass(frozen=True)
class KmsEncryptor:
    kms: "KMSClient"
    key: str

    def encrypt(self, plaintext: bytes, *, subscription_id: str) -> bytes:
        with translate_aws_errors():
            return self.kms.encrypt(
                KeyId=self.key, Plaintext=plaintext, EncryptionContext=_context(subscription_id)
            )["CiphertextBlob"]


@dataclass(frozen=True)
class KmsCredentialStore:
    """Store of credentials. Decrypted keys are cached for minutes, to save a call per attempt."""

    kms: "KMSClient"
    key: str
    clock: Clock
    _opened: dict[str, _LoadedCredentials] = field(default_factory=dict, repr=False)

    def load(self, subscription: Subscription) -> SubscriptionCredentials:
        now = self.clock.now()
        opened = self._opened.get(subscription.id)
        if opened is None or not opened.is_of(subscription, now):
            self._evict(now)
            opened = self._decrypt_all(subscription, now)
            self._opened[subscription.id] = opened
        return opened.keys

    def _evict(self, now: float) -> None:
        """Drop expired credentials, also unused ones; other threads may do so at the same time."""
        for subscription_id, opened in list(self._opened.items()):
            if now >= opened.at + OPEN_FOR_SECONDS:
                self._opened.pop(subscription_id, None)

    def _decrypt_all(self, subscription: Subscription, now: float) -> _LoadedCredentials:
        sealed = secrets, headers, url, certificate = _ciphertexts(subscription, now)
        keys = SubscriptionCredentials(
            tuple(self._restore(secret, subscription) for secret in secrets),
            {} if headers is None else json.loads(self._decrypt(headers, subscription.id)),
            url=None if url is None else self._decrypt(url, subscription.id).decode(),
            client_certificate=self._client_certificate(certificate, subscription.id),
        )
        return _LoadedCredentials(now, sealed, keys)

    def _client_certificate(
        self, certificate: EncryptedClientCertificate | None, subscription_id: str
    ) -> ClientCertificate | None:
        if certificate is None:
            return None
        key = self._decrypt(certificate.encrypted_key, subscription_id)
        return ClientCertificate(certificate.certificates.encode(), key)

    def _restore(self, secret: EncryptedSecret, subscription: Subscription) -> SigningKey:
        plaintext = self._decrypt(secret.ciphertext, subscription.id)
        if channel_for(subscription).signature_scheme.has_text_secret:
            return TextSecret.from_plaintext(plaintext)
        return _KEYS.from_bytes(secret.signing, plaintext)

    def _decrypt(self, sealed: bytes, subscription_id: str) -> bytes:
        with translate_aws_errors():
            return self.kms.decrypt(
                KeyId=self.key, CiphertextBlob=sealed, EncryptionContext=_context(subscription_id)
            )["Plaintext"]


def _ciphertexts(subscription: Subscription, now: float) -> _Ciphertexts:
    return (
        active(subscription.secrets, now),
        subscription.encrypted_headers,
        subscription.encrypted_url,
        subscription.client_certificate,
    )


def _context(subscription_id: str) -> dict[str, str]:
    return {"subscription": subscription_id}
