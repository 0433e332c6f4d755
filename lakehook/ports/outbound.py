"""Ports of outbound requests: transports, templates, credentials and endpoint checks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lakehook.domain.attempt import Attempt, Outcome, Response
from lakehook.domain.channels.base import RenderedMessage
from lakehook.domain.destination import Mail, Request
from lakehook.domain.json_document import Document
from lakehook.domain.ping import Ping, PingResult
from lakehook.domain.signing import NonPrintable, SignatureAlgorithm, SigningKey, VerifyingKey
from lakehook.domain.subscription import Subscription
from lakehook.domain.template import RenderedTemplate, Template

ResolveHost = Callable[[str, int], Sequence[str]]
"""Every address of a host and port; ``OSError`` when it has none."""

Warn = Callable[[str], None]
"""Tell the operator of what is allowed and yet may be a mistake."""


@dataclass(frozen=True)
class NoResponse:
    outcome: Outcome
    detail: str


class Transport(Protocol):
    def send(self, request: Request | Mail) -> Response | NoResponse:
        """Send one request and nothing else: no redirect, no repeat, one deadline."""


@dataclass(frozen=True)
class SendResult:
    """One request, and what came back: read, and as it was."""

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
    ) -> SendResult:
        """Sign and send; ``tell`` keeps the start of what was said also of a success."""


class TemplateRenderer(Protocol):
    """Sets templates. The same template gives the same for the same fields, wherever it is set."""

    def validate(self, template: Template) -> None:
        """``InvalidSubscription`` names the part, the line, what is wrong and what is allowed."""

    def render(self, template: Template, fields: Document) -> RenderedTemplate:
        """``TemplateFailed`` says why it gives nothing that could be sent."""


class Pings(Protocol):
    def record(self, ping: Ping, result: PingResult) -> None:
        """Keep what came of a ping, for a day."""

    def find(self, ping: Ping) -> PingResult | None:
        """What came of it; none as long as nothing has."""


class SubscriptionCredentials(NonPrintable):
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


class CredentialStore(Protocol):
    def load(self, subscription: Subscription) -> SubscriptionCredentials:
        """Open what the subscription keeps sealed; of its secrets, those that live as of now."""


class Encryptor(Protocol):
    def encrypt(self, plaintext: bytes, *, subscription_id: str) -> bytes:
        """Encrypt so that only the sender can open it, and only for this subscription."""


class SigningKeyFactory(Protocol):
    """Makes keys of either kind. What it refuses is ``InvalidInput`` and not repeated."""

    def generate(self, signing: SignatureAlgorithm, seed: bytes) -> SigningKey:
        """A new one of 32 bytes that nobody can guess."""

    def parse(self, text: str) -> SigningKey:
        """One that somebody brings: ``whsec_…`` or ``whsk_…``."""

    def from_bytes(self, signing: SignatureAlgorithm, key: bytes) -> SigningKey:
        """One as it was sealed."""

    def parse_verifying_key(self, text: str) -> VerifyingKey:
        """What verifies: a shared secret, or either half of an ed25519 key."""
