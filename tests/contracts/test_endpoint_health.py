"""What delivering and the clock rely on where the health of endpoints is kept."""

from dataclasses import replace

import boto3
import pytest

from lakehook.adapters.dynamodb.endpoints import (
    DynamoEndpointHealthStore,
    health_from_item,
    health_key,
)
from lakehook.adapters.dynamodb.items import to_item
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.circuit_breaker import CHECK_SECONDS, EndpointHealth
from lakehook.domain.delivery import Lane
from lakehook.ports.stores import DueItem, EndpointHealthStore, Ledger
from lakehook.settings import DeliveriesTable as Table
from tests.fakes import NOON, FakeClock, FakeEndpointHealthStore, FakeLedger

WELL = EndpointHealth(subscription_id="sub_a")
LAST = Attempt(at=NOON, outcome=Outcome.REJECTED, milliseconds=7, status=401, excerpt="no")
OPEN = EndpointHealth(
    subscription_id="sub_a",
    failures=5,
    lanes=("sub_a#1", "sub_a#2"),
    failing_since=NOON,
    due_at=NOON + 5.25,
    probes=1,
    average_ms=2400.0,
    permits=(NOON + 60,),
    unanswered_since=NOON + 1.5,
    slow_since=NOON,
    last_attempt=LAST,
    last_success_at=NOON - 9,
    version=1,
)


class Both:
    """Health is kept beside the lanes, read with them, and due as they are."""

    def __init__(self, healths: EndpointHealthStore, ledger: Ledger) -> None:
        self.healths, self.ledger = healths, ledger


@pytest.fixture(params=["fake", "dynamodb"])
def both(request: pytest.FixtureRequest, clock: FakeClock) -> Both:
    if request.param == "fake":
        healths = FakeEndpointHealthStore()
        return Both(healths, FakeLedger(healths=healths))
    table = request.getfixturevalue("deployment").deliveries_table
    dynamodb = boto3.client("dynamodb")
    return Both(DynamoEndpointHealthStore(dynamodb, table), DynamoLedger(dynamodb, table, clock))


def test_who_is_not_known_is_well(both: Both):
    assert both.healths.find("sub_a") == WELL
    assert dict(both.ledger.load([], [Lane("sub_a", "39")]).endpoint_health) == {}


def test_what_is_saved_is_found_and_read_with_the_lanes(both: Both):
    assert both.healths.save(WELL, replace(OPEN, permits=(NOON + 60.0004,)))

    found = both.healths.find("sub_a")
    assert found == OPEN, "a permit's end is kept to the millisecond"
    assert (found.last_attempt, found.slow_since, found.last_success_at) == (LAST, NOON, NOON - 9)
    assert dict(both.healths.find_many(["sub_a", "sub_b"])) == {"sub_a": OPEN}
    page = both.ledger.load([], [Lane("sub_a", "39"), Lane("sub_b", "39")])
    assert dict(page.endpoint_health) == {"sub_a": OPEN}
    assert dict(page.lanes) == {}


def test_of_two_who_write_at_once_one_is_told(both: Both):
    both.healths.save(WELL, OPEN)

    assert not both.healths.save(WELL, replace(OPEN, failures=6))
    assert both.healths.save(OPEN, replace(OPEN, failures=6, version=2))
    assert not both.healths.save(OPEN, replace(OPEN, failures=7, version=2))
    assert both.healths.find("sub_a").failures == 6


def test_who_is_well_again_is_forgotten(both: Both):
    both.healths.save(WELL, OPEN)

    assert both.healths.save(OPEN, replace(WELL, version=2))

    assert both.healths.find("sub_a") == WELL


def test_an_open_breaker_is_due_and_leased_as_a_lane_is(both: Both):
    both.healths.save(WELL, OPEN)
    (due,) = both.ledger.due_breakers(NOON + 6)

    assert (due.lane.subscription_id, due.is_breaker) == ("sub_a", True)
    assert list(both.ledger.due_breakers(NOON + 5)) == []
    assert both.ledger.lease(due, until=NOON + 300) == round((NOON + 300) * 1000)
    assert both.ledger.lease(due, until=NOON + 300) is None
    assert both.healths.find("sub_a") == replace(OPEN, due_at=NOON + 300)
    assert [again.lane for again in both.ledger.due_breakers(NOON + 300)] == [due.lane]


def test_an_open_breaker_of_the_release_before_is_open():
    item = health_key("sub_a") | to_item(
        {
            Table.DUE_AT: round(OPEN.due_at or 0) * 1000,
            "failures": 5,
            "lanes": [],
            "retry_after_until": 0,
            "probes": 1,
            "resume_batch_size": 0,
            "average_ms": 5,
            "permits": [],
            "health_version": 1,
        }
    )

    assert health_from_item(item).is_open


def test_a_limited_endpoint_is_due_a_minute_after_its_last_change(both: Both):
    version = round(NOON * 1000)
    slow = replace(WELL, average_ms=5000.0, version=version)
    both.healths.save(WELL, slow)
    (due,) = both.ledger.due_breakers(NOON + CHECK_SECONDS)

    assert list(both.ledger.due_breakers(NOON + CHECK_SECONDS - 1)) == []
    assert both.ledger.lease(due, until=NOON + 300)
    assert both.ledger.lease(due, until=NOON + 300) is None
    assert list(both.ledger.due_breakers(NOON + 299)) == []
    assert both.healths.find("sub_a") == slow, "a lease is no change"
    assert both.healths.save(slow, replace(slow, failures=1, version=version + 1000))
    assert len(list(both.ledger.due_breakers(NOON + CHECK_SECONDS + 1))) == 1


def test_a_closed_breaker_without_a_limit_is_never_due(both: Both):
    both.healths.save(WELL, replace(OPEN, due_at=None, average_ms=0.0, unanswered_since=None))

    assert list(both.ledger.due_breakers(NOON + 10**6)) == []
    gone = DueItem(Lane("sub_a", ""), due_token=round((NOON + 5.25) * 1000), is_breaker=True)
    assert both.ledger.lease(gone, until=NOON + 300) is None
