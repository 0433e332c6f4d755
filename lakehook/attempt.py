"""Attempt: one delivery rendered, signed, sent, and what came back, read."""

from dataclasses import dataclass, replace

from lakehook.domain.delivery import Delivery
from lakehook.domain.echo import credentials_of, redacted
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.outcome import Answer, Attempt
from lakehook.domain.subscription import Subscription
from lakehook.domain.webhook import (
    Request,
    is_unwanted,
    read_answer,
    render,
    request_headers,
    retry_after,
)
from lakehook.ports import Clock, Exchange, Keyring, Keys, NoAnswer, Post, Receiver

EXCERPT_CHARACTERS = 1024
_PLAIN = "identity"


@dataclass(frozen=True)
class AttemptDelivery:
    post: Post

    def __call__(self, delivery: Delivery, subscription: Subscription) -> Attempt:
        return self.post(delivery.id, render(delivery), subscription).attempt


@dataclass(frozen=True)
class PostSigned:
    """Plays ``Post``: signed anew each time, by every secret that lives."""

    keyring: Keyring
    receiver: Receiver
    clock: Clock

    def __call__(
        self, message_id: str, body: bytes, subscription: Subscription, *, tell: bool = False
    ) -> Exchange:
        keys = self.keyring.open(subscription)
        began = self.clock.now()
        request = _request(message_id, body, subscription, keys, at=began)
        answer = self.receiver.post(request)
        attempt = _read(answer, began=began, now=self.clock.now())
        said = _said(answer)
        if said and (tell or not attempt.outcome.is_success):
            attempt = replace(attempt, excerpt=_excerpt(said, request.endpoint, keys))
        return Exchange(attempt, said)


def _request(
    message_id: str, body: bytes, subscription: Subscription, keys: Keys, *, at: float
) -> Request:
    own = request_headers(message_id=message_id, at=at, body=body, secrets=keys.secrets)
    return Request(
        endpoint=Endpoint.parse(keys.url) if keys.url else subscription.endpoint,
        headers={**keys.headers, **own},
        body=body,
        deadline_seconds=subscription.deadline_seconds,
    )


def _read(answer: Answer | NoAnswer, *, began: float, now: float) -> Attempt:
    milliseconds = round((now - began) * 1000)
    if isinstance(answer, NoAnswer):
        return Attempt(at=began, outcome=answer.outcome, milliseconds=milliseconds)
    return Attempt(
        at=began,
        outcome=read_answer(answer),
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
