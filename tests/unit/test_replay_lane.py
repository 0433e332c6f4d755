"""A lane that is replayed concurrently with deliveries: in order, none lost."""

from dataclasses import replace
from typing import Any

import pytest

from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.errors import LaneConflict
from lakehook.domain.lane import LEASE_SECONDS, DeliveryStatus, HeldLane, SuspendedReason
from lakehook.domain.queue_message import Ack, Nack, Resume
from lakehook.domain.subscription import Ordering
from lakehook.replay import worker
from tests.builders import a_subscription
from tests.fakes import NOON
from tests.replaying import World

DELIVERED, DEAD, WAITING = DeliveryStatus.DELIVERED, DeliveryStatus.DEAD, DeliveryStatus.WAITING
LANE = Lane("sub_a", "1")


@pytest.fixture
def world() -> World:
    return World()


def start(world: World, **fields: Any) -> None:
    """Start a replay and enqueue its deliveries, without processing the resumes."""
    world.start(**fields)
    world.tick()


def spend_budget(world: World, sequence: int) -> None:
    """Let all three attempts of a delivery fail."""
    world.attempts.script[f"sub_a#1#{sequence}"] = [world.attempts.failure() for _ in range(3)]
    world.receive(world.delivery(1, sequence))
    for _ in range(2):
        world.clock.sleep(400)
        world.receive(Resume(LANE, 1))


def resume(world: World) -> Resume:
    return world.queue.resumes.pop(0)


def test_a_new_delivery_waits_behind_replayed_ones(world: World):
    world.pass_through(1, "CREATED", "RUNNING")
    world.record(1, DELIVERED, 1, 2)
    start(world)

    (new,) = world.fan_out(1, "COMPLETED")
    assert world.receive(new) == [Ack()]
    assert world.received_ids == []
    world.process_resumes()

    assert world.received_ids == ["1#1", "1#2", "1#3"]
    assert [sending.replayed for sending in world.sent] == [True, True, False]
    assert world.ledger.lanes == {}


def test_a_delivery_that_arrives_during_the_enqueueing_comes_again_in_order(world: World):
    world.pass_through(1, "CREATED", "RUNNING")
    world.record(1, DELIVERED, 1, 2)
    (new,) = world.fan_out(1, "COMPLETED")
    world.attempts.during = lambda sending: (
        start(world) if sending.id == new.id and len(world.sent) == 1 else None
    )

    first_result = world.receive(new)
    second_result = world.receive(new, redelivered=True)
    world.process_resumes()

    assert (first_result, second_result) == ([Nack()], [Ack()])
    assert world.received_ids == ["1#3", "1#1", "1#2", "1#3"]
    assert world.statuses(1) == [DELIVERED] * 3


def test_a_lane_that_changes_concurrently_is_read_again(world: World):
    world.pass_through(1)
    world.record(1, DELIVERED, 1, 2, 3)
    load, moves = world.ledger.load, []

    def load_and_move(*keys: Any) -> Any:
        page = load(*keys)
        if len(moves) < 2:
            moves.append(world.delivery(1, len(moves) + 1))
            held = page.lanes.get(LANE)
            world.ledger._put(
                LANE, held.with_attempt_started() if held else HeldLane.held_at(LANE, 9, now=NOON)
            )
        return page

    world.start()
    world.ledger.load = load_and_move  # type: ignore[method-assign]

    assert world.tick() == 3


def test_a_lane_that_changes_on_every_read_is_left_for_the_next_tick(world: World):
    world.pass_through(1)
    world.pass_through(2)
    first = world.start().replay
    revive, moved = world.ledger.requeue, []

    def elsewhere(*args: Any, **kwargs: Any) -> None:
        if args[0][0].record.lane == LANE and len(moved) < worker.MAX_TRIES:
            moved.append(LANE)
            raise LaneConflict("by others")
        revive(*args, **kwargs)

    world.ledger.requeue = elsewhere  # type: ignore[method-assign]

    assert world.tick() == 0
    assert world.tick_until_ended(first).sent == 6


def test_a_concurrent_late_success_is_not_overwritten(world: World):
    """A late worker writes its success without a condition, so the record is read again."""
    world.pass_through(1, "CREATED")
    world.record(1, WAITING, 1)
    world.ledger.records[LANE, 1] = replace(world.ledger.records[LANE, 1], status=DEAD)
    dead = world.ledger.records[LANE, 1]
    revive, wrote = world.ledger.requeue, []

    def late(*args: Any, **kwargs: Any) -> None:
        if not wrote:
            wrote.append(True)
            world.ledger.save_late_success(replace(dead, status=DELIVERED))
        revive(*args, **kwargs)

    world.ledger.requeue = late  # type: ignore[method-assign]

    replay = world.replay(status="dead")

    assert replay.sent == 0
    assert world.statuses(1) == [DELIVERED]


def test_a_head_that_waits_for_its_retry_goes_after_earlier_replayed_deliveries(world: World):
    world.pass_through(1)
    world.record(1, DELIVERED, 1, 2)
    world.attempts.script["sub_a#1#3"] = [world.attempts.failure()]
    world.receive(world.delivery(1, 3))
    assert world.ledger.lanes[LANE].head == 3

    start(world, status="delivered")
    world.process_resumes()

    assert world.received_ids == ["1#3", "1#1", "1#2", "1#3"]
    assert world.statuses(1) == [DELIVERED] * 3


def test_a_replay_behind_a_waiting_head_does_not_hurry_it(world: World):
    world.pass_through(1)
    world.record(1, DELIVERED, 3)
    world.attempts.script["sub_a#1#1"] = [world.attempts.failure(retry_after=900)]
    world.receive(world.delivery(1, 1))
    held = world.ledger.lanes[LANE]

    start(world, status="delivered")
    world.receive(resume(world))

    after = world.ledger.lanes[LANE]
    assert (after.head, after.due_at, after.attempts) == (1, held.due_at, 1)
    assert world.received_ids == ["1#1"]


def test_a_retry_after_is_kept_by_a_replay(world: World):
    world.pass_through(1)
    world.record(1, DELIVERED, 1)
    world.attempts.script["sub_a#1#2"] = [world.attempts.failure(retry_after=900)]
    world.receive(world.delivery(1, 2))

    start(world, status="delivered")

    held = world.ledger.lanes[LANE]
    assert (held.head, held.due_at) == (1, NOON + 900)


def test_a_lane_behind_a_dead_letter_continues_when_the_letter_is_replayed(world: World):
    world.pass_through(1)
    world.subscriptions.put(a_subscription(ordering=Ordering.STRICT))
    spend_budget(world, 1)
    world.receive(world.delivery(1, 2))
    assert world.statuses(1) == [DEAD, WAITING]
    assert world.ledger.lanes[LANE].head_is_dead

    start(world, status="dead")
    world.process_resumes()

    assert world.received_ids == ["1#1"] * 4 + ["1#2"]
    assert [sending.replayed for sending in world.sent[-2:]] == [True, False]


def test_a_delivery_replayed_before_a_dead_letter_is_sent_and_the_letter_stays(world: World):
    world.pass_through(1)
    world.record(1, DELIVERED, 1)
    spend_budget(world, 2)
    assert world.statuses(1) == [DELIVERED, DEAD]

    start(world, status="delivered")
    world.process_resumes()

    assert world.received_ids == ["1#2"] * 3 + ["1#1"]
    assert world.statuses(1) == [DELIVERED, DEAD]
    assert world.ledger.lanes[LANE].head_is_dead


def test_under_skip_a_dead_letter_is_sent_in_its_place_and_not_as_late(world: World):
    world.pass_through(1)
    world.subscriptions.put(a_subscription(ordering=Ordering.SKIP))
    world.record(1, DELIVERED, 1, 3)
    world.record(1, DEAD, 2)

    world.replay()
    world.process_resumes()

    assert world.received_ids == ["1#1", "1#2", "1#3"]
    assert not any(sending.late for sending in world.sent)


def test_a_replay_does_not_resume_a_suspended_lane(world: World):
    world.pass_through(1)
    world.record(1, DELIVERED, 1, 2, 3)
    down = SuspendedReason.CIRCUIT_OPEN
    asleep = HeldLane.held_at(LANE, 4, now=NOON).suspended_for(down)
    world.ledger.lanes[LANE] = asleep

    start(world)

    held = world.ledger.lanes[LANE]
    assert (held.head, held.suspended_reason, held.due_at) == (1, down, None)


def test_each_replayed_delivery_has_a_fresh_budget_and_keeps_its_log(world: World):
    world.pass_through(1, "CREATED")
    world.record(1, DELIVERED, 1)
    world.attempts.script["sub_a#1#1"] = [world.attempts.failure(), world.attempts.failure()]

    start(world)
    world.receive(resume(world))
    world.clock.sleep(10)
    world.receive(Resume(LANE, 1))

    assert world.statuses(1) == [WAITING]
    assert world.ledger.records[LANE, 1].attempts == 3
    assert world.ledger.lanes[LANE].attempts == 2


def test_a_delivery_dead_for_crashing_its_workers_is_attempted_again(world: World):
    world.pass_through(1, "CREATED")
    world.record(1, DEAD, 1)
    crashed = replace(world.ledger.records[LANE, 1], attempts_started=3, reason="crashed")
    world.ledger.records[LANE, 1] = crashed

    start(world)
    world.process_resumes()

    assert world.received_ids == ["1#1"]
    assert world.statuses(1) == [DELIVERED]


def test_a_large_lane_is_lined_up_part_by_part_and_goes_when_the_last_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    world.pass_through(1)
    world.record(1, DELIVERED, 1, 2, 3)
    monkeypatch.setattr(worker, "MAX_RECORDS", 2)
    world.ledger.most_requeued = 2
    dues: list[float] = []
    revive = world.ledger.requeue

    def witnessed(*args: Any, **kwargs: Any) -> None:
        revive(*args, **kwargs)
        dues.append(world.ledger.lanes[LANE].due_at - NOON)

    world.ledger.requeue = witnessed  # type: ignore[method-assign]
    start(world)

    assert dues == [LEASE_SECONDS, 0]
    world.process_resumes()
    assert world.received_ids == ["1#1", "1#2", "1#3"]


def test_a_new_delivery_joins_a_large_lane_between_its_parts_and_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    world.pass_through(1, "CREATED", "RUNNING")
    world.record(1, DELIVERED, 1, 2)
    monkeypatch.setattr(worker, "MAX_RECORDS", 1)
    new: list[Delivery] = []
    revive = world.ledger.requeue

    def joined(*args: Any, **kwargs: Any) -> None:
        revive(*args, **kwargs)
        if not new:
            new.extend(world.fan_out(1, "COMPLETED"))
            assert world.receive(*new) == [Ack()]

    world.ledger.requeue = joined  # type: ignore[method-assign]
    start(world)
    world.clock.sleep(LEASE_SECONDS)
    world.process_resumes()

    assert world.received_ids == ["1#1", "1#2", "1#3"]


def test_parts_are_bounded_by_their_bytes_too(world: World, monkeypatch: pytest.MonkeyPatch):
    world.pass_through(1)
    monkeypatch.setattr(worker, "MAX_BYTES", worker.RECORD_BYTES * 2)
    world.ledger.most_requeued = 1

    start(world)

    assert world.statuses(1) == [WAITING] * 3
