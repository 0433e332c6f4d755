"""A channel: how a subscriber is spoken to, and how its answers are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from lakehook.domain.delivery import Delivery
from lakehook.domain.destination import Destination
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.event import Event
from lakehook.domain.language import Language
from lakehook.domain.mail import Mail
from lakehook.domain.outcome import Answer, Reading
from lakehook.domain.ping import Ping
from lakehook.domain.rate import Rate
from lakehook.domain.request import Request
from lakehook.domain.signature import SigningKey
from lakehook.domain.template import Typeset
from lakehook.domain.trace import Trace


class Seal(Enum):
    """How a channel's messages are signed, and so what secret its subscriptions have."""

    STANDARD = "as Standard Webhooks has it"
    DEVLAKES = "as DevLake does, by a text"
    NONE = "not at all: the URL is the credential"


def shown_by(channel: "Channel", destination: Destination) -> str:
    """A destination as people may see it: where nothing is signed, the URL is the credential."""
    if channel.seal is Seal.NONE and isinstance(destination, Endpoint):
        return destination.host_alone
    return destination.shown


@dataclass(frozen=True, kw_only=True)
class Content:
    """What is said, before it is signed and addressed."""

    body: bytes = field(repr=False)
    subject: str = field(default="", repr=False)  # of a mail alone, like the next
    html: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # in lower case
    trace: Trace | None = None  # of the producer, where it told of one


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What is about to be sent, and what it may be signed with."""

    id: str
    content: Content
    destination: Destination = field(repr=False)
    at: float  # unix seconds
    deadline_seconds: float
    secrets: Sequence[SigningKey] = ()  # those that live, the newest first
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # the subscriber's own
    chance: Callable[[], bytes] = bytes  # 32 bytes that nobody can guess

    @property
    def endpoint(self) -> Endpoint:
        assert isinstance(self.destination, Endpoint), "a channel over HTTP has objected to others"
        return self.destination

    def posted(self, headers: Mapping[str, str], *, endpoint: Endpoint | None = None) -> Request:
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
    def seal(self) -> Seal: ...

    @property
    def speaks(self) -> bool:
        """Whether it says it to people, in a language that they choose."""

    @property
    def rate(self) -> Rate | None:
        """How often its service takes a message at one destination; none: as often as we like."""

    @property
    def takes_templates(self) -> bool: ...

    @property
    def has_subject(self) -> bool:
        """Whether a template may say one."""

    def objection(self, destination: Destination) -> str | None:
        """Why it can send nothing there; none if it can."""

    def silence(self, event: Event) -> str | None:
        """Why it has no words for an event; none if it has."""

    def render(self, delivery: Delivery, language: Language) -> Content: ...

    def compose(self, said: Typeset, usual: Content) -> Content:
        """What a template gave, as this channel sends it, and the usual where it gave nothing.

        ``TemplateFailed`` where its service would never take that.
        """

    def greet(self, ping: Ping, language: Language) -> Content | None:
        """A ping; none where it has no word for one."""

    def address(self, letter: Letter) -> Request | Mail:
        """Sign the very bytes that are sent, anew for each attempt."""

    def read(self, answer: Answer, *, now: float) -> Reading: ...
