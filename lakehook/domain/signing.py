"""Signing keys and signatures of Standard Webhooks 1.0.0, and the rotation of secrets.

After a rotation the newest secret signs, and older ones sign too until they expire. The ``repr`` of
a secret shows nothing.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil
from typing import Any, ClassVar, NoReturn, Protocol, Self

from lakehook.domain.errors import InvalidInput, InvalidSubscription
from lakehook.domain.time import format_rfc3339

MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64  # bytes, Standard Webhooks 1.0.0, "Symmetric"
ED25519_SEED_BYTES = 32  # bytes: an ed25519 key is its seed followed by its public half
MAX_ACTIVE = 10
MAX_OVERLAP_SECONDS = 30 * 24 * 3600.0


class NonPrintable:
    """Mix-in of secrets: not printed, not pickled, and hidden from ``asdict`` and ``vars``.

    A copy is the object itself, so that memory holds the secret once.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not to be written anywhere")


class SignatureAlgorithm(StrEnum):
    """Signature algorithms, and the prefixes of Standard Webhooks for each."""

    HMAC = "hmac"
    ED25519 = "ed25519"

    @property
    def version(self) -> str:
        return "v1" if self is SignatureAlgorithm.HMAC else "v1a"


class SigningKeyBase(NonPrintable):
    """Bytes that sign; only ``key`` and ``reveal`` return them."""

    __slots__ = ("_key",)
    signing: ClassVar[SignatureAlgorithm]
    prefix: ClassVar[str]

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the prefix and base64.

        ``InvalidInput`` says what is wrong without repeating the text.
        """
        return cls(decode_key(text, cls.prefix))

    @property
    def key(self) -> bytes:
        return self._key

    @property
    def plaintext(self) -> bytes:
        """Bytes to encrypt."""
        return self._key

    def reveal(self) -> str:
        return self.prefix + base64.b64encode(self._key).decode()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SigningKeyBase) or other.signing is not self.signing:
            return False
        return hmac.compare_digest(other.key, self._key)

    def __hash__(self) -> int:
        return hash((self.signing, self._key))


class HmacSecret(SigningKeyBase):
    """Key of HMAC-SHA256: 24 to 64 bytes that sender and receiver share."""

    __slots__ = ()
    signing = SignatureAlgorithm.HMAC
    prefix = "whsec_"
    public: ClassVar[str | None] = None

    def __init__(self, key: bytes) -> None:
        if not MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES:
            raise InvalidInput(
                f"secret: {len(key)} bytes; Standard Webhooks wants {MIN_SECRET_BYTES} to "
                f"{MAX_SECRET_BYTES}"
            )
        super().__init__(key)

    def sign(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, hashlib.sha256)

    def verifies(self, content: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(self.sign(content), signature)


class Ed25519PrivateKey(SigningKeyBase):
    """Private key of ed25519: the receiver knows only the public half.

    Signing needs more than the standard library, so an adapter does it.
    """

    __slots__ = ()
    signing = SignatureAlgorithm.ED25519
    prefix = "whsk_"

    def __init__(self, key: bytes) -> None:
        if len(key) != 2 * ED25519_SEED_BYTES:
            raise InvalidInput(
                f"secret: {len(key)} bytes; an ed25519 key has {2 * ED25519_SEED_BYTES}, seed and "
                "public half"
            )
        super().__init__(key)

    @property
    def seed(self) -> bytes:
        return self._key[:ED25519_SEED_BYTES]

    @property
    def public(self) -> str:
        return Ed25519PublicKey(self._key[ED25519_SEED_BYTES:]).reveal()


class Ed25519PublicKey(SigningKeyBase):
    """Public half of an ed25519 key."""

    __slots__ = ()
    signing = SignatureAlgorithm.ED25519
    prefix = "whpk_"

    def __init__(self, key: bytes) -> None:
        if len(key) != ED25519_SEED_BYTES:
            raise InvalidInput(
                f"public key: {len(key)} bytes; that of ed25519 has {ED25519_SEED_BYTES}"
            )
        super().__init__(key)


class SigningKey(Protocol):
    """A secret of either kind that signs."""

    @property
    def signing(self) -> SignatureAlgorithm: ...

    @property
    def key(self) -> bytes: ...

    @property
    def plaintext(self) -> bytes:
        """Bytes to encrypt."""

    @property
    def public(self) -> str | None:
        """Public key for receivers, where it is not a secret."""

    def reveal(self) -> str: ...

    def sign(self, content: bytes) -> bytes: ...


class VerifyingKey(Protocol):
    """Key of a receiver: the shared secret, or the sender's public key."""

    @property
    def signing(self) -> SignatureAlgorithm: ...

    def verifies(self, content: bytes, signature: bytes) -> bool:
        """Whether the signature is valid for the content, in constant time."""


@dataclass(frozen=True, kw_only=True)
class EncryptedSecret:
    """A secret as it is stored: a ciphertext that only the sender's KMS key decrypts."""

    ciphertext: bytes
    signing: SignatureAlgorithm = SignatureAlgorithm.HMAC
    public: str | None = None  # public half of an ed25519 key
    created_at: str = ""
    expires_at: int | None = None  # unix seconds; None while it is the newest

    def is_active(self, now: float) -> bool:
        return self.expires_at is None or now < self.expires_at


def decode_key(text: str, prefix: str) -> bytes:
    """Decode base64 after an optional prefix, with optional padding."""
    written = text.strip().removeprefix(prefix)
    try:
        return base64.b64decode(written + "=" * (-len(written) % 4), validate=True)
    except ValueError:  # not base64, or not even ASCII
        raise InvalidInput(f"secret: not base64, as in {prefix}<base64>") from None


def signatures(
    *, message_id: str, timestamp: int, body: bytes, secrets: Sequence[SigningKey]
) -> str:
    """Sign the exact bytes that are sent; returns the value of ``webhook-signature``.

    ``timestamp`` is the unix time of this attempt in seconds, so signatures are never reused. Every
    active secret signs, the newest first: a receiver may hold any of them (rotation).
    """
    content = signed_content(message_id, str(timestamp), body)
    return " ".join(
        f"{secret.signing.version},{_written(secret.sign(content))}" for secret in secrets
    )


def signed_content(message_id: str, timestamp: str, body: bytes) -> bytes:
    return b"%s.%s.%s" % (message_id.encode(), timestamp.encode(), body)


def _written(signature: bytes) -> str:
    return base64.b64encode(signature).decode()


def active(secrets: Sequence[EncryptedSecret], now: float) -> tuple[EncryptedSecret, ...]:
    return tuple(secret for secret in secrets if secret.is_active(now))


def rotate(
    secrets: Sequence[EncryptedSecret], new: EncryptedSecret, *, now: float, overlap_seconds: float
) -> tuple[EncryptedSecret, ...]:
    """Return the secrets after a rotation: the replaced one signs on for the overlap.

    Secrets that were replaced earlier keep their end, since a receiver may count on it. An overlap
    of 0 ends all of them at once, as after a leak.
    """
    if not overlap_seconds:
        return (new,)
    ends_at = ceil(now + overlap_seconds)
    older = tuple(
        secret if secret.expires_at is not None else replace(secret, expires_at=ends_at)
        for secret in active(secrets, now)
    )
    _reject_too_many(older)
    return (new, *older)


def _reject_too_many(older: Sequence[EncryptedSecret]) -> None:
    if len(older) < MAX_ACTIVE:
        return
    next_end = min(secret.expires_at for secret in older if secret.expires_at is not None)
    raise InvalidSubscription(
        f"secret: {len(older)} sign already, at most {MAX_ACTIVE}; the next ends at"
        f" {format_rfc3339(next_end)}, and an overlap of 0 ends all"
    )
