"""Attempt: one delivery rendered, signed, sent, and what came back, read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lakehook.domain.channel import Channel, Content, Letter, shown_by
from lakehook.domain.channels import channel_of
from lakehook.domain.delivery import Delivery
from lakehook.domain.destination import destination_of
from lakehook.domain.echo import credentials_of, redacted
from lakehook.domain.errors import TemplateFailed
from lakehook.domain.mail import Mail
from lakehook.domain.outcome import Answer, Attempt, Outcome
from lakehook.domain.request import Request
from lakehook.domain.subscription import Subscription
from lakehook.ports.clock import Clock, Dice
from lakehook.ports.keys import Keyring, Keys
from lakehook.ports.sending import Exchange, NoAnswer, Post, Receiver
from lakehook.say import Say

EXCERPT_CHARACTERS = 1024
_PLAIN = "identity"


@dataclass(frozen=True)
class AttemptDelivery:
    say: Say
    post: Post
    clock: Clock

    def __call__(self, delivery: Delivery, subscription: Subscription) -> Attempt:
        try:
            content = self.say(delivery, subscription).content
        except TemplateFailed as failed:
            return self._unsaid(str(failed))
        return self.post(delivery.id, content, subscription).attempt

    def _unsaid(self, reason: str) -> Attempt:
        """No request is made: to try again would give the same."""
        return Attempt(
            at=self.clock.now(),
            outcome=Outcome.TEMPLATE_FAILED,
            milliseconds=0,
            excerpt=reason[:EXCERPT_CHARACTERS],
        )


@dataclass(frozen=True)
class PostSigned:
    """Plays ``Post``: signed anew each time, by every secret that lives."""

    keyring: Keyring
    receiver: Receiver
    clock: Clock
    dice: Dice

    def __call__(
        self, message_id: str, content: Content, subscription: Subscription, *, tell: bool = False
    ) -> Exchange:
        keys, channel = self.keyring.open(subscription), channel_of(subscription)
        letter = self._letter(message_id, content, subscription, keys)
        request = channel.address(letter)
        answer = self.receiver.post(request)
        attempt = _read(answer, channel, began=letter.at, now=self.clock.now())
        said = _said(answer)
        if said and (tell or not attempt.outcome.is_success):
            excerpt = _excerpt(said, _credentials(request, channel, keys))
            attempt = replace(attempt, excerpt=excerpt)
        return Exchange(attempt, said)

    def _letter(
        self, message_id: str, content: Content, subscription: Subscription, keys: Keys
    ) -> Letter:
        return Letter(
            id=message_id,
            content=content,
            destination=destination_of(keys.url) if keys.url else subscription.endpoint,
            at=self.clock.now(),
            deadline_seconds=subscription.deadline_seconds,
            secrets=keys.secrets,
            headers=keys.headers,
            chance=self.dice.key,
        )


def _read(answer: Answer | NoAnswer, channel: Channel, *, began: float, now: float) -> Attempt:
    milliseconds = round((now - began) * 1000)
    if isinstance(answer, NoAnswer):
        return Attempt(at=began, outcome=answer.outcome, milliseconds=milliseconds)
    reading = channel.read(answer, now=now)
    return Attempt(
        at=began,
        outcome=reading.outcome,
        milliseconds=milliseconds,
        status=answer.status,
        unwanted=reading.unwanted,
        retry_after=reading.retry_after,
    )


def _said(answer: Answer | NoAnswer) -> bytes:
    """What is not told plainly, though plain was asked for, nobody can read or look through."""
    if isinstance(answer, NoAnswer):
        return answer.detail.encode(errors="replace")
    encoding = answer.headers.get("content-encoding", _PLAIN)
    if encoding.strip().lower() in ("", _PLAIN) or not answer.body:
        return answer.body
    return f"(encoded: {encoding})".encode(errors="replace")


def _credentials(request: Request | Mail, channel: Channel, keys: Keys) -> Sequence[bytes]:
    destination = request.mailbox if isinstance(request, Mail) else request.endpoint
    return credentials_of(
        secrets=keys.secrets,
        headers=keys.headers,
        destination=destination,
        shown=shown_by(channel, destination),
    )


def _excerpt(said: bytes, credentials: Sequence[bytes]) -> str:
    """The start of what was said, on one line, without what could move a terminal.

    A receiver may show the request it got: the credentials in it do not stay.
    """
    text = redacted(said, credentials).decode(errors="replace")[:EXCERPT_CHARACTERS]
    return "".join(c if c.isprintable() else " " for c in text)
