"""Keys: made, sealed, opened."""

from collections.abc import Mapping
from typing import Protocol

from lakehook.domain.hidden import Hidden
from lakehook.domain.secret import Signing
from lakehook.domain.signature import SigningKey, VerifyingKey
from lakehook.domain.subscription import Subscription


class Keys(Hidden):
    """What a subscription keeps sealed, opened: never stored, never shown."""

    __slots__ = ("headers", "secrets", "url")

    def __init__(
        self,
        secrets: tuple[SigningKey, ...],
        headers: Mapping[str, str] | None = None,
        *,
        url: str | None = None,
    ) -> None:
        self.secrets = secrets
        self.url = url  # where the subscription does not say all of it
        self.headers: Mapping[str, str] = headers or {}


class Keyring(Protocol):
    def open(self, subscription: Subscription) -> Keys:
        """Open what the subscription keeps sealed; of its secrets, those that live as of now."""


class Sealer(Protocol):
    def seal(self, plaintext: bytes, *, subscription_id: str) -> bytes:
        """Encrypt so that only the sender can open it, and only for this subscription."""


class Keysmith(Protocol):
    """Makes keys of either kind. What it refuses is ``BadInput`` and not repeated."""

    def make(self, signing: Signing, seed: bytes) -> SigningKey:
        """A new one of 32 bytes that nobody can guess."""

    def read(self, text: str) -> SigningKey:
        """One that somebody brings: ``whsec_…`` or ``whsk_…``."""

    def restore(self, signing: Signing, key: bytes) -> SigningKey:
        """One as it was sealed."""

    def verifying(self, text: str) -> VerifyingKey:
        """What verifies: a shared secret, or either half of an ed25519 key."""
