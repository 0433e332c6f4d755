"""The keys that sign, in the forms in which Standard Webhooks 1.0.0 writes them.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from enum import StrEnum
from typing import ClassVar, Self

from lakehook.domain.errors import BadInput
from lakehook.domain.hidden import Hidden

SHORTEST, LONGEST = 24, 64  # bytes, Standard Webhooks 1.0.0, "Symmetric"
HALF = 32  # bytes: an ed25519 key is its seed and, behind it, its public half


class Signing(StrEnum):
    """The kinds of signature, and what Standard Webhooks calls each."""

    HMAC = "hmac"
    ED25519 = "ed25519"

    @property
    def version(self) -> str:
        return "v1" if self is Signing.HMAC else "v1a"


class Key(Hidden):
    """Bytes that sign; they are told only where ``key`` or ``reveal`` is asked for by name."""

    __slots__ = ("_key",)
    signing: ClassVar[Signing]
    prefix: ClassVar[str]

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the prefix and base64; ``BadInput`` says what is wrong and repeats none of it."""
        return cls(decoded(text, cls.prefix))

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
        if not isinstance(other, Key) or other.signing is not self.signing:
            return False
        return hmac.compare_digest(other.key, self._key)

    def __hash__(self) -> int:
        return hash((self.signing, self._key))


class Secret(Key):
    """Of HMAC-SHA256: 24 to 64 bytes that sender and receiver share."""

    __slots__ = ()
    signing = Signing.HMAC
    prefix = "whsec_"
    public: ClassVar[str | None] = None

    def __init__(self, key: bytes) -> None:
        if not SHORTEST <= len(key) <= LONGEST:
            raise BadInput(
                f"secret: {len(key)} bytes; Standard Webhooks wants {SHORTEST} to {LONGEST}"
            )
        super().__init__(key)

    def sign(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, hashlib.sha256)

    def verifies(self, content: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(self.sign(content), signature)


class PrivateKey(Key):
    """Of ed25519: what the sender alone holds, of which the receiver knows the public half.

    To sign with it takes more than the standard library, so that is an adapter's work.
    """

    __slots__ = ()
    signing = Signing.ED25519
    prefix = "whsk_"

    def __init__(self, key: bytes) -> None:
        if len(key) != 2 * HALF:
            raise BadInput(
                f"secret: {len(key)} bytes; an ed25519 key has {2 * HALF}, seed and public half"
            )
        super().__init__(key)

    @property
    def seed(self) -> bytes:
        return self._key[:HALF]

    @property
    def public(self) -> str:
        return PublicKey(self._key[HALF:]).reveal()


class PublicKey(Key):
    """The half of an ed25519 key that anyone may see."""

    __slots__ = ()
    signing = Signing.ED25519
    prefix = "whpk_"

    def __init__(self, key: bytes) -> None:
        if len(key) != HALF:
            raise BadInput(f"public key: {len(key)} bytes; that of ed25519 has {HALF}")
        super().__init__(key)


def decoded(text: str, prefix: str) -> bytes:
    """The bytes after a prefix that may be missing; so may the padding of their base64."""
    written = text.strip().removeprefix(prefix)
    try:
        return base64.b64decode(written + "=" * (-len(written) % 4), validate=True)
    except ValueError:  # not base64, or not even ASCII
        raise BadInput(f"secret: not base64, as in {prefix}<base64>") from None
