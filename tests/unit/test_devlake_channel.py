"""The devlake channel: a notification in DevLake's form, signed as DevLake signs it."""

import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from lakehook.adapters.system import SystemRandom
from lakehook.delivery.sender import AttemptDelivery, RenderDelivery, SignedSender
from lakehook.domain.channels import CHANNELS
from lakehook.domain.delivery import Delivery, Lane, SequencedEvent
from lakehook.domain.destination import Endpoint, Request
from lakehook.domain.devlake.notification import parse_notification
from lakehook.domain.devlake.signature import MAX_BYTES, SignedNotification, TextSecret
from lakehook.domain.errors import InvalidInput, InvalidSubscription
from lakehook.domain.event import Event
from lakehook.domain.subscription import Subscription
from lakehook.ports.outbound import SubscriptionCredentials
from lakehook.subscriptions.subscribe import SecretRequest, SubscriptionFields
from tests.builders import a_delivery, a_subscription, an_event
from tests.devlake_vectors import STATUSES, Vector
from tests.fakes import (
    FakeClock,
    FakeCredentialStore,
    FakeRandom,
    FakeTemplateRenderer,
    FakeTransport,
)
from tests.fakes_ops import FakeStack

DEVLAKE = SubscriptionFields(name="old", url="https://old.example/hook", format="devlake")


def send(
    delivery: Delivery, secret: str, *, url: str = "https://old.example/hook"
) -> tuple[Request, str]:
    """Send a delivery; return the request and the query that was added."""
    subscription = a_subscription(channel="devlake", endpoint=Endpoint.parse(url))
    receiver = FakeTransport()
    credentials = FakeCredentialStore(
        SubscriptionCredentials((TextSecret(secret.encode()),), {"x-team": "lake"})
    )
    sender = SignedSender(credentials, receiver, FakeClock(), FakeRandom())
    AttemptDelivery(RenderDelivery(FakeTemplateRenderer()), sender, FakeClock())(
        delivery, subscription
    )
    (request,) = receiver.requests
    return request, urlsplit(request.endpoint.url).query


def delivery_of(vector: Vector) -> Delivery:
    event = Event.from_document(parse_notification(vector.raw))
    return Delivery(Lane("sub_a", event.pipeline_key), SequencedEvent(event, 2, None))


@pytest.mark.parametrize("vector", STATUSES, ids=lambda vector: vector.name)
def test_a_notice_of_devlake_is_forwarded_byte_for_byte_and_signed_as_devlake_would(vector: Vector):
    request, query = send(delivery_of(vector), vector.secret)

    assert request.body == vector.raw
    SignedNotification(request.body, query).verify([vector.secret])
    assert "webhook-signature" not in request.headers
    assert request.headers["webhook-id"].startswith("sub_a#")
    assert request.headers["x-team"] == "lake"


def test_an_event_of_ours_is_rendered_as_a_notice_of_devlake():
    request, _ = send(a_delivery(created_at="2024-09-05T15:07:00+08:00"), "geheim")

    assert json.loads(request.body) == {
        "ProjectName": "湖",
        "PipelineID": 39,
        "CreatedAt": "2024-09-05T15:07:00+08:00",
        "UpdatedAt": "2024-09-05T15:08:00.389+08:00",
        "BeganAt": None,
        "FinishedAt": None,
        "Status": "TASK_CREATED",
    }


@pytest.mark.parametrize(
    ("changes", "headers"),
    [
        ({"inferred": True}, {"lakehook-inferred": "true"}),
        ({"reconciled": True}, {"lakehook-reconciled": "true"}),
        ({"inferred": False, "reconciled": False}, {}),
        ({"source": "staging"}, {"lakehook-source": "staging"}),
    ],
)
def test_headers_say_that_an_event_was_not_posted_and_of_which_source_it_is(
    changes: dict[str, object], headers: dict[str, str]
):
    posted, _ = send(a_delivery(), "geheim")
    marked, _ = send(a_delivery(**changes), "geheim")

    own = {name: text for name, text in marked.headers.items() if name.startswith("lakehook-")}
    assert own == headers
    assert marked.headers.keys() - own.keys() == posted.headers.keys()


def test_the_query_of_the_url_stays():
    _, query = send(a_delivery(), "geheim", url="https://old.example/hook?team=lake")

    assert set(parse_qs(query)) == {"team", "nouce", "sign"}


def test_every_attempt_has_a_nouce_of_its_own():
    receiver = FakeTransport()
    credentials = FakeCredentialStore(SubscriptionCredentials((TextSecret(b"geheim"),)))
    post = SignedSender(credentials, receiver, FakeClock(), SystemRandom())
    attempt = AttemptDelivery(RenderDelivery(FakeTemplateRenderer()), post, FakeClock())
    for _ in range(2):
        attempt(a_delivery(), a_subscription(channel="devlake"))

    first, second = (request.endpoint.url for request in receiver.requests)
    assert first != second


@pytest.mark.parametrize(
    "changes",
    [
        {"pipeline_id": "nightly"},
        {"event_type": "PIPELINE_STALLED"},
        {"event_type": "TASK_FAILED"},
    ],
)
def test_events_that_devlake_cannot_express_are_unsupported(changes: dict[str, object]):
    assert CHANNELS["devlake"].unsupported_reason(an_event(**changes))
    assert CHANNELS["webhook"].unsupported_reason(an_event(**changes)) is None


# --- its secret ---


def decrypted_secret(stack: FakeStack, subscription: Subscription) -> str:
    sealed = subscription.secrets[0].ciphertext
    plaintext = stack.encryptor.unseal(sealed, subscription_id=subscription.id)
    return TextSecret.from_plaintext(plaintext).reveal()


@pytest.mark.parametrize(
    ("channel", "format_", "named"),
    [
        (None, "devlake", "devlake"),
        ("webhook", "devlake", "devlake"),
        ("devlake", None, "devlake"),
        ("devlake", "devlake", "devlake"),
        (None, "lakehook", "webhook"),
        ("webhook", "lakehook", "webhook"),
    ],
)
def test_a_format_is_an_older_name_of_a_channel(
    stack: FakeStack, channel: str | None, format_: str | None, named: str
) -> None:
    terms = replace(DEVLAKE, channel=channel, format=format_)

    subscription, _ = stack.service().subscribe(terms)

    assert subscription.channel == named


@pytest.mark.parametrize(("channel", "format_"), [("slack", "devlake"), ("devlake", "lakehook")])
def test_a_format_of_another_channel_is_refused(
    stack: FakeStack, channel: str, format_: str
) -> None:
    with pytest.raises(
        InvalidSubscription, match=f"format: {format_} is channel .*, not {channel}"
    ):
        stack.service().subscribe(replace(DEVLAKE, channel=channel, format=format_))


@pytest.mark.parametrize(
    ("text", "stored"),
    [("geheim\n", "geheim"), ("geheim\r\n", "geheim"), (" a b ", " a b "), ("x", "x")],
)
def test_a_secret_that_is_brought_is_kept_as_it_is(
    stack: FakeStack, text: str, stored: str
) -> None:
    subscription, _ = stack.service().subscribe(DEVLAKE, SecretRequest(provided=text))

    assert subscription.channel == "devlake"
    assert decrypted_secret(stack, subscription) == stored


def test_an_empty_secret_must_be_allowed_explicitly(stack: FakeStack) -> None:
    with pytest.raises(
        InvalidInput, match=r"only a new one of channel devlake .* --allow-empty-secret"
    ):
        stack.service().subscribe(DEVLAKE, SecretRequest(provided=""))

    subscription, _ = stack.service().subscribe(
        DEVLAKE, SecretRequest(provided="", may_be_empty=True)
    )

    assert decrypted_secret(stack, subscription) == ""


def test_without_a_secret_a_new_one_is_generated(stack: FakeStack) -> None:
    subscription, secret = stack.service().subscribe(DEVLAKE)

    assert decrypted_secret(stack, subscription) == secret.reveal()
    assert len(secret.reveal()) == 64


@pytest.mark.parametrize(
    ("secret", "pending", "message"),
    [
        (
            SecretRequest(signing="hmac"),
            False,
            "signing: channel devlake has a signature",
        ),
        (SecretRequest(provided="x" * (MAX_BYTES + 1)), False, "secret: more than 1024 bytes"),
        (SecretRequest(), True, "challenge: channel devlake cannot send one"),
    ],
)
def test_options_that_the_format_does_not_support_are_refused(
    stack: FakeStack, secret: SecretRequest, message: str, *, pending: bool
) -> None:
    with pytest.raises(InvalidInput, match=message):
        stack.service().subscribe(DEVLAKE, secret, pending=pending)

    assert stack.subscriptions.all() == []


def test_a_devlake_secret_is_rotated_without_an_overlap(stack: FakeStack) -> None:
    subscription, _ = stack.service().subscribe(DEVLAKE, SecretRequest(provided="old"))
    rotate = stack.service().rotate_secret

    with pytest.raises(InvalidSubscription, match="overlap: channel devlake"):
        rotate(subscription, overlap_seconds=60, provided="new")
    rotated = rotate(subscription, overlap_seconds=0, provided="new")

    assert decrypted_secret(stack, rotated.subscription) == "new"
    assert len(rotated.subscription.secrets) == 1


def test_a_devlake_subscription_cannot_be_pinged(stack: FakeStack) -> None:
    subscription, _ = stack.service().subscribe(DEVLAKE)

    with pytest.raises(InvalidSubscription, match="channel devlake cannot send a ping"):
        stack.service().test_endpoint(subscription, within_seconds=1)
