"""The keys of both kinds. Only ed25519 needs ``cryptography``, and only those who use it wait.

Its import takes 25 ms and 8 MB on a laptop: a cold start that sees no such key is spared them.
"""

from lakehook.domain.errors import BadInput
from lakehook.domain.secret import PrivateKey, PublicKey, Secret, Signing
from lakehook.domain.signature import SigningKey, VerifyingKey


class Ed25519Key(PrivateKey):
    """RFC 8032; signatures of it are Standard Webhooks' ``v1a``."""

    __slots__ = ()

    @classmethod
    def of_seed(cls, seed: bytes) -> "Ed25519Key":
        return cls(seed + _public_half(seed))

    def sign(self, content: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

        return ed25519.Ed25519PrivateKey.from_private_bytes(self.seed).sign(content)


class Ed25519PublicKey(PublicKey):
    __slots__ = ()

    def verifies(self, content: bytes, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.key).verify(signature, content)
        except InvalidSignature:
            return False
        return True


class SigningKeys:
    """Plays ``Keysmith``."""

    def make(self, signing: Signing, seed: bytes) -> SigningKey:
        return Secret(seed) if signing is Signing.HMAC else Ed25519Key.of_seed(seed)

    def read(self, text: str) -> SigningKey:
        written = text.strip()
        if written.startswith(PublicKey.prefix):
            raise BadInput(f"secret: a public key cannot sign; its other half is {_WHSK}")
        if not written.startswith(PrivateKey.prefix):
            return Secret.parse(written)
        key = Ed25519Key.parse(written)
        if Ed25519Key.of_seed(key.seed) != key:
            raise BadInput("secret: its public half is not that of its seed")
        return key

    def restore(self, signing: Signing, key: bytes) -> SigningKey:
        return Secret(key) if signing is Signing.HMAC else Ed25519Key(key)

    def verifying(self, text: str) -> VerifyingKey:
        written = text.strip()
        if written.startswith(PrivateKey.prefix):
            return Ed25519PublicKey.parse(PrivateKey.parse(written).public)
        if written.startswith(PublicKey.prefix):
            return Ed25519PublicKey.parse(written)
        return Secret.parse(written)


_WHSK = f"{PrivateKey.prefix}<base64>"


def _public_half(seed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    return ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
