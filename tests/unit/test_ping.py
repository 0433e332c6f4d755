"""Pings, which test an endpoint, and challenges, by which its owner confirms it."""

import json
from dataclasses import dataclass, field, replace
from math import inf

import pytest

from lakehook.delivery.ping import PingEndpoint
from lakehook.delivery.sender import RenderDelivery
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.channels.base import RenderedMessage
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.queue_message import Ack, Disposition, Nack, Ping, PingResult
from lakehook.domain.subscription import Subscription
from lakehook.ports.outbound import SendResult
from tests.builders import a_subscription
from tests.delivering import DeliverFunction
from tests.fakes import NOON, FakePings, FakeTemplateRenderer
from tests.fakes_ops import FakeStack

PING = Ping("sub_a", "f00d", "2026-01-01T12:00:00Z")
CHALLENGE = replace(PING, challenge="echo-me")
DELIVERED = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=7, status=200)
REFUSED = replace(DELIVERED, outcome=Outcome.REJECTED, status=404)


@dataclass
class FakePingSender:
    exchange: SendResult
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    condition: str | None = None

    def __call__(
        self,
        message_id: str,
        content: RenderedMessage,
        subscription: Subscription,
        *,
        keep_response: bool = False,
        ends_before: float = inf,
    ) -> SendResult:
        assert keep_response
        self.sent.append((message_id, content.body))
        self.condition = subscription.success_if
        return self.exchange


def send_ping(ping: Ping, attempt: Attempt, body: bytes = b"") -> tuple[FakePingSender, PingResult]:
    sender, pings = FakePingSender(SendResult(attempt, body)), FakePings()
    render = RenderDelivery(FakeTemplateRenderer())
    PingEndpoint(sender, pings, render)(ping, a_subscription(success_if='{"code":[0]}'))
    return sender, pings.results[ping]


def test_a_ping_has_its_type_and_the_time_of_its_request():
    sender, _ = send_ping(PING, DELIVERED)

    challenged, _ = send_ping(CHALLENGE, DELIVERED)

    ((message_id, body),) = sender.sent
    expected = {"event_type": "PING", "event_id": "ping-f00d", "timestamp": "2026-01-01T12:00:00Z"}
    assert (message_id, json.loads(body)) == ("sub_a#ping-f00d", expected)
    assert json.loads(challenged.sent[0][1]) == expected | {"challenge": "echo-me"}


@pytest.mark.parametrize(("ping", "condition"), [(PING, '{"code":[0]}'), (CHALLENGE, None)])
def test_success_if_is_of_a_ping_but_not_of_an_echo(ping: Ping, condition: str | None):
    post, _ = send_ping(ping, DELIVERED)

    assert post.condition == condition


@pytest.mark.parametrize(
    ("attempt", "body", "echoed"),
    [
        (DELIVERED, b"echo-me", True),
        (DELIVERED, b"echo-me\r\n", True),
        (DELIVERED, b'"echo-me"', False),
        (DELIVERED, b"echo-me, please", False),
        (DELIVERED, b"", False),
        (REFUSED, b"echo-me", False),
    ],
)
def test_only_a_good_answer_that_is_the_challenge_echoes_it(
    attempt: Attempt, body: bytes, *, echoed: bool
):
    _, pong = send_ping(CHALLENGE, attempt, body)
    _, unasked = send_ping(PING, attempt, body)

    assert pong == PingResult(attempt, echoed=echoed)
    assert not unasked.echoed


# --- in the delivery function ---


@pytest.fixture
def world() -> DeliverFunction:
    return DeliverFunction()


@pytest.mark.parametrize(
    ("age", "pings"), [(0, [PING]), (300, [PING]), (301, []), (86_400, []), (-60, [PING])]
)
def test_a_ping_older_than_five_minutes_is_dropped(
    world: DeliverFunction, age: float, pings: list[Ping]
):
    world.clock.time = NOON + age

    assert world.receive(PING, redelivered=True) == [Ack()]

    assert list(world.queue.pings.results) == pings


@pytest.mark.parametrize(("time_left", "answer"), [(12.0, Ack()), (11.9, Nack(0))])
def test_no_ping_is_sent_that_the_invocation_would_not_outlive(
    world: DeliverFunction, time_left: float, answer: Disposition
):
    world.time_left = time_left

    assert world.receive(PING) == [answer]

    assert (PING in world.queue.pings.results) is (answer == Ack())
    assert world.subscriptions.fresh_reads == 1, "it goes to the endpoint of now"


def test_a_ping_that_cannot_be_sent_comes_again_for_five_minutes_and_no_longer(
    world: DeliverFunction,
):
    world.attempts.otherwise = lambda: InfrastructureError("the key is away")

    assert world.receive(PING, redelivered=True) == [Nack(30)]
    world.clock.sleep(301)

    assert world.receive(PING, redelivered=True) == [Ack()]


# --- at the operator's door ---


def pending(stack: FakeStack) -> Subscription:
    return stack.subscriptions.save(a_subscription(pending_since="2026-01-01T12:00:00Z"))


def test_an_active_one_is_pinged_and_stays_as_it_is(stack: FakeStack) -> None:
    subscription = stack.subscriptions.save(a_subscription())
    stack.queue.result_of = lambda _: PingResult(DELIVERED, echoed=False)

    after, pong = stack.service().test_endpoint(subscription, within_seconds=5)

    assert (after, pong) == (subscription, PingResult(DELIVERED, echoed=False))
    assert stack.queue.pinged[0].challenge is None


def test_the_wait_for_a_result_is_limited(stack: FakeStack) -> None:
    subscription = stack.subscriptions.save(a_subscription())

    _, pong = stack.service().test_endpoint(subscription, within_seconds=5)

    assert pong is None
    assert 5 <= stack.clock.now() - NOON < 6


def test_no_challenge_is_like_another(stack: FakeStack) -> None:
    subscription = pending(stack)
    for _ in range(2):
        stack.service().test_endpoint(subscription, within_seconds=1)

    first, second = (ping.challenge for ping in stack.queue.pinged)
    assert first != second
