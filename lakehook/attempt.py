"""Attempt: one delivery rendered, signed, sent, and what came back, read."""

from dataclasses import dataclass, replace

from lakehook.domain.channel import Addressed, Channel, Letter
from lakehook.domain.channels import channel_of
from lakehook.domain.delivery import Delivery
from lakehook.domain.echo import credentials_of, redacted
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.outcome import Answer, Attempt
from lakehook.domain.subscription import Subscription
from lakehook.domain.webhook import Request, is_unwanted, retry_after
from lakehook.ports import Clock, Dice, Exchange, Keyring, Keys, NoAnswer, Post, Receiver

EXCERPT_CHARACTERS = 1024
_PLAIN = "identity"


@dataclass(frozen=True)
class AttemptDelivery:
    post: Post

    def __call__(self, delivery: Delivery, subscription: Subscription) -> Attempt:
        body = channel_of(subscription).render(delivery)
        return self.post(delivery.id, body, subscription).attempt


@dataclass(frozen=True)
class PostSigned:
    """Plays ``Post``: signed anew each time, by every secret that lives."""

    keyring: Keyring
    receiver: Receiver
    clock: Clock
    dice: Dice

    def __call__(
        self, message_id: str, body: bytes, subscription: Subscription, *, tell: bool = False
    ) -> Exchange:
        keys, channel = self.keyring.open(subscription), channel_of(subscription)
        began = self.clock.now()
        letter = Letter(
            id=message_id,
            body=body,
            endpoint=Endpoint.parse(keys.url) if keys.url else subscription.endpoint,
            at=began,
            secrets=keys.secrets,
            chance=self.dice.key,
        )
        request = _request(letter, channel.address(letter), subscription, keys)
        answer = self.receiver.post(request)
        attempt = _read(answer, channel, began=began, now=self.clock.now())
        said = _said(answer)
        if said and (tell or not attempt.outcome.is_success):
            attempt = replace(attempt, excerpt=_excerpt(said, request.endpoint, keys))
        return Exchange(attempt, said)


def _request(
    letter: Letter, addressed: Addressed, subscription: Subscription, keys: Keys
) -> Request:
    return Request(
        endpoint=addressed.endpoint,
        headers={**keys.headers, **addressed.headers},
        body=letter.body,
        deadline_seconds=subscription.deadline_seconds,
    )


def _read(answer: Answer | NoAnswer, channel: Channel, *, began: float, now: float) -> Attempt:
    milliseconds = round((now - began) * 1000)
    if isinstance(answer, NoAnswer):
        return Attempt(at=began, outcome=answer.outcome, milliseconds=milliseconds)
    return Attempt(
        at=began,
        outcome=channel.read(answer),
        milliseconds=milliseconds,
        status=answer.status,
        unwanted=is_unwanted(answer),
        retry_after=retry_after(answer, now=now),
    )


def _said(answer: Answer | NoAnswer) -> bytes:
    """What is not told plainly, though plain was asked for, nobody can read or look through."""
    if isinstance(answer, NoAnswer):
        return answer.detail.encode(errors="replace")
    encoding = answer.headers.get("content-encoding", _PLAIN)
    if encoding.strip().lower() in ("", _PLAIN) or not answer.body:
        return answer.body
    return f"(encoded: {encoding})".encode(errors="replace")


def _excerpt(said: bytes, endpoint: Endpoint, keys: Keys) -> str:
    """The start of what was said, on one line, without what could move a terminal.

    A receiver may show the request it got: the credentials in it do not stay.
    """
    credentials = credentials_of(secrets=keys.secrets, headers=keys.headers, endpoint=endpoint)
    text = redacted(said, credentials).decode(errors="replace")[:EXCERPT_CHARACTERS]
    return "".join(c if c.isprintable() else " " for c in text)
