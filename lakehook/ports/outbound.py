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
"""Warn the operator of what is allowed and may be a mistake."""


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
        """Sign and send; ``keep_response`` keeps an excerpt also of a success."""


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


class SubscriptionCredentials(NonPrintable):
    """Decrypted credentials of a subscription: never stored, never shown."""

    __slots__ = ("headers", "secrets", "url")

    def __init__(
        self,
        secrets: tuple[SigningKey, ...],
        headers: Mapping[str, str] | None = None,
        *,
        url: str | None = None,
    ) -> None:
        self.secrets = secrets
        self.url = url  # if the subscription has only a part of it
        self.headers: Mapping[str, str] = headers or {}


class CredentialStore(Protocol):
    def load(self, subscription: Subscription) -> SubscriptionCredentials:
        """Decrypt a subscription's credentials; of its secrets, the active ones."""


class Encryptor(Protocol):
    def encrypt(self, plaintext: bytes, *, subscription_id: str) -> bytes:
        """Encrypt for the deliver function alone, and for this subscription alone."""


class SigningKeyFactory(Protocol):
    """Makes keys of either kind. What it refuses is ``InvalidInput`` and not repeated."""

    def generate(self, signing: SignatureAlgorithm, seed: bytes) -> SigningKey:
        """A new key of 32 random bytes."""

    def parse(self, text: str) -> SigningKey:
        """A provided key: ``whsec_…`` or ``whsk_…``."""

    def from_bytes(self, signing: SignatureAlgorithm, key: bytes) -> SigningKey:
        """A key that was encrypted."""

    def parse_verifying_key(self, text: str) -> VerifyingKey:
        """What verifies: a shared secret, or either half of an ed25519 key."""
