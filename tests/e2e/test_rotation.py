"""A rotation loses no delivery: whoever holds the old secret or the new one verifies them all."""

from collections.abc import Callable
from datetime import datetime
from itertools import count

import pytest
from standardwebhooks import Webhook

from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.domain.verification import CapturedRequest, verify_request
from local.receiver import Arrival, Receiver
from tests.e2e.conftest import Publish
from tests.e2e.pipelines import CREATED, a_life
from tests.e2e.subscribers import Subscribers
from tests.e2e.terminal import Terminal
from tests.integration.eventually import PATIENCE, eventually

OVERLAP_SECONDS = 15  # both must be met signing, also by a busy machine
STALE_SECONDS = 5.0  # for so long the sender may use what it has read of a subscription


@pytest.fixture
def deliver_one(publish: Publish) -> Callable[[Receiver], Arrival]:
    """One more delivery, as it arrived."""
    numbers = count(1)

    def deliver_one(receiver: Receiver) -> Arrival:
        publish(a_life(CREATED))
        assert receiver.wait_for(next(numbers), within=PATIENCE)
        return receiver.arrivals[-1]

    return deliver_one


def versions(arrival: Arrival) -> list[str]:
    return [one.partition(",")[0] for one in arrival.headers["webhook-signature"].split()]


def signed_at(arrival: Arrival) -> int:
    return int(arrival.headers["webhook-timestamp"])


def test_old_and_new_verify_throughout_a_rotation_to_another_kind(
    subscribers: Subscribers,
    terminal: Terminal,
    deliver_one: Callable[[Receiver], Arrival],
):
    receiver = Receiver("rotating")
    subscription = subscribers.add(receiver)
    assert versions(deliver_one(receiver)) == ["v1"]

    rotated = terminal.json(
        "subscriptions", "rotate-secret", subscription,
        "--signing", "ed25519", "--overlap", f"{OVERLAP_SECONDS}s",
    )  # fmt: skip
    eventually(lambda: versions(deliver_one(receiver)) == ["v1a", "v1"])
    eventually(lambda: versions(deliver_one(receiver)) == ["v1a"])

    ends_at = datetime.fromisoformat(rotated["secrets"][1]["expires_at"]).timestamp()
    in_force_at = ends_at - OVERLAP_SECONDS + STALE_SECONDS
    old, new = (
        Webhook(receiver.secret),
        CryptographySigningKeys().parse_verifying_key(rotated["public_key"]),
    )
    for arrival in receiver.arrivals:
        if signed_at(arrival) < ends_at - 1:
            old.verify(arrival.raw, dict(arrival.headers))
        if signed_at(arrival) > in_force_at:
            capture = CapturedRequest(headers=arrival.headers, body=arrival.raw)
            at = signed_at(arrival)
            assert verify_request(capture, new, now=at, tolerance_seconds=0) is None
    assert signed_at(receiver.arrivals[-1]) >= int(ends_at)
