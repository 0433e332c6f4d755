"""What goes out, and what comes back."""

from dataclasses import dataclass, field
from typing import Protocol

from lakehook.domain.channel import Content
from lakehook.domain.document import Document
from lakehook.domain.mail import Mail
from lakehook.domain.outcome import Answer, Attempt, Outcome
from lakehook.domain.ping import Ping, Pong
from lakehook.domain.request import Request
from lakehook.domain.subscription import Subscription
from lakehook.domain.template import Template, Typeset


@dataclass(frozen=True)
class NoAnswer:
    outcome: Outcome
    detail: str


class Receiver(Protocol):
    def post(self, request: Request | Mail) -> Answer | NoAnswer:
        """Send one request and nothing else: no redirect, no repeat, one deadline."""


@dataclass(frozen=True)
class Exchange:
    """One request, and what came back: read, and as it was."""

    attempt: Attempt
    body: bytes = field(default=b"", repr=False)


class Post(Protocol):
    def __call__(
        self, message_id: str, content: Content, subscription: Subscription, *, tell: bool = False
    ) -> Exchange:
        """Sign and send; ``tell`` keeps the start of what was said also of a success."""


class Typesetter(Protocol):
    """Sets templates. The same template gives the same for the same fields, wherever it is set."""

    def check(self, template: Template) -> None:
        """``BadSubscription`` names the part, the line, what is wrong there, what is allowed."""

    def set(self, template: Template, fields: Document) -> Typeset:
        """``TemplateFailed`` says why it gives nothing that could be sent."""


class Pings(Protocol):
    def record(self, ping: Ping, pong: Pong) -> None:
        """Keep what came of a ping, for a day."""

    def find(self, ping: Ping) -> Pong | None:
        """What came of it; none as long as nothing has."""
