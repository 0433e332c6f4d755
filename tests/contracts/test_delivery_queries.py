"""What explaining relies on: the ledger as people read it."""

from dataclasses import dataclass

import boto3
import pytest

from lakehook.adapters.dynamodb.endpoints import DynamoEndpointHealthStore
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.ports.stores import EndpointHealthStore, Ledger
from tests.builders import a_delivery
from tests.fakes import NOON, FakeClock, FakeLedger

LANE = Lane("sub_a", "39")
SUCCESS = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=12, status=200)


@dataclass
class Both:
    ledger: Ledger
    healths: EndpointHealthStore


@pytest.fixture(params=["fake", "dynamodb"])
def both(request: pytest.FixtureRequest, clock: FakeClock) -> Both:
    if request.param == "fake":
        fake = FakeLedger(clock=clock)
        return Both(fake, fake.healths)
    table = request.getfixturevalue("deployment").deliveries_table
    dynamodb = boto3.client("dynamodb")
    ledger, healths = (
        DynamoLedger(dynamodb, table, clock),
        DynamoEndpointHealthStore(dynamodb, table),
    )
    return Both(ledger, healths)


def waiting(sequence: int) -> DeliveryRecord:
    return DeliveryRecord.waiting(a_delivery(sequence))


def held_with(both: Both, *records: DeliveryRecord) -> HeldLane:
    held = HeldLane.held_at(LANE, records[0].sequence, now=NOON)
    both.ledger.save(records[0], before=None, after=held)
    for record in records[1:]:
        after = held.with_appended(record.sequence, now=NOON)
        both.ledger.save(record, before=held, after=after)
        held = after
    return held


def test_nothing_is_found_in_an_empty_ledger(both: Both):
    assert both.ledger.find(LANE, 1) is None
    assert list(both.ledger.by_lane(LANE)) == []


def test_of_many_deliveries_those_that_are_known_are_found(both: Both):
    held_with(both, waiting(1), waiting(2))
    keys = [(LANE, sequence) for sequence in (1, 2, 3)]

    assert both.ledger.find_many(keys) == {(LANE, n): waiting(n) for n in (1, 2)}


def test_a_delivery_is_found_with_the_time_of_its_last_change(both: Both, clock: FakeClock):
    held = held_with(both, waiting(1))
    clock.sleep(5.25)
    delivered = waiting(1).with_attempt(SUCCESS)
    both.ledger.save(delivered, before=held, after=None)

    found = both.ledger.find(LANE, 1)
    assert found == delivered
    assert found.changed_at == NOON + 5.25


def test_the_deliveries_of_a_lane_come_the_highest_sequence_first(both: Both):
    held_with(both, *(waiting(sequence) for sequence in (1, 2, 9, 10, 11)))
    other = DeliveryRecord.waiting(a_delivery(3, pipeline_id=390))
    both.ledger.save(other, before=None, after=None)

    assert [one.sequence for one in both.ledger.by_lane(LANE)] == [11, 10, 9, 2, 1]


def test_the_deliveries_of_a_subscription_are_found_in_every_lane(both: Both):
    held_with(both, waiting(1))
    for subscription, pipeline in (("sub_a", 40), ("sub_ab", 40), ("sub_b", 39)):
        delivery = a_delivery(2, subscription=subscription, pipeline_id=pipeline)
        both.ledger.save(
            DeliveryRecord.waiting(delivery).with_attempt(SUCCESS), before=None, after=None
        )
    both.healths.save(
        EndpointHealth(subscription_id="sub_a"),
        EndpointHealth(subscription_id="sub_a", failures=1, version=1),
    )
    pages: list[int] = []

    entries = list(both.ledger.by_subscription("sub_a", on_scanned=pages.append))

    found = {f"{entry.lane}#{entry.sequence}" for entry in entries}
    assert found == {"sub_a#39#1", "sub_a#40#2"}
    assert sum(pages) >= 5  # four deliveries and one lane were looked at
    assert len(list(both.ledger.by_subscription(None, on_scanned=pages.append))) == 4


def test_only_what_waits_behind_the_head_is_counted(both: Both):
    done, dead = waiting(4).with_attempt(SUCCESS), waiting(5).dead("timed_out")
    held = held_with(both, waiting(2), waiting(3), done, dead, waiting(6))
    both.ledger.save(waiting(1), before=None, after=None)

    assert both.ledger.count_waiting_behind([held, held]) == [2, 2]
