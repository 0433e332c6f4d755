from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import pytest

from lakehook.delivery.scheduler import MAX_INDEX_LAG_SECONDS, MAX_RUN_SECONDS
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.lane import LEASE_SECONDS, HeldLane
from lakehook.domain.queue_message import Resume
from lakehook.ports.stores import DueItem
from tests.fakes import NOON, FakeClock, FakeDeliveryQueue, FakeLedger, FakeTelemetry
from tests.ticking import a_tick


def lane(number: int) -> Lane:
    return Lane("sub_a", str(number))


@dataclass
class CountingQueue(FakeDeliveryQueue):
    """A queue that counts the resumes of each call."""

    batch_sizes: list[int] = field(default_factory=list)

    def enqueue_resumes(self, resumes: Sequence[Resume]) -> Collection[Lane]:
        self.batch_sizes.append(len(resumes))
        return super().enqueue_resumes(resumes)


class World:
    def __init__(self) -> None:
        self.clock, self.ledger, self.queue = FakeClock(), FakeLedger(), CountingQueue()
        self.telemetry = FakeTelemetry()

    def hold(self, *numbers: int, due_at: float = NOON) -> None:
        for number in numbers:
            held = HeldLane.held_at(lane(number), 1, now=NOON)
            self.ledger.lanes[held.lane] = replace(held, due_at=due_at)

    def resume_lanes(self) -> int:
        tick = a_tick(self.ledger, self.queue, self.clock, telemetry=self.telemetry)
        return tick.resume_lanes() + tick.probe_endpoints()


@pytest.fixture
def world() -> World:
    return World()


def test_a_lane_that_is_due_is_resumed(world: World):
    world.hold(1)
    world.hold(2, due_at=NOON + 1)

    assert [world.resume_lanes(), world.resume_lanes()] == [1, 0]

    assert [resume.lane for resume in world.queue.resumes] == [lane(1)]
    assert world.queue.batch_sizes == [1]


def test_the_due_time_is_leased_before_the_resume_is_sent_and_is_its_token(world: World):
    world.hold(1)
    due_when_rung = []
    ring = world.queue.enqueue_resumes

    def watch(resumes: Sequence[Resume]) -> Collection[Lane]:
        due_when_rung.append(world.ledger.lanes[lane(1)].due_at)
        return ring(resumes)

    world.queue.enqueue_resumes = watch  # type: ignore[method-assign]

    world.resume_lanes()

    assert due_when_rung == [NOON + LEASE_SECONDS]
    (resume,) = world.queue.resumes
    assert resume.token == round((NOON + LEASE_SECONDS) * 1000)


def test_of_two_concurrent_schedulers_one_resumes_a_lane(world: World):
    world.hold(1)
    both_see = list(world.ledger.due(NOON))
    world.ledger.due = lambda now: iter(both_see)  # type: ignore[method-assign]

    assert [world.resume_lanes(), world.resume_lanes()] == [1, 0]
    assert len(world.queue.resumes) == 1


def test_a_lane_that_changed_concurrently_is_left_alone(world: World):
    world.hold(1, 2)
    due = list(world.ledger.due(NOON))
    world.ledger.due = lambda now: iter([*due, DueItem(lane(9), 7)])  # type: ignore[method-assign]
    world.ledger.lanes[lane(1)] = world.ledger.lanes[lane(1)].head_failed(due_at=NOON + 5)

    assert world.resume_lanes() == 1

    assert [resume.lane for resume in world.queue.resumes] == [lane(2)]


def test_many_lanes_are_resumed_ten_at_a_time(world: World):
    world.hold(*range(25))

    assert world.resume_lanes() == 25

    assert world.queue.batch_sizes == [10, 10, 5]


def test_many_lanes_at_a_slow_table_leave_time_for_the_rest_of_the_tick(world: World):
    world.ledger = SlowLedger(clock=world.clock)
    world.hold(*range(100))
    started = world.clock.now()

    resumed = world.resume_lanes()

    assert world.clock.now() - started < MAX_RUN_SECONDS + 10
    assert resumed == len(world.queue.resumes) < 100
    assert len(list(world.ledger.due(NOON))) == 100 - resumed


def test_a_lane_that_could_not_be_resumed_is_not_counted_and_resumed_later(world: World):
    world.hold(1, 2)
    world.queue.refused_lanes = {lane(1)}

    assert world.resume_lanes() == 1

    world.queue.refused_lanes = set()
    world.clock.sleep(LEASE_SECONDS)
    world.ledger.lanes.pop(lane(2))
    assert world.resume_lanes() == 1
    assert [resume.lane for resume in world.queue.resumes] == [lane(2), lane(1)]


def test_a_lost_resume_is_sent_again_after_the_lease(world: World):
    world.hold(1)
    ring = world.queue.enqueue_resumes

    def fail(resumes: Sequence[Resume]) -> Collection[Lane]:
        raise InfrastructureError("SQS is away")

    world.queue.enqueue_resumes = fail  # type: ignore[method-assign]
    with pytest.raises(InfrastructureError):
        world.resume_lanes()
    world.queue.enqueue_resumes = ring  # type: ignore[method-assign]

    assert world.resume_lanes() == 0
    world.clock.sleep(LEASE_SECONDS)
    assert world.resume_lanes() == 1


class TroubledLedger(FakeLedger):
    """A ledger in which the leases of some lanes fail."""

    troubled: Collection[Lane] = ()

    def lease(self, due: DueItem, *, until: float) -> int | None:
        if due.lane in self.troubled:
            raise InfrastructureError("the table throttles this item")
        return super().lease(due, until=until)


@dataclass
class SlowLedger(FakeLedger):
    clock: FakeClock = field(default_factory=FakeClock)

    def lease(self, due: DueItem, *, until: float) -> int | None:
        self.clock.sleep(1)
        return super().lease(due, until=until)


def test_a_breaker_behind_which_the_index_shows_no_lane_is_not_forgotten(world: World):
    """The index of held lanes lags behind a lane that was just held."""
    breaker = EndpointHealth(subscription_id="sub_a", failures=5, due_at=NOON, version=1)
    world.ledger.healths.by_subscription["sub_a"] = breaker

    world.resume_lanes()
    world.clock.sleep(MAX_INDEX_LAG_SECONDS - 1)
    world.resume_lanes()

    assert world.ledger.healths.find("sub_a") == breaker


def test_a_breaker_that_has_reopened_since_it_was_found_due_stays_open(world: World):
    now = world.clock.now()
    reopened = EndpointHealth(subscription_id="sub_a", failures=6, due_at=now + 300, version=2)
    world.ledger.healths.by_subscription["sub_a"] = reopened
    due_item = DueItem(
        Lane("sub_a", ""), round((now - MAX_INDEX_LAG_SECONDS) * 1000), is_breaker=True
    )
    world.ledger.due = lambda _now: iter([due_item])  # type: ignore[method-assign]

    world.resume_lanes()

    assert world.ledger.healths.by_subscription["sub_a"] == reopened


def test_an_error_in_a_lane_leaves_the_others_of_its_tick_alone(world: World):
    world.ledger = TroubledLedger()
    world.ledger.troubled = {lane(3)}
    world.hold(1, 2, 3, 4, 5)

    assert world.resume_lanes() == 4

    assert {resume.lane for resume in world.queue.resumes} == {lane(n) for n in (1, 2, 4, 5)}
    assert [name for name, _ in world.telemetry.reports] == ["internal_error"]
    assert world.ledger.lanes[lane(3)].due_at == NOON  # so the next tick finds it


def test_a_failing_table_ends_the_tick_and_leased_lanes_are_resumed(world: World):
    world.ledger = TroubledLedger()
    world.ledger.troubled = {lane(n) for n in range(2, 30)}
    world.hold(*range(1, 30))

    with pytest.raises(InfrastructureError):
        world.resume_lanes()

    assert [resume.lane for resume in world.queue.resumes] == [lane(1)]
    assert len(world.telemetry.reports) == 3
