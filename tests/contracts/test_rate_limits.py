"""Contract of the store of rate limits, for delivery."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.stub import Stubber

from lakehook.adapters.dynamodb.endpoints import DynamoRateLimitStore
from lakehook.domain.rate_limit import Reservation
from lakehook.ports.stores import RateLimitStore
from tests.fakes import NOON, FakeClock, FakeRateLimitStore

EVERY, LATEST = 3.25, NOON + 30


@pytest.fixture(params=["fake", "dynamodb"])
def rate_limits(request: pytest.FixtureRequest, clock: FakeClock) -> RateLimitStore:
    if request.param == "fake":
        return FakeRateLimitStore(clock)
    table = request.getfixturevalue("deployment").deliveries_table
    return DynamoRateLimitStore(boto3.client("dynamodb"), table, clock)


@pytest.fixture
def reserve(rate_limits: RateLimitStore) -> Callable[[], Reservation]:
    return lambda: rate_limits.reserve("sub_a", interval=EVERY, not_later_than=LATEST)


def test_the_first_reservation_is_now_and_the_next_ones_follow(reserve: Callable[[], Reservation]):
    assert reserve() == Reservation(NOON, NOON + 3.25)
    assert reserve() == Reservation(NOON + 3.25, NOON + 6.5)
    assert reserve() == Reservation(NOON + 6.5, NOON + 9.75)


def test_an_unused_reservation_expires(reserve: Callable[[], Reservation], clock: FakeClock):
    reserve()
    clock.time += 10

    assert reserve() == Reservation(NOON + 10, NOON + 13.25)


def test_no_reservation_is_later_than_asked_and_the_next_free_time_is_returned(
    reserve: Callable[[], Reservation],
):
    places = [reserve() for _ in range(12)]

    assert places[9].at == NOON + 29.25
    assert places[10] == places[11] == Reservation(None, NOON + 32.5)


def test_a_refused_reservation_takes_no_time(
    rate_limits: RateLimitStore, reserve: Callable[[], Reservation]
):
    for _ in range(12):
        reserve()

    later = rate_limits.reserve("sub_a", interval=EVERY, not_later_than=LATEST + EVERY)

    assert later.at == NOON + 32.5


def test_limits_of_two_names_are_two(rate_limits: RateLimitStore):
    rate_limits.reserve("sub_a", interval=EVERY, not_later_than=LATEST)

    assert rate_limits.reserve("sub_b", interval=EVERY, not_later_than=LATEST).at == NOON


def test_concurrent_reservations_are_all_different(rate_limits: RateLimitStore):
    if isinstance(rate_limits, FakeRateLimitStore):
        return  # one thread at a time is all it is asked by

    def ask(_: int) -> float | None:
        return rate_limits.reserve("sub_a", interval=1.0, not_later_than=NOON + 100).at

    with ThreadPoolExecutor(8) as threads:
        places = list(threads.map(ask, range(40)))

    assert sorted(filter(None, places)) == [NOON + n for n in range(40)]


def test_a_record_that_expires_between_two_looks_is_tried_again_and_ends_no_function():
    """DynamoDB says then only that the condition failed, and shows no record."""
    client = boto3.client("dynamodb", region_name="eu-central-1")
    answer = {"Attributes": {"next_free_at": {"N": str(round(1000 * (NOON + 6)))}}}
    with Stubber(client) as stubber:
        for _ in range(2):
            stubber.add_client_error("update_item", "ConditionalCheckFailedException")
        stubber.add_response("update_item", answer)

        reservation = DynamoRateLimitStore(client, "deliveries", FakeClock()).reserve(
            "sub_a", interval=6.0, not_later_than=NOON + 30
        )

    assert reservation == Reservation(NOON, NOON + 6)
