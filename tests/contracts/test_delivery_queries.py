"""Contract of the ledger's queries, which operators read."""

from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, HeldLane
from tests.builders import a_delivery
from tests.contracts.conftest import LedgerStores
from tests.fakes import NOON, FakeClock

LANE = Lane("sub_a", "39")
SUCCESS = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=12, status=200)


def waiting(sequence: int) -> DeliveryRecord:
    return DeliveryRecord.waiting(a_delivery(sequence))


def held_with(stores: LedgerStores, *records: DeliveryRecord) -> HeldLane:
    held = HeldLane.held_at(LANE, records[0].sequence, now=NOON)
    stores.ledger.save(records[0], before=None, after=held)
    for record in records[1:]:
        after = held.with_appended(record.sequence, now=NOON)
        stores.ledger.save(record, before=held, after=after)
        held = after
    return held


def test_nothing_is_found_in_an_empty_ledger(stores: LedgerStores):
    assert stores.ledger.find(LANE, 1) is None
    assert list(stores.ledger.by_lane(LANE)) == []


def test_of_many_deliveries_those_that_are_known_are_found(stores: LedgerStores):
    held_with(stores, waiting(1), waiting(2))
    keys = [(LANE, sequence) for sequence in (1, 2, 3)]

    assert stores.ledger.find_many(keys) == {(LANE, n): waiting(n) for n in (1, 2)}


def test_a_delivery_is_found_with_the_time_of_its_last_change(
    stores: LedgerStores, clock: FakeClock
):
    held = held_with(stores, waiting(1))
    clock.sleep(5.25)
    delivered = waiting(1).with_attempt(SUCCESS)
    stores.ledger.save(delivered, before=held, after=None)

    record = stores.ledger.find(LANE, 1)
    assert record == delivered
    assert record.changed_at == NOON + 5.25


def test_the_deliveries_of_a_lane_come_the_highest_sequence_first(stores: LedgerStores):
    held_with(stores, *(waiting(sequence) for sequence in (1, 2, 9, 10, 11)))
    record_of_other_lane = DeliveryRecord.waiting(a_delivery(3, pipeline_id=390))
    stores.ledger.save(record_of_other_lane, before=None, after=None)

    assert [record.sequence for record in stores.ledger.by_lane(LANE)] == [11, 10, 9, 2, 1]


def test_the_deliveries_of_a_subscription_are_found_in_every_lane(stores: LedgerStores):
    held_with(stores, waiting(1))
    for subscription, pipeline in (("sub_a", 40), ("sub_ab", 40), ("sub_b", 39)):
        delivery = a_delivery(2, subscription=subscription, pipeline_id=pipeline)
        stores.ledger.save(
            DeliveryRecord.waiting(delivery).with_attempt(SUCCESS), before=None, after=None
        )
    stores.healths.save(
        EndpointHealth(subscription_id="sub_a"),
        EndpointHealth(subscription_id="sub_a", failures=1, version=1),
    )
    pages: list[int] = []

    entries = list(stores.ledger.by_subscription("sub_a", on_scanned=pages.append))

    ids = {f"{entry.lane}#{entry.sequence}" for entry in entries}
    assert ids == {"sub_a#39#1", "sub_a#40#2"}
    assert sum(pages) >= 5  # four deliveries and one lane were looked at
    assert len(list(stores.ledger.by_subscription(None, on_scanned=pages.append))) == 4


def test_only_what_waits_behind_the_head_is_counted(stores: LedgerStores):
    done, dead = waiting(4).with_attempt(SUCCESS), waiting(5).dead("timed_out")
    held = held_with(stores, waiting(2), waiting(3), done, dead, waiting(6))
    stores.ledger.save(waiting(1), before=None, after=None)

    assert stores.ledger.count_waiting_behind([held, held]) == [2, 2]
