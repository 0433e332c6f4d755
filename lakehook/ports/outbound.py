"""Ports of outbound requests: transports, templates, credentials and endpoint checks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

from lakehook.domain.attempt import Attempt, Outcome, Response
from lakehook.domain.channels.base import RenderedMessage
from lakehook.domain.client_certificate import CertificateFacts, ClientCertificate
from lakehook.domain.destination import Mail, Request
from lakehook.domain.json_document import Document
from lakehook.domain.queue_message import Ping, PingResult
from lakehook.domain.signing import NonPrintable, SignatureAlgorithm, SigningKey, VerifyingKey
from lakehook.domain.subscription import Subscription
from lakehook.domain.template import RenderedTemplate, Template

ResolveHost = Callable[[str, int], Sequence[str]]
"""Returns every address of a host and port; ``OSError`` when it has none."""

Warn = Callable[[str], None]
"""Warns the operator of something that is allowed but may be a mistake."""


@dataclass(frozen=True)
class NoResponse:
    outcome: Outcome
    detail: str


class Transport(Protocol):
    def send(self, request: Request | Mail) -> Response | NoResponse:
        """Send one request and nothing else: no redirect, no repeat, one deadline."""


@dataclass(frozen=True)
class SendResult:
    """Result of one request: the interpreted attempt, and the raw response."""

    attempt: Attempt
    body: bytes = field(default=b"", repr=False)


class Sender(Protocol):
    def __call__(
        self,
        message_id: str,
        content: RenderedMessage,
        subscription: Subscription,
        *,
        keep_response: bool = False,
        ends_before: float = inf,
    ) -> SendResult:
        """Sign and send; ``keep_response`` keeps an excerpt of a successful response, too.

        ``InsufficientTime`` if the exchange might not end before a time.
        """


class TemplateRenderer(Protocol):
    """Renders templates: the same output for the same fields, on every machine."""

    def validate(self, template: Template) -> None:
        """``InvalidSubscription`` names the part, the line, what is wrong and what is allowed."""

    def render(self, template: Template, fields: Document) -> RenderedTemplate:
        """``TemplateFailed`` says why the output cannot be sent."""


class Pings(Protocol):
    def record(self, ping: Ping, result: PingResult) -> None:
        """Keep the result of a ping for a day."""

    def find(self, ping: Ping) -> PingResult | None:
        """The result of a ping; None until there is one."""


class ParsedClientCertificate(NonPrintable):
    """A client certificate that was checked, and its private key, which is not encrypted yet."""

    __slots__ = ("certificates", "facts", "key")

    def __init__(self, certificates: str, key: bytes, facts: CertificateFacts) -> None:
        self.certificates = certificates
        self.key = key
        self.facts = facts


ParseClientCertificate = Callable[[str, str], ParsedClientCertificate]
"""Parses a certificate and its key, both PEM; ``InvalidInput`` repeats nothing of the key."""


class SubscriptionCredentials(NonPrintable):
    """Decrypted credentials of a subscription: never stored, never shown."""

    __slots__ = ("client_certificate", "headers", "secrets", "url")

    def __init__(
        self,
        secrets: tuple[SigningKey, ...],
        headers: Mapping[str, str] | None = None,
        *,
        url: str | None = None,
        client_certificate: ClientCertificate | None = None,
    ) -> None:
        self.secrets = secrets
        self.client_certificate = client_certificate
        self.url = url  # set even if the subscription has only a displayed URL
        self.headers: Mapping[str, str] = headers or {}


class CredentialStore(Protocol):
    def load(self, subscription: Subscription) -> SubscriptionCredentials:
        """Decrypt a subscription's credentials, with its active secrets."""


class Encryptor(Protocol):
    def encrypt(self, plaintext: bytes, *, subscription_id: str) -> bytes:
        """Encrypt so that only the deliver function can decrypt, and only for this subscription."""


class SigningKeyFactory(Protocol):
    """Factory of signing keys. Errors are ``InvalidInput`` and do not repeat the text."""

    def generate(self, signing: SignatureAlgorithm, seed: bytes) -> SigningKey:
        """Generate a key from 32 random bytes."""

    def parse(self, text: str) -> SigningKey:
        """Parse a provided key: ``whsec_…`` or ``whsk_…``."""

    def from_bytes(self, signing: SignatureAlgorithm, key: bytes) -> SigningKey:
        """Restore a key that was encrypted."""

    def parse_verifying_key(self, text: str) -> VerifyingKey:
        """Parse a key for verification: a shared secret, or either half of an ed25519 key."""
