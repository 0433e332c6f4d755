"""Signing keys of both kinds. Only ed25519 imports ``cryptography``.

The import takes 25 ms and 8 MB on a laptop: a cold start without such a key avoids it.
"""

from lakehook.domain.errors import InvalidInput
from lakehook.domain.signing import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
    HmacSecret,
    SignatureAlgorithm,
    SigningKey,
    VerifyingKey,
)

_WHSK = f"{Ed25519PrivateKey.prefix}<base64>"


class CryptographyPrivateKey(Ed25519PrivateKey):
    """Private key of RFC 8032; its signatures are Standard Webhooks' ``v1a``."""

    __slots__ = ()

    @classmethod
    def of_seed(cls, seed: bytes) -> "CryptographyPrivateKey":
        return cls(seed + _public_bytes(seed))

    def sign(self, content: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

        return ed25519.Ed25519PrivateKey.from_private_bytes(self.seed).sign(content)


class CryptographyPublicKey(Ed25519PublicKey):
    __slots__ = ()

    def verifies(self, content: bytes, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.key).verify(signature, content)
        except InvalidSignature:
            return False
        return True


class CryptographySigningKeys:
    """``SigningKeyFactory`` by ``cryptography``."""

    def generate(self, signing: SignatureAlgorithm, seed: bytes) -> SigningKey:
        return (
            HmacSecret(seed)
            if signing is SignatureAlgorithm.HMAC
            else CryptographyPrivateKey.of_seed(seed)
        )

    def parse(self, text: str) -> SigningKey:
        written = text.strip()
        if written.startswith(Ed25519PublicKey.prefix):
            raise InvalidInput(f"secret: a public key cannot sign; its other half is {_WHSK}")
        if not written.startswith(Ed25519PrivateKey.prefix):
            return HmacSecret.parse(written)
        key = CryptographyPrivateKey.parse(written)
        if CryptographyPrivateKey.of_seed(key.seed) != key:
            raise InvalidInput("secret: its public half is not that of its seed")
        return key

    def from_bytes(self, signing: SignatureAlgorithm, key: bytes) -> SigningKey:
        return (
            HmacSecret(key) if signing is SignatureAlgorithm.HMAC else CryptographyPrivateKey(key)
        )

    def parse_verifying_key(self, text: str) -> VerifyingKey:
        written = text.strip()
        if written.startswith(Ed25519PrivateKey.prefix):
            return CryptographyPublicKey.parse(Ed25519PrivateKey.parse(written).public)
        if written.startswith(Ed25519PublicKey.prefix):
            return CryptographyPublicKey.parse(written)
        return HmacSecret.parse(written)


def _public_bytes(seed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    return ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
