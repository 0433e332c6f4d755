"""Signing keys and signatures of Standard Webhooks 1.0.0, and the rotation of secrets.

After a rotation the newest secret signs, and older ones sign too until they expire. Secrets have a
``repr`` that shows nothing.

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
ED25519_SEED_BYTES = 32  # bytes: an ed25519 key is its seed and, behind it, its public half
MAX_ACTIVE = 10
MAX_OVERLAP_SECONDS = 30 * 24 * 3600.0


class NonPrintable:
    """It is neither printed nor pickled, and ``asdict`` and ``vars`` find nothing in it.

    A copy is the thing itself: there is one place in memory less to look for it.
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
    """The kinds of signature, and what Standard Webhooks calls each."""

    HMAC = "hmac"
    ED25519 = "ed25519"

    @property
    def version(self) -> str:
        return "v1" if self is SignatureAlgorithm.HMAC else "v1a"


class SigningKeyBase(NonPrintable):
    """Bytes that sign; they are told only where ``key`` or ``reveal`` is asked for by name."""

    __slots__ = ("_key",)
    signing: ClassVar[SignatureAlgorithm]
    prefix: ClassVar[str]

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the prefix and base64.

        ``InvalidInput`` says what is wrong and repeats none of it.
        """
        return cls(decode_key(text, cls.prefix))

    @property
    def key(self) -> bytes:
        return self._key

    @property
    def plaintext(self) -> bytes:
        """What is sealed."""
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
    """Of HMAC-SHA256: 24 to 64 bytes that sender and receiver share."""

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
    """Of ed25519: what the sender alone holds, of which the receiver knows the public half.

    To sign with it takes more than the standard library, so that is an adapter's work.
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
    """The half of an ed25519 key that anyone may see."""

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
    """A secret that signs, of whichever kind."""

    @property
    def signing(self) -> SignatureAlgorithm: ...

    @property
    def key(self) -> bytes: ...

    @property
    def plaintext(self) -> bytes:
        """What is sealed."""

    @property
    def public(self) -> str | None:
        """What a receiver verifies with, where that is no secret."""

    def reveal(self) -> str: ...

    def sign(self, content: bytes) -> bytes: ...


class VerifyingKey(Protocol):
    """What a receiver holds: the shared secret, or the public half of the sender's."""

    @property
    def signing(self) -> SignatureAlgorithm: ...

    def verifies(self, content: bytes, signature: bytes) -> bool:
        """Whether it is the signature of just that; it takes as long where it nearly is."""


@dataclass(frozen=True, kw_only=True)
class EncryptedSecret:
    """A secret as it is stored: a ciphertext that only the sender's key opens."""

    ciphertext: bytes
    signing: SignatureAlgorithm = SignatureAlgorithm.HMAC
    public: str | None = None  # of ed25519, the half that is none
    created_at: str = ""
    expires_at: int | None = None  # unix seconds; none while it is the newest

    def is_active(self, now: float) -> bool:
        return self.expires_at is None or now < self.expires_at


def decode_key(text: str, prefix: str) -> bytes:
    """The bytes after a prefix that may be missing; so may the padding of their base64."""
    written = text.strip().removeprefix(prefix)
    try:
        return base64.b64decode(written + "=" * (-len(written) % 4), validate=True)
    except ValueError:  # not base64, or not even ASCII
        raise InvalidInput(f"secret: not base64, as in {prefix}<base64>") from None


def signatures(
    *, message_id: str, timestamp: int, body: bytes, secrets: Sequence[SigningKey]
) -> str:
    """Sign the very bytes that are sent: the value of ``webhook-signature``.

    ``timestamp`` is the unix time of this attempt in seconds, so a signature is never kept.
    Every live secret signs, the newest first: a receiver may hold any of them (rotation).
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
    """The secrets when a new one takes over: the one it replaces signs on for the overlap.

    Those that were replaced before keep the end they were told, for a receiver may count on it.
    Without any overlap every one of them ends at once: so a secret that leaked is put out.
    """
    if not overlap_seconds:
        return (new,)
    ends_at = ceil(now + overlap_seconds)
    older = tuple(
        one if one.expires_at is not None else replace(one, expires_at=ends_at)
        for one in active(secrets, now)
    )
    _refuse_too_many(older)
    return (new, *older)


def _refuse_too_many(older: Sequence[EncryptedSecret]) -> None:
    if len(older) < MAX_ACTIVE:
        return
    next_end = min(one.expires_at for one in older if one.expires_at is not None)
    raise InvalidSubscription(
        f"secret: {len(older)} sign already, at most {MAX_ACTIVE}; the next ends at"
        f" {format_rfc3339(next_end)}, and an overlap of 0 ends all"
    )
