"""Channel: renders messages for a kind of subscriber, and interprets the responses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from lakehook.domain.attempt import Response, ResponseVerdict
from lakehook.domain.delivery import Delivery
from lakehook.domain.destination import Destination, Endpoint, Mail, Request
from lakehook.domain.event import Event
from lakehook.domain.queue_message import Ping
from lakehook.domain.rate_limit import Rate
from lakehook.domain.signing import SigningKey
from lakehook.domain.subscription import Locale
from lakehook.domain.template import RenderedTemplate
from lakehook.domain.trace_context import Trace


class SignatureScheme(Enum):
    """Signature of a channel's messages, which also decides the kind of secret."""

    STANDARD_WEBHOOKS = "as in Standard Webhooks"
    DEVLAKE = "as DevLake does, with a text as the secret"
    OPTIONAL_TEXT = "the URL is a credential, and a text may sign besides"
    NONE = "unsigned: the URL is the credential"

    @property
    def is_url_credential(self) -> bool:
        return self in (SignatureScheme.OPTIONAL_TEXT, SignatureScheme.NONE)

    @property
    def has_text_secret(self) -> bool:
        return self in (SignatureScheme.DEVLAKE, SignatureScheme.OPTIONAL_TEXT)


def display_url_for(channel: "Channel", destination: Destination) -> str:
    """Return a destination as people may see it. Without a signature, the URL is the credential."""
    if channel.signature_scheme.is_url_credential and isinstance(destination, Endpoint):
        return destination.host_only
    return destination.display_url


@dataclass(frozen=True, kw_only=True)
class RenderedMessage:
    """Content of a message, before it is signed and addressed."""

    body: bytes = field(repr=False)
    subject: str = field(default="", repr=False)  # of a mail only, like ``html``
    html: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # names in lower case
    trace: Trace | None = None  # of the producer, if the event has one


@dataclass(frozen=True, kw_only=True)
class OutboundMessage:
    """Message to send, with the secrets to sign it."""

    id: str
    content: RenderedMessage
    destination: Destination = field(repr=False)
    at: float  # unix seconds
    deadline_seconds: float
    secrets: Sequence[SigningKey] = ()  # those in force, the newest first
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # the subscription's own
    random_bytes: Callable[[], bytes] = bytes  # 32 unpredictable bytes

    @property
    def endpoint(self) -> Endpoint:
        assert isinstance(self.destination, Endpoint), "HTTP channels reject other destinations"
        return self.destination

    def to_request(
        self, headers: Mapping[str, str], *, endpoint: Endpoint | None = None
    ) -> Request:
        """Build a POST. Headers: the template's override the subscription's, the channel's all."""
        return Request(
            endpoint=endpoint or self.endpoint,
            headers={**self.headers, **self.content.headers, **headers},
            body=self.content.body,
            deadline_seconds=self.deadline_seconds,
        )


class Channel(Protocol):
    """Interface of a channel, with what most of them have in common.

    Each is a module with a subclass, registered in ``channels/``.
    """

    signature_scheme: SignatureScheme
    is_localized: bool = False  # it writes to people, in a locale that the subscription chooses
    rate: Rate | None = None  # that the service accepts per destination; None if it is unlimited
    supports_templates: bool = True
    supports_success_if: bool = False  # a subscription may say what a success's body looks like
    has_keywords: bool = False  # the service may refuse a message for a word that it lacks
    has_subject: bool = False  # a template may set a subject

    def validate_destination(self, destination: Destination) -> str | None:
        """Return why nothing can be sent to this destination; None if it is supported."""
        return None if isinstance(destination, Endpoint) else "https://host/path is what it takes"

    def unsupported_reason(self, _event: Event) -> str | None:
        """Return why the channel cannot express an event; None if it can."""
        return None

    def render(self, delivery: Delivery, locale: Locale) -> RenderedMessage: ...

    def apply_template(
        self, _rendered: RenderedTemplate, default: RenderedMessage
    ) -> RenderedMessage:
        """Build the message of a template's output, with the default for each part it left out.

        Raises ``TemplateFailed`` if the service would never accept it.
        """
        return default

    def render_ping(self, _ping: Ping, _locale: Locale) -> RenderedMessage | None:
        """Render a ping; None if the channel has no form for one."""
        return None

    def build_request(self, message: OutboundMessage) -> Request | Mail:
        """Sign the exact bytes that are sent; called for each attempt."""
        ...

    def interpret(self, response: Response, *, now: float) -> ResponseVerdict: ...
