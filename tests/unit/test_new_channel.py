"""A new channel needs a module that implements ``Channel`` and a line in ``CHANNELS``."""

import pytest

from lakehook.delivery.ping import PingEndpoint
from lakehook.delivery.sender import RenderDelivery
from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels import CHANNELS
from lakehook.domain.channels.base import (
    Channel,
    OutboundMessage,
    RenderedMessage,
    SignatureScheme,
)
from lakehook.domain.delivery import Delivery
from lakehook.domain.destination import Request
from lakehook.domain.event import Event
from lakehook.domain.queue_message import Ping
from lakehook.domain.rate_limit import Rate
from lakehook.domain.subscription import Locale
from lakehook.ports.outbound import SubscriptionCredentials
from tests.builders import a_notice
from tests.fakes import (
    FakePings,
    FakeTemplateRenderer,
    FakeTransport,
)
from tests.fakes_ops import FakeStack
from tests.fanning_out import FanOutFunction
from tests.sending import a_sender, an_attempt
from tests.terminal import Terminal

URL = "https://ci.example/pages?key=c4nary-of-the-pager"
CREDENTIALS = SubscriptionCredentials((), url=URL)
BUSY = b"busy"


class Pager(Channel):
    """A channel with short messages whose receiver says ``taken``, without events of beginnings."""

    signature_scheme = SignatureScheme.NONE
    is_localized = True
    rate = Rate(3, "m")
    supports_templates = False

    def unsupported_reason(self, event: Event) -> str | None:
        return "nobody is called for that" if event.type.endswith("_CREATED") else None

    def render(self, delivery: Delivery, locale: Locale) -> RenderedMessage:
        return RenderedMessage(body=f"{locale.language} {delivery.event.type}".encode())

    def render_ping(self, _ping: Ping, locale: Locale) -> RenderedMessage:
        return RenderedMessage(body=f"{locale.language} hello".encode())

    def build_request(self, message: OutboundMessage) -> Request:
        return message.to_request({"x-page": message.id})

    def interpret(self, response: Response, *, now: float) -> ResponseVerdict:
        if response.body == BUSY:
            return ResponseVerdict(outcome=Outcome.THROTTLED, retry_after=20)
        is_taken = response.body == b"taken"
        return ResponseVerdict(outcome=Outcome.DELIVERED if is_taken else Outcome.UNACCEPTABLE)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    monkeypatch.setitem(CHANNELS, "pager", Pager())
    return Terminal(FakeStack(), capsys)


def add(terminal: Terminal, *options: str) -> dict[str, object]:
    options = ("--name", "night", "--url", URL, "--channel", "pager", *options)
    answer: dict[str, object] = terminal.json("subscriptions", "add", *options)
    return answer


def test_the_command_accepts_the_channel_by_its_name(terminal: Terminal):
    added = add(terminal, "--language", "zh")

    assert (added["channel"], added["language"], added["signing"]) == ("pager", "zh", "none")
    assert added["secret"] is None
    assert "c4nary" not in terminal.out
    assert terminal.stack.subscriptions.all()[0].rate_limit_key

    assert terminal("subscriptions", "add", "--name", "x", "--url", URL, "--channel", "telex") == 2
    assert terminal.err.strip() == (
        "error: channel: 'telex' is not one of webhook, slack, wecom, feishu, dingtalk, teams,"
        " email, devlake, cloudevents, cloudevents-binary, pager"
    )


def test_fan_out_attempts_and_pings_use_the_channel(terminal: Terminal):
    add(terminal)
    function = FanOutFunction(subscriptions=terminal.stack.subscriptions)
    receiver = FakeTransport(
        [Response(status=500, headers={}, body=body) for body in (b"taken", BUSY, b"?", b"taken")]
    )
    (subscription,) = terminal.stack.subscriptions.all()

    function.fan_out([a_notice("m1"), a_notice("m2", event_type="PIPELINE_FAILED")])
    (delivery,) = function.queue.sent
    attempt = an_attempt(receiver, CREDENTIALS)
    attempts = [attempt(delivery, subscription) for _ in range(3)]

    assert receiver.requests[0].body == b"en PIPELINE_FAILED"
    assert receiver.requests[0].headers == {"x-page": delivery.id}
    assert receiver.requests[0].endpoint.url == URL
    assert [(result.outcome, result.retry_after) for result in attempts] == [
        (Outcome.DELIVERED, None),
        (Outcome.THROTTLED, 20),
        (Outcome.UNACCEPTABLE, None),
    ]

    ping, pings = Ping(subscription.id, "f00d", "2026-01-01T12:00:00Z"), FakePings()
    render = RenderDelivery(FakeTemplateRenderer())
    PingEndpoint(a_sender(receiver, CREDENTIALS), pings, render)(ping, subscription)
    assert receiver.requests[-1].body == b"en hello"
    assert pings.results[ping].attempt.outcome is Outcome.DELIVERED
