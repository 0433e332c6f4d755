"""Contract of the store of pings and their results."""

import boto3
import pytest

from lakehook.adapters.dynamodb.endpoints import PING_KEPT_SECONDS, DynamoPings
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.queue_message import Ping, PingResult
from lakehook.ports.outbound import Pings
from lakehook.settings import StackOutputs
from tests.fakes import NOON, FakeClock, FakePings

PING = Ping("sub_a", "f00d", "2026-01-01T12:00:00Z", challenge="echo-me")
TAKEN = Attempt(
    at=NOON + 0.25, outcome=Outcome.DELIVERED, milliseconds=7, status=204, excerpt="echo-me"
)


@pytest.fixture(params=["fake", "dynamodb"])
def pings(request: pytest.FixtureRequest, clock: FakeClock) -> Pings:
    if request.param == "fake":
        return FakePings()
    deployment = request.getfixturevalue("deployment")
    return DynamoPings(boto3.client("dynamodb"), deployment.deliveries_table, clock)


def test_nothing_is_known_of_a_ping_before_it_was_put(pings: Pings):
    assert pings.find(PING) is None


@pytest.mark.parametrize("echoed", [True, False])
def test_the_result_of_a_ping_is_found(pings: Pings, *, echoed: bool):
    pings.record(PING, PingResult(TAKEN, echoed=echoed))

    assert pings.find(PING) == PingResult(TAKEN, echoed=echoed)
    assert pings.find(Ping("sub_a", "0ther", PING.timestamp)) is None
    assert pings.find(Ping("sub_b", "f00d", PING.timestamp)) is None


def test_an_answer_is_kept_for_a_day(deployment: StackOutputs, clock: FakeClock):
    dynamodb = boto3.client("dynamodb")

    DynamoPings(dynamodb, deployment.deliveries_table, clock).record(
        PING, PingResult(TAKEN, echoed=True)
    )

    (item,) = dynamodb.scan(TableName=deployment.deliveries_table)["Items"]
    assert int(item["expires_at"]["N"]) == NOON + PING_KEPT_SECONDS
