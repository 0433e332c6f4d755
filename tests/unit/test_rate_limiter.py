"""Rate limits: deliveries over the rate wait in order and spend no attempt."""

from itertools import pairwise

import pytest

from lakehook.domain.delivery import Lane
from lakehook.domain.lane import (
    RESERVATION_SECONDS,
    DeliveryStatus,
    SuspendedReason,
)
from lakehook.domain.queue_message import Ack, Nack, Resume
from lakehook.domain.rate_limit import Rate
from tests.builders import a_delivery, a_subscription
from tests.fakes import NOON
from tests.unit.test_deliver import FIRST, LANE, SECOND, World

SPACING = 3.25  # of twenty a minute


class PacedWorld(World):
    def __init__(self, rate: str = "20/m") -> None:
        super().__init__()
        self.subscriptions.put(a_subscription(rate=Rate.parse(rate)))

    def fill(self, count: int) -> None:
        """Receive so many lanes with a delivery each."""
        for pipeline in range(count):
            self.receive(a_delivery(1, pipeline_id=pipeline))

    def times(self) -> list[float]:
        return [round(at - NOON, 3) for at in self.attempts.times]


@pytest.fixture
def world() -> PacedWorld:
    return PacedWorld()


def test_the_second_delivery_waits_for_its_reservation_and_spends_no_attempt(world: PacedWorld):
    disposition = world.receive(a_delivery(1), a_delivery(2))[1]

    assert disposition == Nack(SPACING)
    assert world.attempts.message_ids == [FIRST]
    assert world.status(2) is DeliveryStatus.WAITING
    assert world.ledger.records[LANE, 2].attempts == 0
    assert world.ledger.lanes[LANE].attempts == 0


def test_a_reservation_is_used_at_its_time_and_not_before(world: PacedWorld):
    world.receive(a_delivery(1), a_delivery(2))
    world.clock.time += 1
    assert world.receive(a_delivery(2), redelivered=True) == [Nack(SPACING - 1)]
    assert world.attempts.message_ids == [FIRST]
    world.clock.time += SPACING - 1

    assert world.receive(a_delivery(2), redelivered=True) == [Ack()]

    assert world.attempts.message_ids == [FIRST, SECOND]
    assert world.rate_limits.free_at == {"sub_a": NOON + 2 * SPACING}


def test_a_delivery_long_after_its_reservation_makes_another(world: PacedWorld):
    world.receive(a_delivery(1), a_delivery(2))
    world.clock.time += SPACING + RESERVATION_SECONDS + 1
    world.receive(a_delivery(1, pipeline_id=7))

    assert world.receive(a_delivery(2), redelivered=True) == [Nack(SPACING)]


def test_the_next_delivery_of_a_lane_waits_behind_its_head(world: PacedWorld):
    world.receive(a_delivery(1), a_delivery(2))

    assert world.receive(a_delivery(3)) == [Ack()]

    assert world.ledger.lanes[LANE].reserved_at == NOON + SPACING
    world.clock.time += SPACING
    assert world.receive(a_delivery(2), redelivered=True) == [Nack(SPACING)]
    assert world.attempts.message_ids == [FIRST, SECOND]


def test_a_lane_without_a_near_reservation_is_suspended(world: PacedWorld):
    world.fill(11)

    suspended = [lane for lane in world.ledger.lanes.values() if lane.suspended]
    assert [held.due_at for held in suspended] == [None] * len(suspended)
    assert len(world.attempts.message_ids) == 1
    assert [held.suspended_reason for held in suspended] == [SuspendedReason.RATE_LIMIT]
    assert len(suspended) == 1  # nine places in thirty seconds, behind the one that went at once


def test_a_finished_attempt_resumes_a_suspended_lane(world: PacedWorld):
    world.fill(11)
    world.clock.time += SPACING

    world.receive(a_delivery(1, pipeline_id=1), redelivered=True)

    (resume,) = world.queue.resumes
    assert resume.lane == Lane("sub_a", "10")
    assert isinstance(resume, Resume)
    world.receive(resume)
    assert world.ledger.lanes[resume.lane].reserved_at == NOON + 10 * SPACING


def test_a_lane_that_needs_another_reservation_resumes_no_other(world: PacedWorld):
    world.fill(10)
    world.receive(a_delivery(2, pipeline_id=1))
    world.clock.time += SPACING

    world.receive(a_delivery(1, pipeline_id=1), redelivered=True)

    assert world.queue.resumes == []


def test_all_lanes_are_attempted_evenly_spaced_however_many_wait(world: PacedWorld):
    world.fill(60)
    waiting = {
        held.lane: held.reserved_at for held in world.ledger.lanes.values() if not held.suspended
    }

    while waiting:
        lane = min(waiting, key=lambda key: waiting[key])
        world.clock.time = max(world.clock.time, waiting.pop(lane))
        world.receive(a_delivery(1, pipeline_id=int(lane.pipeline_key)), redelivered=True)
        while world.queue.resumes:
            resume = world.queue.resumes.pop(0)
            world.receive(resume)
            if held := world.ledger.lanes.get(resume.lane):
                waiting[resume.lane] = held.reserved_at

    assert len(world.attempts.message_ids) == 60
    times = world.times()
    assert all(later - earlier >= SPACING - 0.001 for earlier, later in pairwise(times))
    assert times[-1] <= 61 * SPACING


def test_a_late_reservation_is_waited_for_in_the_ledger_and_the_scheduler_is_early():
    world = PacedWorld("1/h")
    world.receive(a_delivery(1))

    assert world.receive(a_delivery(1, pipeline_id=7)) == [Ack()]

    held = world.ledger.lanes[Lane("sub_a", "7")]
    assert (held.reserved_at, held.due_at) == (NOON + 3605, NOON + 3545)
    assert not held.suspended


def test_less_than_a_second_is_waited_out():
    world = PacedWorld("600/m")
    world.receive(a_delivery(1), a_delivery(2))

    assert world.attempts.message_ids == [FIRST, SECOND]
    assert world.times() == [0.0, 0.108]


def test_a_retry_needs_a_reservation_as_well(world: PacedWorld):
    world.fail(FIRST)
    world.receive(a_delivery(1))
    world.clock.time += 4.9
    world.receive(a_delivery(1, pipeline_id=7))
    world.clock.time += 0.1

    (disposition,) = world.receive(a_delivery(1), redelivered=True)

    assert disposition == Nack(pytest.approx(SPACING - 0.1))
    assert world.ledger.lanes[LANE].attempts == 1


def test_subscriptions_of_a_url_share_its_rate(world: PacedWorld):
    rate = Rate.parse("20/m")
    for name in ("sub_a", "sub_b"):
        world.subscriptions.put(a_subscription(id=name, rate=rate, rate_limit_key="robot"))

    world.receive(a_delivery(1))

    assert world.receive(a_delivery(1, subscription="sub_b")) == [Nack(SPACING)]


def test_suspended_lanes_of_both_subscriptions_are_resumed(world: PacedWorld):
    rate = Rate.parse("20/m")
    for name in ("sub_a", "sub_b"):
        world.subscriptions.put(a_subscription(id=name, rate=rate, rate_limit_key="robot"))
    world.fill(10)
    world.receive(a_delivery(1, subscription="sub_b"))
    world.clock.time += SPACING

    world.receive(a_delivery(1, pipeline_id=1), redelivered=True)

    assert [resume.lane for resume in world.queue.resumes] == [Lane("sub_b", "39")]
