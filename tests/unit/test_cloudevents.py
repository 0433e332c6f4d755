"""CloudEvents channels, read by the public SDK as a receiver reads them."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks import Webhook as Verifier

from lakehook.domain.channels import CHANNELS
from lakehook.domain.channels import webhook as webhook_channel
from lakehook.domain.channels.base import OutboundMessage, RenderedMessage
from lakehook.domain.destination import Endpoint, Request
from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.queue_message import Ping
from lakehook.domain.signing import HmacSecret
from lakehook.domain.subscription import Locale
from lakehook.subscriptions.subscribe import SubscriptionFields
from tests.builders import a_delivery
from tests.fakes_ops import FakeStack

MODES = ("cloudevents", "cloudevents-binary")
SECRET = HmacSecret(b"a secret of thirty-two bytes, so")
PRODUCERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
DELIVERY = a_delivery(
    3,
    event_id='e"3%',
    source="staging",
    timestamp="2026-01-01 12:00:00z",
    traceparent=PRODUCERS,
    project_name="湖",
)


def requested(channel: str, content: RenderedMessage) -> Request:
    request = CHANNELS[channel].build_request(
        OutboundMessage(
            id=DELIVERY.id,
            content=content,
            destination=Endpoint.parse("https://ci.example/hook"),
            at=datetime.now(UTC).timestamp(),  # noqa: TID251  the verifier asks no other clock
            deadline_seconds=10,
            secrets=(SECRET,),
            headers={"ce-id": "forged", "ce-environment": "test"},
        )
    )
    assert isinstance(request, Request)
    return request


def received(request: Request) -> BaseCloudEvent:
    """Verify and parse a request, as its receiver does."""
    Verifier(SECRET.reveal()).verify(request.body, dict(request.headers))
    headers = dict(request.headers)
    if headers["content-type"].startswith("application/cloudevents"):
        # The SDK takes any ce- header for binary mode; the specification asks the content type.
        headers = {name: text for name, text in headers.items() if not name.startswith("ce-")}
    return from_http_event(HTTPMessage(headers, request.body))


@pytest.mark.parametrize("channel", MODES)
def test_the_public_sdk_reads_a_signed_event(channel: str) -> None:
    request = requested(channel, CHANNELS[channel].render(DELIVERY, Locale()))
    event = received(request)

    expected: dict[str, Any] = {
        "id": 'e"3%',
        "source": "/lakehook/staging",
        "type": "dev.lakehook.pipeline.created",
        "subject": "39",
        "time": datetime(2026, 1, 1, 12, tzinfo=UTC),
        "specversion": "1.0",
        "sequence": "0000000003",
        "traceparent": PRODUCERS,
    }
    attributes = event.get_attributes()
    assert "2026-01-01T12:00:00Z" in f"{request.body!r} {request.headers}"
    assert {name: attributes[name] for name in expected} == expected
    assert attributes["datacontenttype"] == "application/json"
    assert event.get_data() == json.loads(webhook_channel.render(DELIVERY))


def test_binary_mode_has_the_body_of_a_webhook_and_a_trace_of_its_own() -> None:
    request = requested(
        "cloudevents-binary", CHANNELS["cloudevents-binary"].render(DELIVERY, Locale())
    )

    assert request.body == webhook_channel.render(DELIVERY)
    assert request.headers["ce-id"] == "e%223%25"
    assert request.headers["ce-environment"] == "test"
    own = request.headers["traceparent"]
    assert own != PRODUCERS == request.headers["ce-traceparent"]
    assert own.split("-")[1] == PRODUCERS.split("-")[1]


def test_the_order_of_sequences_is_that_of_their_texts() -> None:
    texts = [
        json.loads(CHANNELS["cloudevents"].render(a_delivery(number), Locale()).body)
        for number in (2, 10, 9_999_999_999)
    ]

    assert [text["sequence"] for text in texts] == sorted(text["sequence"] for text in texts)
    assert {text["source"] for text in texts} == {"/lakehook"}


@pytest.mark.parametrize("channel", MODES)
def test_a_ping_is_a_cloud_event_with_its_challenge(channel: str) -> None:
    ping = Ping("sub_a", "f00d", "2026-01-01T12:00:00Z", challenge="echo-me")
    content = CHANNELS[channel].render_ping(ping, Locale())
    assert content

    event = received(requested(channel, content))

    assert (event.get_id(), event.get_type()) == ("ping-f00d", "dev.lakehook.ping")
    data: Any = event.get_data()
    assert data["challenge"] == "echo-me"


@pytest.mark.parametrize("channel", MODES)
def test_a_template_is_refused(channel: str) -> None:
    fields = SubscriptionFields(name="ce", url="https://ci.example/hook", format=channel)
    created, secret = FakeStack().service().subscribe(fields)
    assert (created.channel, secret is not None) == (channel, True)

    with pytest.raises(InvalidSubscription, match="does not support templates"):
        FakeStack().service().subscribe(replace(fields, template_body="{{ event_type }}"))
