"""Client certificates: how a subscription authenticates itself to its receiver in TLS (mTLS).

The certificate is public and stored as it is; its private key is encrypted like a secret.
"""

from dataclasses import dataclass, field
from hashlib import sha256

from lakehook.domain.errors import InvalidInput
from lakehook.domain.signing import NonPrintable
from lakehook.domain.time import format_rfc3339

WARN_SECONDS = 30 * 24 * 3600.0
"""Time before its expiry from which a certificate is warned of."""


class ClientCertificate(NonPrintable):
    """A certificate with its private key, in PEM, as it is presented to a receiver."""

    __slots__ = ("digest", "pem")

    def __init__(self, certificates: bytes, key: bytes) -> None:
        self.pem = certificates + key
        self.digest = sha256(self.pem).hexdigest()
        """Identity of both together: a certificate alone must not use another's connection."""


@dataclass(frozen=True, kw_only=True)
class CertificateFacts:
    """Facts of a certificate, for people."""

    subject: str
    fingerprint: str  # SHA-256 of its DER form, in hex
    not_before: float  # unix seconds, as the next one
    expires_at: float


@dataclass(frozen=True, kw_only=True)
class EncryptedClientCertificate:
    """A certificate as it is stored: only the sender's KMS key decrypts its private key."""

    certificates: str = field(repr=False)  # PEM: its own, then the intermediate ones
    encrypted_key: bytes = field(repr=False)
    facts: CertificateFacts
    created_at: str

    def expires_soon(self, now: float) -> bool:
        return self.facts.expires_at - now <= WARN_SECONDS


def check_validity(facts: CertificateFacts, *, now: float) -> None:
    """Raise ``InvalidInput`` unless the certificate is valid now: it would be used at once."""
    if now >= facts.expires_at:
        raise InvalidInput(f"certificate: it expired at {format_rfc3339(facts.expires_at)}")
    if now < facts.not_before:
        raise InvalidInput(f"certificate: it is valid from {format_rfc3339(facts.not_before)} on")
