"""Attempt: one delivery rendered, signed, sent, and what came back, read."""

from dataclasses import dataclass

from lakehook.domain.delivery import Delivery
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
            endpoint=subscription.endpoint,
            headers={**keys.headers, **own},
            body=body,
            deadline_seconds=subscription.deadline_seconds,
        )
        return self._read(self.receiver.post(request), keys, began=began)

    def _read(self, answer: Answer | NoAnswer, keys: Keys, *, began: float) -> Attempt:
        now = self.clock.now()
        milliseconds = round((now - began) * 1000)
        if isinstance(answer, NoAnswer):
            return Attempt(
                at=began,
                outcome=answer.outcome,
                milliseconds=milliseconds,
                excerpt=answer.detail[:EXCERPT_CHARACTERS],
            )
        outcome = read_answer(answer)
        return Attempt(
            at=began,
            outcome=outcome,
            milliseconds=milliseconds,
            status=answer.status,
            unwanted=is_unwanted(answer),
            retry_after=retry_after(answer, now=now),
            excerpt="" if outcome.is_success else _cleaned(answer.body, keys),
        )


def _cleaned(body: bytes, keys: Keys) -> str:
    """The start of a failed answer, on one line, without what could move a terminal.

    A receiver may show the request it got: the credentials in it do not stay.
    """
    text = body.decode(errors="replace")
    for credential in keys.headers.values():
        text = text.replace(credential, "…") if credential else text
    text = text[:EXCERPT_CHARACTERS]
    return "".join(c if c.isprintable() else " " for c in text)[:EXCERPT_CHARACTERS]
