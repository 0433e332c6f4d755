"""Attempt: one delivery rendered, signed, sent, and what came back, read."""

from collections.abc import Callable
from dataclasses import dataclass

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
from lakehook.ports import Clock, Keyring, Keys, NoAnswer, Receiver

EXCERPT_CHARACTERS = 1024


@dataclass(frozen=True)
class AttemptDelivery:
    keyring: Keyring
    receiver: Receiver
    clock: Clock

    def __call__(self, delivery: Delivery, subscription: Subscription) -> Attempt:
        keys = self.keyring.open(subscription)
        body = render(delivery)
        began = self.clock.now()
        own = request_headers(message_id=delivery.id, at=began, body=body, secrets=keys.secrets)
        request = Request(
            endpoint=Endpoint.parse(keys.url) if keys.url else subscription.endpoint,
            headers={**keys.headers, **own},
            body=body,
            deadline_seconds=subscription.deadline_seconds,
        )
        answer = self.receiver.post(request)
        return self._read(answer, lambda said: _excerpt(said, request.endpoint, keys), began=began)

    def _read(
        self, answer: Answer | NoAnswer, excerpt: Callable[[bytes], str], *, began: float
    ) -> Attempt:
        now = self.clock.now()
        milliseconds = round((now - began) * 1000)
        if isinstance(answer, NoAnswer):
            return Attempt(
                at=began,
                outcome=answer.outcome,
                milliseconds=milliseconds,
                excerpt=excerpt(answer.detail.encode(errors="replace")),
            )
        outcome = read_answer(answer)
        return Attempt(
            at=began,
            outcome=outcome,
            milliseconds=milliseconds,
            status=answer.status,
            unwanted=is_unwanted(answer),
            retry_after=retry_after(answer, now=now),
            excerpt="" if outcome.is_success else excerpt(answer.body),
        )


def _excerpt(said: bytes, endpoint: Endpoint, keys: Keys) -> str:
    """The start of what was said, on one line, without what could move a terminal.

    A receiver may show the request it got: the credentials in it do not stay.
    """
    credentials = credentials_of(secrets=keys.secrets, headers=keys.headers, endpoint=endpoint)
    text = redacted(said, credentials).decode(errors="replace")[:EXCERPT_CHARACTERS]
    return "".join(c if c.isprintable() else " " for c in text)
