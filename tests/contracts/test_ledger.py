"""Contract of the ledger, for delivery."""

from dataclasses import replace
from functools import partial
from typing import Any

import boto3
import pytest

from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.adapters.dynamodb.ledger_items import lane_key
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import LaneConflict
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane, SuspendedReason
from lakehook.ports.stores import DueItem, Ledger
from lakehook.settings import DeliveriesTable as Table
from lakehook.settings import StackOutputs
from tests.builders import a_delivery
from tests.fakes import NOON, FakeClock, FakeLedger

LANE = Lane("sub_a", "39")
SUCCESS = Attempt(at=NOON, outcome=Outcome.DELIVERED, milliseconds=12, status=200)
FAILURE = Attempt(
    at=NOON + 0.125, outcome=Outcome.REJECTED, milliseconds=7, status=500, excerpt="湖"
)


@pytest.fixture(params=["fake", "dynamodb"])
def ledger(request: pytest.FixtureRequest, clock: FakeClock) -> Ledger:
    if request.param == "fake":
        return FakeLedger()
    deployment = request.getfixturevalue("deployment")
    return DynamoLedger(boto3.client("dynamodb"), deployment.deliveries_table, clock)


def waiting(sequence: int) -> DeliveryRecord:
    return DeliveryRecord.waiting(a_delivery(sequence, data={"湖": "\uffff", "n": 0.5}))


def held_at(ledger: Ledger, sequence: int = 1, *, due_at: float = NOON + 5) -> HeldLane:
    held = replace(HeldLane.held_at(LANE, sequence, now=NOON), due_at=due_at)
    ledger.save(waiting(sequence).with_attempt(FAILURE), before=None, after=held)
    return held


def lane_of(ledger: Ledger) -> HeldLane | None:
    return ledger.load([], [LANE]).lanes.get(LANE)


def record_of(ledger: Ledger, sequence: int) -> DeliveryRecord:
    return ledger.load([a_delivery(sequence)], [LANE]).records[LANE, sequence]


def test_an_empty_ledger_knows_nothing(ledger: Ledger):
    page = ledger.load([a_delivery(1)], [LANE])

    assert (dict(page.lanes), dict(page.records)) == ({}, {})


def test_a_success_is_read_back_and_its_lane_flows(ledger: Ledger):
    record = waiting(1).with_attempt(SUCCESS)

    ledger.save(record, before=None, after=None)

    assert record_of(ledger, 1) == record
    assert lane_of(ledger) is None


def test_a_failure_holds_its_lane_and_keeps_the_event(ledger: Ledger):
    held = held_at(ledger)

    assert lane_of(ledger) == held
    assert record_of(ledger, 1) == waiting(1).with_attempt(FAILURE)


def test_a_whole_batch_is_read_at_once(ledger: Ledger):
    deliveries = [a_delivery(1, pipeline_id=number) for number in range(10)]
    for delivery in deliveries:
        record = DeliveryRecord.waiting(delivery).with_attempt(SUCCESS)
        ledger.save(record, before=None, after=None)

    page = ledger.load([*deliveries, deliveries[0]], {delivery.lane for delivery in deliveries})

    assert len(page.records) == 10


def test_a_lane_is_held_by_one_worker_only(ledger: Ledger):
    held_at(ledger)

    with pytest.raises(LaneConflict):
        held_at(ledger, 2)

    assert (2 in {sequence for _, sequence in ledger.load([a_delivery(2)], []).records}) is False


def test_a_write_on_an_older_version_changes_nothing(ledger: Ledger):
    held = held_at(ledger)
    newer = held.with_appended(2, now=NOON)
    ledger.save(waiting(2), before=held, after=newer)

    with pytest.raises(LaneConflict):
        ledger.save(waiting(3), before=held, after=held.with_appended(3, now=NOON))
    with pytest.raises(LaneConflict):
        ledger.save_lane(held, None)

    assert lane_of(ledger) == newer
    assert ledger.load([a_delivery(3)], []).records == {}


def test_a_failure_never_overwrites_a_success(ledger: Ledger):
    held = held_at(ledger)
    ledger.save(waiting(1).with_attempt(SUCCESS), before=None, after=None)

    with pytest.raises(LaneConflict):
        ledger.save(
            waiting(1).with_attempt(FAILURE), before=held, after=held.head_failed(due_at=NOON + 9)
        )

    assert record_of(ledger, 1).status is DeliveryStatus.DELIVERED
    assert lane_of(ledger) == held


def test_the_last_success_of_a_held_lane_lets_it_flow(ledger: Ledger):
    held = held_at(ledger)

    ledger.save(waiting(1).with_attempt(FAILURE).with_attempt(SUCCESS), before=held, after=None)

    assert lane_of(ledger) is None
    assert record_of(ledger, 1).attempts == 2


def test_the_waiting_line_comes_in_order_and_without_what_is_final(ledger: Ledger):
    held = held_at(ledger)
    written = {}
    for sequence in range(25, 1, -1):
        after = held.with_appended(sequence, now=NOON)
        written[sequence] = ledger.save(waiting(sequence), before=held, after=after)
        held = after
    ledger.save(written[7].discarded("by hand"), before=None, after=None)

    line = [record.sequence for record in ledger.waiting_deliveries(held)]

    assert line == [1, 2, 3, 4, 5, 6, *range(8, 26)]


def test_the_waiting_line_of_a_lane_holds_nobody_elses(ledger: Ledger):
    held = held_at(ledger)
    other_record = DeliveryRecord.waiting(a_delivery(2, pipeline_id=390))
    ledger.save(other_record, before=None, after=HeldLane.held_at(other_record.lane, 2, now=NOON))

    assert [record.lane for record in ledger.waiting_deliveries(held)] == [LANE]


def test_a_waiting_delivery_is_read_back_whole_its_event_byte_for_byte(ledger: Ledger):
    delivery = a_delivery(1, previous="PIPELINE_CREATED", data={"湖": "\uffff", "n": 0.5})
    record = DeliveryRecord.waiting(replace(delivery, late=True)).mark_attempt_started()
    ledger.save(record, before=None, after=(held := HeldLane.held_at(LANE, 1, now=NOON)))

    assert list(ledger.waiting_deliveries(held)) == [record]


def test_a_lane_is_due_when_its_time_has_come(ledger: Ledger):
    held = held_at(ledger, due_at=NOON + 5.25)

    assert list(ledger.due(NOON + 5)) == []
    assert [(due.lane, due.due_token) for due in ledger.due(NOON + 5.25)] == [
        (LANE, held.due_token)
    ]


def test_one_of_two_schedulers_gets_the_lease(ledger: Ledger):
    held = held_at(ledger)
    (due,) = ledger.due(NOON + 10)

    token = ledger.lease(due, until=NOON + 310)

    assert token == round((NOON + 310) * 1000)
    assert ledger.lease(due, until=NOON + 310) is None
    assert lane_of(ledger) == replace(held, due_at=NOON + 310)
    assert list(ledger.due(NOON + 20)) == []


def test_a_lane_that_has_gone_leaves_no_lease(ledger: Ledger):
    held = held_at(ledger)
    (due,) = ledger.due(NOON + 10)
    ledger.save_lane(held, None)

    assert ledger.lease(due, until=NOON + 310) is None
    assert lane_of(ledger) is None


def test_a_lease_disturbs_no_worker(ledger: Ledger):
    held = held_at(ledger)
    (due,) = ledger.due(NOON + 10)
    ledger.lease(due, until=NOON + 310)

    ledger.save(waiting(2), before=held, after=held.with_appended(2, now=NOON))

    assert lane_of(ledger) == held.with_appended(2, now=NOON)


def test_the_lanes_that_a_subscription_holds_are_found(ledger: Ledger):
    held = held_at(ledger)
    other_record = DeliveryRecord.waiting(a_delivery(1, subscription="sub_b"))
    ledger.save(other_record, before=None, after=HeldLane.held_at(other_record.lane, 1, now=NOON))

    assert list(ledger.held_lanes("sub_a")) == [held]
    assert list(ledger.held_lanes("sub_c")) == []


def test_the_longest_held_lane_comes_first(ledger: Ledger):
    for number, held_since in ((40, NOON + 2), (41, NOON), (42, NOON + 1)):
        record = DeliveryRecord.waiting(a_delivery(1, pipeline_id=number))
        ledger.save(record, before=None, after=HeldLane.held_at(record.lane, 1, now=held_since))

    assert [held.lane.pipeline_key for held in ledger.held_lanes("sub_a")] == ["41", "42", "40"]


def test_held_lanes_are_summarized_by_the_oldest(ledger: Ledger):
    held = held_at(ledger)
    second = DeliveryRecord.waiting(a_delivery(1, pipeline_id=40))
    ledger.save(second, before=None, after=HeldLane.held_at(second.lane, 1, now=NOON + 1))
    passed = DeliveryRecord.waiting(a_delivery(1, subscription="sub_b")).dead("rejected")
    ledger.save(passed, before=None, after=None)

    summaries = ledger.summarize_held(["sub_a", "sub_b", "sub_c"])

    a, b = summaries["sub_a"], summaries["sub_b"]
    assert (a.lanes, a.dead, a.is_truncated, a.since, a.lane) == (2, 0, False, NOON, held)
    assert a.head == record_of(ledger, 1)
    assert (b.lanes, b.dead, b.since, b.lane, b.head) == (0, 1, NOON, None, passed)
    assert "sub_c" not in summaries


GONE = {
    Table.PARTITION_KEY: {"S": "sub_a#40"},
    Table.SORT_KEY: {"S": "lane"},
    Table.HELD_SINCE: {"N": str(round(NOON * 1000))},
}


@pytest.mark.parametrize(("oldest", "since"), [([], None), ([GONE], NOON)])
def test_a_summary_of_more_than_a_page_says_so_and_stands_without_its_oldest(
    deployment: StackOutputs, clock: FakeClock, oldest: list[Any], since: float | None
):
    dynamodb = boto3.client("dynamodb")
    ledger = DynamoLedger(dynamodb, deployment.deliveries_table, clock)
    held_at(ledger)

    def break_off(*, parsed: dict[str, Any], **_: object) -> None:
        parsed |= {"Items": oldest, "LastEvaluatedKey": GONE}

    dynamodb.meta.events.register("after-call.dynamodb.Query", break_off)

    summary = ledger.summarize_held(["sub_a"])["sub_a"]

    assert (summary.lanes, summary.is_truncated, summary.since) == (1, True, since)
    assert (summary.lane, summary.head) == (None, None)


# --- dead letters ---


def test_a_dead_letter_is_found_beside_its_lane_and_is_none(ledger: Ledger):
    held = held_at(ledger)
    dead = record_of(ledger, 1).dead("rejected")
    ledger.save(dead, before=held, after=held.blocked())

    assert list(ledger.dead_letters("sub_a")) == [dead]
    assert [held_lane.lane for held_lane in ledger.held_lanes("sub_a")] == [LANE]
    assert list(ledger.dead_letters("sub_b")) == []


def test_a_dead_letter_is_found_although_its_lane_has_gone_on(ledger: Ledger):
    held = held_at(ledger)
    dead = record_of(ledger, 1).dead("rejected")
    ledger.save(dead, before=held, after=None)

    assert list(ledger.dead_letters("sub_a")) == [dead]
    assert list(ledger.held_lanes("sub_a")) == []


@pytest.mark.parametrize("end", ["revived", "discarded", "delivered"])
def test_a_revived_delivery_is_no_dead_letter(ledger: Ledger, end: str):
    held = held_at(ledger)
    letter = record_of(ledger, 1).dead("rejected")
    dead = ledger.save(letter, before=held, after=held.with_attempt_started())
    ends = {
        "revived": dead.redriven(late=False),
        "discarded": dead.discarded("by hand"),
        "delivered": dead.redriven(late=False).with_attempt(SUCCESS),
    }

    ledger.save(ends[end], before=held.with_attempt_started(), after=None)

    assert list(ledger.dead_letters("sub_a")) == []


def test_many_dead_letters_are_all_found(ledger: Ledger):
    for number in range(120):
        record = DeliveryRecord.waiting(a_delivery(1, pipeline_id=number)).dead("timed_out")
        ledger.save(record, before=None, after=HeldLane.held_at(record.lane, 1, now=NOON))

    pipelines = {int(record.lane.pipeline_key) for record in ledger.dead_letters("sub_a")}

    assert pipelines == set(range(120))
    assert len(list(ledger.held_lanes("sub_a"))) == 120


@pytest.mark.parametrize("end", ["waiting", "revived", "discarded"])
def test_the_index_holds_lanes_and_dead_letters_alone(
    deployment: StackOutputs, clock: FakeClock, end: str
):
    dynamodb, table = boto3.client("dynamodb"), deployment.deliveries_table
    ledger, letter = DynamoLedger(dynamodb, table, clock), waiting(1).dead("timed_out")
    dead = ledger.save(letter, before=None, after=HeldLane.held_at(LANE, 1, now=NOON))
    ends = {
        "waiting": waiting(2),
        "revived": dead.redriven(late=False),
        "discarded": dead.discarded("by hand"),
    }

    ledger.save(ends[end], before=None, after=None)

    indexed = dynamodb.scan(TableName=table, IndexName="held")["Items"]
    names = {"lane", "0000000001"} if end == "waiting" else {"lane"}
    assert {item["record"]["S"] for item in indexed} == names
    assert dynamodb.scan(TableName=table, IndexName="suspended")["Items"] == []


def test_not_even_a_lane_that_flows_lets_a_success_be_overwritten(ledger: Ledger):
    ledger.save(waiting(1).with_attempt(SUCCESS), before=None, after=None)

    with pytest.raises(LaneConflict):
        ledger.save(waiting(1).discarded("too late"), before=None, after=None)

    assert record_of(ledger, 1).status is DeliveryStatus.DELIVERED


def test_a_late_success_is_no_answer_to_a_replay_that_has_lined_it_up_since(ledger: Ledger):
    dead = ledger.save(waiting(1).dead("refused"), before=None, after=None)
    lined_up = dead.replayed(a_delivery(1), by="rep_1")
    lined_up = ledger.save(lined_up, before=None, after=None)

    for save in (partial(ledger.save, before=None, after=None), ledger.save_late_success):
        with pytest.raises(LaneConflict):
            save(waiting(1).with_attempt(SUCCESS))
    assert record_of(ledger, 1) == lined_up

    ledger.save(lined_up.with_attempt(SUCCESS), before=None, after=None)
    assert record_of(ledger, 1).replayed_by == "rep_1"


@pytest.mark.parametrize("is_late", [True, False])
def test_a_success_written_blindly_stands_although_its_version_was_known(
    ledger: Ledger, *, is_late: bool
):
    begun, success = waiting(1).mark_attempt_started(), waiting(1).with_attempt(SUCCESS)
    saved = ledger.save(begun.crashed() if is_late else begun, before=None, after=None)
    if is_late:
        ledger.save_late_success(success)
    else:
        ledger.save(success, before=None, after=None)
        assert record_of(ledger, 1).version == saved.version

    with pytest.raises(LaneConflict):
        ledger.save(saved.discarded("too late"), before=None, after=None)

    assert record_of(ledger, 1).status is DeliveryStatus.DELIVERED


def test_a_record_that_another_has_written_is_not_written_over(ledger: Ledger):
    dead = ledger.save(waiting(1).dead("rejected"), before=None, after=None)
    ledger.save(dead.discarded("by hand"), before=None, after=None)

    for late in (dead.redriven(late=True), waiting(1)):
        with pytest.raises(LaneConflict):
            ledger.save(late, before=None, after=HeldLane.held_at(LANE, 1, now=NOON))

    assert record_of(ledger, 1).status is DeliveryStatus.DISCARDED
    assert lane_of(ledger) is None


def test_a_saved_record_can_be_saved_again(ledger: Ledger):
    dead = ledger.save(waiting(1).dead("rejected"), before=None, after=None)

    revived = ledger.save(dead.redriven(late=False), before=None, after=None)

    assert record_of(ledger, 1) == revived
    assert record_of(ledger, 1).version == revived.version == dead.version + 1


def test_suspended_lanes_are_found_until_they_are_resumed(ledger: Ledger):
    held = held_at(ledger)
    ledger.save_lane(held, held.suspended_for(SuspendedReason.CIRCUIT_OPEN))
    (suspended,) = ledger.suspended_lanes("sub_a")

    ledger.lease(DueItem(suspended.lane, suspended.due_token), until=NOON + 300)

    assert suspended.lane == LANE
    assert suspended.suspended_reason is SuspendedReason.CIRCUIT_OPEN
    assert list(ledger.suspended_lanes("sub_a")) == []
    assert list(ledger.suspended_lanes("sub_b")) == []
    assert lane_of(ledger) == replace(suspended, due_at=NOON + 300, suspended_reason=None)


def test_a_lane_without_a_due_time_is_never_due_until_it_is_leased(ledger: Ledger):
    held = held_at(ledger)
    ledger.save_lane(held, suspended := held.suspended_for(SuspendedReason.BLOCKED))

    assert lane_of(ledger) == suspended
    assert list(ledger.due(NOON + 10**9)) == []

    token = ledger.lease(DueItem.of(suspended), until=NOON + 300)

    assert token == round((NOON + 300) * 1000)
    assert ledger.lease(DueItem.of(suspended), until=NOON + 300) is None
    assert [due.due_token for due in ledger.due(NOON + 300)] == [token]


def test_a_lane_without_a_due_time_that_has_gone_leaves_no_lease(ledger: Ledger):
    held = held_at(ledger)
    suspended = held.suspended_for(SuspendedReason.CIRCUIT_OPEN)
    ledger.save_lane(held, None)

    assert ledger.lease(DueItem.of(suspended), until=NOON + 310) is None
    assert lane_of(ledger) is None


def test_lanes_are_suspended_since_a_time_or_longer(ledger: Ledger):
    held = held_at(ledger)
    ledger.save_lane(held, held.suspended_for(SuspendedReason.BLOCKED))

    assert list(ledger.suspended_lanes("sub_a", held_until=NOON - 0.001)) == []
    assert [lane.lane for lane in ledger.suspended_lanes("sub_a", held_until=NOON)] == [LANE]


def test_a_lane_behind_a_dead_letter_is_found_apart_from_suspended_ones(ledger: Ledger):
    held = held_at(ledger)
    ledger.save_lane(held, behind := held.with_dead_head())

    assert list(ledger.suspended_lanes("sub_a")) == []
    assert list(ledger.lanes_behind_dead_letters("sub_a")) == [behind]
    assert list(ledger.lanes_behind_dead_letters("sub_a", held_until=NOON - 1)) == []
    assert list(ledger.due(NOON + 10**9)) == []

    ledger.lease(DueItem.of(behind), until=NOON + 300)

    assert list(ledger.lanes_behind_dead_letters("sub_a")) == []
    assert lane_of(ledger) == replace(behind, due_at=NOON + 300)


@pytest.mark.parametrize("is_leased", [True, False])
def test_a_lane_that_moved_since_the_index_showed_it_is_not_behind_a_letter(
    deployment: StackOutputs, clock: FakeClock, *, is_leased: bool
):
    dynamodb = boto3.client("dynamodb")
    ledger = DynamoLedger(dynamodb, deployment.deliveries_table, clock)
    held = held_at(ledger)
    leased = replace(held.with_dead_head(), due_at=NOON + 300)
    suspended = held.suspended_for(SuspendedReason.CIRCUIT_OPEN)
    ledger.save_lane(held, leased if is_leased else suspended)

    def lag(*, parsed: dict[str, Any], **_: object) -> None:
        parsed["Items"] = [lane_key(LANE)]

    dynamodb.meta.events.register("after-call.dynamodb.Query", lag)

    assert list(ledger.lanes_behind_dead_letters("sub_a")) == []


def test_a_late_success_of_a_dead_letter_makes_the_lane_due_that_it_holds(ledger: Ledger):
    held = held_at(ledger)
    dead = record_of(ledger, 1).dead("crashed")
    behind = held.with_dead_head()
    ledger.save(dead, before=held, after=behind)
    late = waiting(1).with_attempt(SUCCESS)

    with pytest.raises(LaneConflict):
        ledger.save(late, before=None, after=None)
    assert lane_of(ledger) == behind
    ledger.save_late_success(late)

    assert record_of(ledger, 1).status is DeliveryStatus.DELIVERED
    assert [due.lane for due in ledger.due(NOON + 1)] == [LANE]
    assert list(ledger.lanes_behind_dead_letters("sub_a")) == []


@pytest.mark.parametrize("lane", ["flows", "is at another letter", "is at it and goes on"])
def test_a_late_success_leaves_a_lane_alone_that_it_does_not_hold(ledger: Ledger, lane: str):
    held = held_at(ledger)
    after = {
        "flows": None,
        "is at another letter": held.advanced_to(2, now=NOON + 60).with_dead_head(),
        "is at it and goes on": held.with_attempt_started(),
    }[lane]
    record = record_of(ledger, 1)
    ledger.save(record if "goes on" in lane else record.dead("crashed"), before=held, after=after)

    ledger.save_late_success(waiting(1).with_attempt(SUCCESS))

    assert record_of(ledger, 1).status is DeliveryStatus.DELIVERED
    assert lane_of(ledger) == after


def test_the_times_that_a_lane_waits_for_stay_with_it(ledger: Ledger):
    held = held_at(ledger)
    failed = held.head_failed(due_at=NOON + 9, retry_after_until=NOON + 7.5)
    failed = failed.with_reservation(NOON + 9.25, due_at=NOON + 9.25)

    ledger.save_lane(held, failed)

    assert lane_of(ledger) == failed


def test_none_of_many_due_lanes_is_always_the_last(deployment: StackOutputs, clock: FakeClock):
    ledger = DynamoLedger(boto3.client("dynamodb"), deployment.deliveries_table, clock)
    for number in range(20):
        record = DeliveryRecord.waiting(a_delivery(1, pipeline_id=number))
        ledger.save(record, before=None, after=HeldLane.held_at(record.lane, 1, now=NOON))

    orders = [[due.lane for due in ledger.due(NOON + 60 * minute)] for minute in range(4)]

    assert {len(lanes) for lanes in orders} == {20}
    assert len({lanes[0] for lanes in orders}) == len({lanes[-1] for lanes in orders}) == 4
