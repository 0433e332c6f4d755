"""The carriers: each message goes its way."""

from dataclasses import dataclass
from typing import Protocol

from lakehook.domain.mail import Mail
from lakehook.domain.outcome import Answer
from lakehook.domain.request import Request
from lakehook.ports.sending import NoAnswer


class Poster(Protocol):
    def post(self, request: Request) -> Answer | NoAnswer: ...


class Mailer(Protocol):
    def post(self, mail: Mail) -> Answer | NoAnswer: ...


@dataclass(frozen=True)
class Carriers:
    """Plays ``Receiver``."""

    http: Poster
    mail: Mailer

    def post(self, request: Request | Mail) -> Answer | NoAnswer:
        return self.mail.post(request) if isinstance(request, Mail) else self.http.post(request)
