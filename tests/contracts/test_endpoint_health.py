"""Contract of the store of endpoint health, for delivery and the scheduler."""

from dataclasses import replace

from lakehook.adapters.dynamodb.endpoints import (
    health_from_item,
    health_key,
)
from lakehook.adapters.dynamodb.items import to_item
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.circuit_breaker import CHECK_SECONDS, EndpointHealth
from lakehook.domain.delivery import Lane
from lakehook.ports.stores import DueItem
from lakehook.settings import DeliveriesTable as Table
from tests.contracts.conftest import LedgerStores
from tests.fakes import NOON

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


def test_an_endpoint_without_health_is_healthy(stores: LedgerStores):
    assert stores.healths.find("sub_a") == WELL
    assert dict(stores.ledger.load([], [Lane("sub_a", "39")]).endpoint_health) == {}


def test_a_saved_health_is_found_and_read_with_the_lanes(stores: LedgerStores):
    assert stores.healths.save(WELL, replace(OPEN, permits=(NOON + 60.0004,)))

    health = stores.healths.find("sub_a")
    assert health == OPEN, "a permit's end is kept to the millisecond"
    assert (health.last_attempt, health.slow_since, health.last_success_at) == (
        LAST,
        NOON,
        NOON - 9,
    )
    assert dict(stores.healths.find_many(["sub_a", "sub_b"])) == {"sub_a": OPEN}
    page = stores.ledger.load([], [Lane("sub_a", "39"), Lane("sub_b", "39")])
    assert dict(page.endpoint_health) == {"sub_a": OPEN}
    assert dict(page.lanes) == {}


def test_the_second_of_two_concurrent_health_writes_is_refused(stores: LedgerStores):
    stores.healths.save(WELL, OPEN)

    assert not stores.healths.save(WELL, replace(OPEN, failures=6))
    assert stores.healths.save(OPEN, replace(OPEN, failures=6, version=2))
    assert not stores.healths.save(OPEN, replace(OPEN, failures=7, version=2))
    assert stores.healths.find("sub_a").failures == 6


def test_the_health_of_a_healthy_endpoint_is_deleted(stores: LedgerStores):
    stores.healths.save(WELL, OPEN)

    assert stores.healths.save(OPEN, replace(WELL, version=2))

    assert stores.healths.find("sub_a") == WELL


def test_an_open_breaker_is_due_and_leased_as_a_lane_is(stores: LedgerStores):
    stores.healths.save(WELL, OPEN)
    (due,) = stores.ledger.due_breakers(NOON + 6)

    assert (due.lane.subscription_id, due.is_breaker) == ("sub_a", True)
    assert list(stores.ledger.due_breakers(NOON + 5)) == []
    assert stores.ledger.lease(due, until=NOON + 300) == round((NOON + 300) * 1000)
    assert stores.ledger.lease(due, until=NOON + 300) is None
    assert stores.healths.find("sub_a") == replace(OPEN, due_at=NOON + 300)
    assert [lane_due.lane for lane_due in stores.ledger.due_breakers(NOON + 300)] == [due.lane]


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


def test_a_limited_endpoint_is_due_a_minute_after_its_last_change(stores: LedgerStores):
    version = round(NOON * 1000)
    slow = replace(WELL, average_ms=5000.0, version=version)
    stores.healths.save(WELL, slow)
    (due,) = stores.ledger.due_breakers(NOON + CHECK_SECONDS)

    assert list(stores.ledger.due_breakers(NOON + CHECK_SECONDS - 1)) == []
    assert stores.ledger.lease(due, until=NOON + 300)
    assert stores.ledger.lease(due, until=NOON + 300) is None
    assert list(stores.ledger.due_breakers(NOON + 299)) == []
    assert stores.healths.find("sub_a") == slow, "a lease is no change"
    assert stores.healths.save(slow, replace(slow, failures=1, version=version + 1000))
    assert len(list(stores.ledger.due_breakers(NOON + CHECK_SECONDS + 1))) == 1


def test_a_closed_breaker_without_a_limit_is_never_due(stores: LedgerStores):
    stores.healths.save(WELL, replace(OPEN, due_at=None, average_ms=0.0, unanswered_since=None))

    assert list(stores.ledger.due_breakers(NOON + 10**6)) == []
    closed_breaker = DueItem(
        Lane("sub_a", ""), due_token=round((NOON + 5.25) * 1000), is_breaker=True
    )
    assert stores.ledger.lease(closed_breaker, until=NOON + 300) is None
