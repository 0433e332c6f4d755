"""Requests for deliveries whose subscriber has a template."""

import json
from pathlib import Path

from lakehook.domain.attempt import Attempt, Consequence, Outcome
from lakehook.domain.destination import Request
from lakehook.domain.signing import HmacSecret, signatures
from lakehook.domain.subscription import Subscription
from lakehook.domain.template import Template
from lakehook.ports.outbound import SubscriptionCredentials
from tests.builders import a_delivery, a_subscription
from tests.fakes import (
    NOON,
    FakeTransport,
)
from tests.sending import an_attempt

ROOT = Path(__file__).parents[2]
SECRETS = (HmacSecret(b"n" * 32),)


def with_template(**parts: object) -> Subscription:
    return a_subscription(template=Template(**parts))  # type: ignore[arg-type]


def make_attempt(subscription: Subscription) -> tuple[Attempt, list[Request]]:
    credentials = SubscriptionCredentials(SECRETS, {"x-team": "lake", "x-own": "theirs"})
    receiver = FakeTransport()
    return an_attempt(receiver, credentials)(a_delivery(2), subscription), receiver.requests


def test_the_templates_body_is_sent_and_signed():
    attempt, (request,) = make_attempt(with_template(body="{{ event_type }} 湖"))

    assert attempt.outcome is Outcome.DELIVERED
    assert request.body == "PIPELINE_CREATED 湖".encode()
    assert request.headers["webhook-signature"] == signatures(
        message_id="sub_a#39#2", timestamp=int(NOON), body=request.body, secrets=SECRETS
    )


def test_headers_of_the_template_win_over_the_subscribers_and_our_content_type():
    template = {"x-own": "{{ pipeline_id }}", "content-type": "text/plain"}

    _, (request,) = make_attempt(with_template(headers=tuple(template.items())))

    assert request.headers["x-own"] == "39"
    assert request.headers["x-team"] == "lake"
    assert request.headers["content-type"] == "text/plain"
    assert json.loads(request.body)["sequence"] == 2  # the body in the channel's own way


def test_a_template_that_fails_makes_no_request_and_is_a_dead_letter_with_the_reason():
    attempt, requests = make_attempt(with_template(body="{{ nope }}"))

    assert requests == []
    assert attempt == Attempt(
        at=NOON,
        outcome=Outcome.TEMPLATE_FAILED,
        milliseconds=0,
        excerpt="template: its output is empty",
    )
    assert attempt.outcome.consequence is Consequence.DEAD_LETTER
