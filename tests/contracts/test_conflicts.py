"""Adapters at items that a transaction holds, a conflict that moto never reports.

DynamoDB refuses a single write with ``TransactionConflictException``, and a transaction with that
reason: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
A statement of a batch fails with that code, and the batch succeeds:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html
"""

from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from lakehook.adapters.dynamodb.endpoints import DynamoEndpointHealthStore
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.ledger import LATE_TRIES, DynamoLedger
from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import InfrastructureError, LaneConflict
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane
from lakehook.domain.pipeline import PipelineTransition
from lakehook.ports.stores import DueItem
from lakehook.settings import StackOutputs
from tests.builders import a_delivery, a_subscription, an_event
from tests.fakes import NOON, FakeClock
from tests.journaling import append_step, load_event

LANE = Lane("sub_a", "39")
SUCCESS = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=12, status=200)
DELIVERED = DeliveryRecord.waiting(a_delivery()).with_attempt(SUCCESS)
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchExecuteStatement")
FOR_EVER = 99


class Conflicts:
    """Client of DynamoDB whose next writes are refused, as many as ``remaining`` says."""

    def __init__(self) -> None:
        self.client = boto3.client("dynamodb")
        self.remaining = 0
        for write in WRITES:
            self.client.meta.events.register(f"before-call.dynamodb.{write}", self._answer)

    def _answer(self, *, model: Any, **_: Any) -> tuple[Any, dict[str, Any]] | None:
        """Answer in DynamoDB's place."""
        if not self.remaining:
            return None
        self.remaining -= 1
        if model.name == "BatchExecuteStatement":
            refused = {"Code": "TransactionConflict", "Message": "Transaction is ongoing"}
            return SimpleNamespace(status_code=200), {"Responses": [{"Error": refused}]}
        error = {"Code": "TransactionConflictException", "Message": "Transaction is ongoing"}
        reasons: list[dict[str, str]] = []
        if model.name == "TransactWriteItems":
            error["Code"] = "TransactionCanceledException"
            reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
        return SimpleNamespace(status_code=400), {"Error": error, "CancellationReasons": reasons}


@pytest.fixture
def conflicts(deployment: StackOutputs) -> Conflicts:
    return Conflicts()


@pytest.fixture
def ledger(conflicts: Conflicts, deployment: StackOutputs, clock: FakeClock) -> DynamoLedger:
    return DynamoLedger(conflicts.client, deployment.deliveries_table, clock)


def test_a_lane_that_a_worker_is_writing_is_leased_by_a_later_tick(
    ledger: DynamoLedger, conflicts: Conflicts
):
    held = HeldLane.held_at(LANE, 1, now=NOON)
    ledger.save(DeliveryRecord.waiting(a_delivery()), before=None, after=held)
    due = DueItem(LANE, held.due_token)
    conflicts.remaining = 1

    assert ledger.lease(due, until=NOON + 300) is None
    assert ledger.lease(due, until=NOON + 300) == round((NOON + 300) * 1000)


def test_a_success_outlasts_a_transaction_on_its_record(ledger: DynamoLedger, conflicts: Conflicts):
    conflicts.remaining = 3  # the insert, and two puts

    ledger.save(DELIVERED, before=None, after=None)

    record = ledger.load([a_delivery()], []).records[LANE, 1]
    assert record.status is DeliveryStatus.DELIVERED


def test_a_record_that_is_always_in_conflict_is_a_lane_conflict(
    ledger: DynamoLedger, conflicts: Conflicts
):
    conflicts.remaining = FOR_EVER

    with pytest.raises(LaneConflict):
        ledger.save(DELIVERED, before=None, after=None)


def test_a_late_success_outlasts_transactions_on_the_lane_of_its_letter(
    ledger: DynamoLedger, conflicts: Conflicts
):
    dead = DeliveryRecord.waiting(a_delivery()).dead("crashed")
    ledger.save(dead, before=None, after=HeldLane.held_at(LANE, 1, now=NOON).with_dead_head())
    conflicts.remaining = FOR_EVER
    with pytest.raises(LaneConflict):
        ledger.save_late_success(DELIVERED)
    conflicts.remaining = LATE_TRIES - 1

    ledger.save_late_success(DELIVERED)

    assert [due.lane for due in ledger.due(NOON)] == [LANE]


def test_a_table_that_refuses_a_write_has_no_moved_lane(conflicts: Conflicts, clock: FakeClock):
    ledger = DynamoLedger(conflicts.client, "no-such-table", clock)

    with pytest.raises(InfrastructureError):
        ledger.save_lane(HeldLane.held_at(LANE, 1, now=NOON), None)


def test_a_lane_in_conflict_has_moved(ledger: DynamoLedger, conflicts: Conflicts):
    held = HeldLane.held_at(LANE, 1, now=NOON)
    conflicts.remaining = 1

    with pytest.raises(LaneConflict):
        ledger.save(DeliveryRecord.waiting(a_delivery()), before=None, after=held)


def test_a_breaker_that_another_worker_is_writing_is_not_saved(
    conflicts: Conflicts, deployment: StackOutputs
):
    healths = DynamoEndpointHealthStore(conflicts.client, deployment.deliveries_table)
    well = EndpointHealth(subscription_id="sub_a")
    failing = EndpointHealth(subscription_id="sub_a", failures=1, lanes=("39",), version=1)
    conflicts.remaining = 1

    assert not healths.save(well, failing)
    assert healths.save(well, failing)


def test_events_of_a_pipeline_that_is_being_leased_are_accepted(
    conflicts: Conflicts, deployment: StackOutputs, clock: FakeClock
):
    journal = DynamoJournal(conflicts.client, deployment.pipelines_table, clock)
    pipeline, _ = load_event(journal, an_event())
    advance = pipeline.apply(an_event())
    assert isinstance(advance, PipelineTransition)
    conflicts.remaining = 2

    append_step(journal, advance)

    assert len(journal.events("39")) == 1


def test_a_pipeline_whose_events_are_being_accepted_is_leased_by_a_later_tick(
    conflicts: Conflicts, deployment: StackOutputs, clock: FakeClock
):
    journal = DynamoJournal(conflicts.client, deployment.pipelines_table, clock)
    pipeline, _ = load_event(journal, an_event())
    advance = pipeline.apply(an_event())
    assert isinstance(advance, PipelineTransition)
    append_step(journal, advance)
    created = advance.after(now=clock.now())
    conflicts.remaining = 1

    assert not journal.lease_stall(created, until=NOON + 300)
    assert journal.lease_stall(created, until=NOON + 300)


def test_operators_who_change_two_subscriptions_at_once_are_not_in_each_others_way(
    conflicts: Conflicts, deployment: StackOutputs, clock: FakeClock
):
    subscriptions = DynamoSubscriptions(conflicts.client, deployment.subscriptions_table, clock)
    conflicts.remaining = 2
    subscriptions.save(a_subscription())
    conflicts.remaining = 2
    subscriptions.disable("sub_a", "410 Gone")

    (subscription,) = subscriptions.all()
    assert subscription.disabled_reason == "410 Gone"


def test_a_conflict_without_end_is_an_infrastructure_error(
    conflicts: Conflicts, deployment: StackOutputs, clock: FakeClock
):
    subscriptions = DynamoSubscriptions(conflicts.client, deployment.subscriptions_table, clock)
    conflicts.remaining = FOR_EVER

    with pytest.raises(InfrastructureError):
        subscriptions.save(a_subscription())
