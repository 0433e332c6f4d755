"""Channel: how messages to a subscriber are written, and its responses interpreted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from lakehook.domain.attempt import Response, ResponseVerdict
from lakehook.domain.delivery import Delivery
from lakehook.domain.destination import Destination, Endpoint, Mail, Request
from lakehook.domain.event import Event
from lakehook.domain.ping import Ping
from lakehook.domain.rate_limit import Rate
from lakehook.domain.signing import SigningKey
from lakehook.domain.subscription import Language
from lakehook.domain.template import RenderedTemplate
from lakehook.domain.trace_context import Trace


class SignatureScheme(Enum):
    """How a channel's messages are signed, and so what secret its subscriptions have."""

    STANDARD_WEBHOOKS = "as Standard Webhooks has it"
    DEVLAKE = "as DevLake does, by a text"
    NONE = "not at all: the URL is the credential"


def display_url_for(channel: "Channel", destination: Destination) -> str:
    """A destination as people may see it: where nothing is signed, the URL is the credential."""
    if channel.signature_scheme is SignatureScheme.NONE and isinstance(destination, Endpoint):
        return destination.host_only
    return destination.display_url


@dataclass(frozen=True, kw_only=True)
class RenderedMessage:
    """What is said, before it is signed and addressed."""

    body: bytes = field(repr=False)
    subject: str = field(default="", repr=False)  # of a mail alone, like the next
    html: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # in lower case
    trace: Trace | None = None  # of the producer, where it told of one


@dataclass(frozen=True, kw_only=True)
class OutboundMessage:
    """What is about to be sent, and what it may be signed with."""

    id: str
    content: RenderedMessage
    destination: Destination = field(repr=False)
    at: float  # unix seconds
    deadline_seconds: float
    secrets: Sequence[SigningKey] = ()  # those that live, the newest first
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # the subscriber's own
    random_bytes: Callable[[], bytes] = bytes  # 32 bytes that nobody can guess

    @property
    def endpoint(self) -> Endpoint:
        assert isinstance(self.destination, Endpoint), "a channel over HTTP has objected to others"
        return self.destination

    def to_request(
        self, headers: Mapping[str, str], *, endpoint: Endpoint | None = None
    ) -> Request:
        """As one POST. The template's headers win over the subscriber's, the channel's over all."""
        return Request(
            endpoint=endpoint or self.endpoint,
            headers={**self.headers, **self.content.headers, **headers},
            body=self.content.body,
            deadline_seconds=self.deadline_seconds,
        )


class Channel(Protocol):
    """To add one: a module that plays this, and its line in ``channels.py``."""

    @property
    def signature_scheme(self) -> SignatureScheme: ...

    @property
    def is_localized(self) -> bool:
        """Whether it says it to people, in a language that they choose."""

    @property
    def rate(self) -> Rate | None:
        """How often its service takes a message at one destination; none: as often as we like."""

    @property
    def supports_templates(self) -> bool: ...

    @property
    def has_subject(self) -> bool:
        """Whether a template may say one."""

    def validate_destination(self, destination: Destination) -> str | None:
        """Why it can send nothing there; none if it can."""

    def unsupported_reason(self, event: Event) -> str | None:
        """Why it has no words for an event; none if it has."""

    def render(self, delivery: Delivery, language: Language) -> RenderedMessage: ...

    def apply_template(
        self, rendered: RenderedTemplate, default: RenderedMessage
    ) -> RenderedMessage:
        """What a template gave, as this channel sends it, and the usual where it gave nothing.

        ``TemplateFailed`` where its service would never take that.
        """

    def render_ping(self, ping: Ping, language: Language) -> RenderedMessage | None:
        """A ping; none where it has no word for one."""

    def build_request(self, message: OutboundMessage) -> Request | Mail:
        """Sign the very bytes that are sent, anew for each attempt."""

    def interpret(self, response: Response, *, now: float) -> ResponseVerdict: ...
