"""A rotation loses no delivery: both the old secret and the new one verify them all."""

from collections.abc import Callable
from itertools import count

import pytest
from standardwebhooks import Webhook

from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.domain.verification import CapturedRequest, verify_request
from local.receiver import Arrival, Receiver
from tests.e2e.conftest import Publish
from tests.e2e.pipelines import CREATED, pipeline_events
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import PATIENCE, eventually


@pytest.fixture
def deliver_one(publish: Publish) -> Callable[[Receiver], Arrival]:
    """Publish one more event, and return its arrival."""
    numbers = count(1)

    def deliver_one(receiver: Receiver) -> Arrival:
        publish(pipeline_events(CREATED))
        assert receiver.wait_for(next(numbers), within=PATIENCE)
        return receiver.arrivals[-1]

    return deliver_one


def versions(arrival: Arrival) -> list[str]:
    return [
        signature.partition(",")[0] for signature in arrival.headers["webhook-signature"].split()
    ]


def verify_by(public_key: str, arrival: Arrival) -> None:
    key = CryptographySigningKeys().parse_verifying_key(public_key)
    capture = CapturedRequest(headers=arrival.headers, body=arrival.raw)
    at = int(arrival.headers["webhook-timestamp"])
    assert verify_request(capture, key, now=at, tolerance_seconds=0) is None


def test_old_and_new_verify_throughout_a_rotation_to_another_kind(
    subscribers: Subscribers,
    terminal: Terminal,
    deliver_one: Callable[[Receiver], Arrival],
):
    """Rotate a secret; the expiry of the old one is tested at the credential store."""
    receiver = Receiver("rotating")
    subscription = subscribers.add(receiver)

    def rotate(*options: str) -> str:
        rotated = terminal.json("subscriptions", "rotate-secret", subscription, *options)
        return str(rotated["public_key"])

    assert versions(deliver_one(receiver)) == ["v1"]
    new = rotate("--signing", "ed25519", "--overlap", "1h")
    eventually(lambda: versions(deliver_one(receiver)) == ["v1a", "v1"])

    old = Webhook(receiver.secret)
    for arrival in receiver.arrivals:  # of which some may be signed by what was read before
        old.verify(arrival.raw, dict(arrival.headers))
    verify_by(new, receiver.arrivals[-1])

    newest = rotate("--signing", "ed25519", "--overlap", "0")
    eventually(lambda: versions(deliver_one(receiver)) == ["v1a"])

    verify_by(newest, receiver.arrivals[-1])
