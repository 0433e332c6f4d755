"""Circuit breakers: an endpoint that is down or slow is called seldom, and no lane is lost."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from lakehook.delivery.batch import DeliverBatch
from lakehook.delivery.lane_processor import DeliverLane
from lakehook.delivery.scheduler import (
    MAX_INDEX_LAG_SECONDS,
    MAX_LANES_PROBED,
    RARE_CHECK_SECONDS,
    resume_suspended_lanes,
)
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.circuit_breaker import (
    CHECK_SECONDS,
    PERMITS,
    UNANSWERED_SECONDS,
    EndpointHealth,
)
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.lane import DeliveryStatus, HeldLane, SuspendedReason
from lakehook.domain.queue_message import Ack, Nack, ReceivedMessage, Resume
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.subscription import Ordering, Subscription
from tests.builders import a_delivery, a_subscription
from tests.delivering import DeliverFunction
from tests.fakes import NOON, Sending
from tests.ticking import a_tick


class World(DeliverFunction):
    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.took_ms = 5
        self.schedule = RetrySchedule((120,) * 5)
        self.attempts.otherwise = self.attempt

    def run_scheduler(self) -> int:
        tick = a_tick(self.ledger, self.queue, self.clock, subscriptions=self.subscriptions)
        return tick.resume_lanes() + tick.probe_endpoints()

    def open_the_breaker(self) -> None:
        self.down = True
        for number in range(5):
            self.receive(in_lane(number))

    def tick(self) -> list[Lane]:
        """Run the scheduler, process its resumes, and return the lanes resumed."""
        self.queue.resumes.clear()
        self.run_scheduler()
        return self.deliver_resumed()

    def deliver_resumed(self) -> list[Lane]:
        lanes = []
        while self.queue.resumes:
            resume = self.queue.resumes.pop(0)
            lanes.append(resume.lane)
            self.receive(resume)
        return lanes

    def slow_down(self) -> EndpointHealth:
        """Make the endpoint slow by an attempt that takes long."""
        self.took_ms = 16000
        self.receive(in_lane(1))
        return self.ledger.healths.by_subscription["sub_a"]

    def health(self, health: EndpointHealth) -> None:
        self.ledger.healths.by_subscription["sub_a"] = health

    def attempt(self) -> Attempt:
        outcome = Outcome.REJECTED if self.down else Outcome.DELIVERED
        return Attempt(at=self.clock.now(), outcome=outcome, milliseconds=self.took_ms)


def in_lane(pipeline: int, sequence: int = 1) -> Delivery:
    return a_delivery(sequence, pipeline_id=pipeline)


@pytest.fixture
def world() -> World:
    return World()


def test_a_down_endpoint_gets_one_probe_at_a_time(world: World):
    world.open_the_breaker()
    before = world.subscriptions.fresh_reads
    assert world.receive(in_lane(77), in_lane(77, 2)) == [Ack(), Ack()], "they wait unattempted"
    assert world.subscriptions.fresh_reads == before + 1
    assert len(world.attempts.message_ids) == 5
    world.attempts.message_ids.clear()
    world.clock.sleep(120)

    world.tick()

    assert world.attempts.message_ids == ["sub_a#77#1"], "the lane that has spent least"
    assert world.ledger.healths.by_subscription["sub_a"].is_open


def test_after_a_success_waiting_lanes_are_resumed_gradually(world: World):
    world.open_the_breaker()
    for pipeline in range(100, 120):
        world.receive(in_lane(pipeline), in_lane(pipeline, 2))
    world.down = False
    world.clock.sleep(120)
    world.queue.resumes.clear()
    world.run_scheduler()
    (probe,) = [resume for resume in world.queue.resumes if resume.probe]
    world.queue.resumes = []

    world.receive(probe)

    assert len(world.queue.resumes) == 1 + 2, "its two deliveries have woken one lane, then two"
    world.deliver_resumed()
    world.clock.sleep(7200)
    world.tick()
    assert world.ledger.lanes == {}
    assert world.ledger.healths.by_subscription == {}
    assert len([m for m in world.attempts.message_ids if m.startswith("sub_a#1")]) >= 40


def test_five_days_of_failing_disable_the_subscription(world: World):
    world.open_the_breaker()
    world.clock.sleep(5 * 24 * 3600)

    world.tick()

    reason = world.subscriptions.by_id["sub_a"].disabled_reason
    assert reason == "every attempt has failed for five days"


def test_a_slow_endpoint_has_three_lanes_worked_off_at_a_time(world: World):
    world.clock.sleep(0.0003)
    assert world.slow_down().is_slow
    at_once = []

    def another_comes(sending: Sending) -> None:
        number = int(sending.id.split("#")[1]) + 1
        at_once.append(number)
        world.receive(in_lane(number))

    world.took_ms = 8000
    world.attempts.during = another_comes

    world.receive(in_lane(10))

    assert at_once == [11, 12, 13]
    assert world.ledger.records[Lane("sub_a", "13"), 1].status is DeliveryStatus.WAITING
    assert Lane("sub_a", "13") in [resume.lane for resume in world.queue.resumes]
    assert not world.ledger.healths.by_subscription["sub_a"].permits, (
        "each was released, though others wrote"
    )


class Hanging(World):
    """A world whose first attempt hangs, with an action meanwhile."""

    def __init__(self, seconds: float, meanwhile: Callable[["World"], object]) -> None:
        super().__init__()
        self.batch = super().deliver_batch()
        self.seconds, self.meanwhile = seconds, meanwhile
        self.attempts.during = self._hang

    def deliver_batch(self) -> DeliverBatch:
        return self.batch

    def _hang(self, _: Sending) -> None:
        self.attempts.during = lambda _: None
        self.clock.sleep(UNANSWERED_SECONDS)
        self.batch.deliver.mark_unanswered()
        self.meanwhile(self)
        self.clock.sleep(self.seconds - UNANSWERED_SECONDS)


def test_while_an_attempt_gets_no_answer_another_lane_waits_by_one_write():
    writes: list[int] = []

    def another_comes(world: World) -> None:
        before = world.ledger.writes
        assert world.receive(in_lane(2)) == [Ack()]
        writes.append(world.ledger.writes - before)
        assert world.attempts.message_ids == ["sub_a#1#1"]
        held = world.ledger.lanes[Lane("sub_a", "2")]
        assert held.suspended_reason is SuspendedReason.CONCURRENCY_LIMIT

    world = Hanging(3.0, another_comes)
    world.receive(in_lane(1))
    world.deliver_resumed()

    assert writes == [1]
    assert world.attempts.message_ids == ["sub_a#1#1", "sub_a#2#1"]
    assert world.ledger.lanes == {}
    assert not world.ledger.healths.find("sub_a").permits


def test_an_attempt_that_is_answered_in_time_writes_nothing_of_its_health():
    world = Hanging(0.4, lambda _: None)
    world.attempts.during = lambda _: None

    world.receive(in_lane(1))
    world.batch.deliver.mark_unanswered()

    assert world.ledger.healths.writes == 0


def test_lanes_that_waited_for_a_hanging_endpoint_are_resumed_one_after_the_other():
    def others_come(world: World) -> None:
        for number in range(2, 5):
            world.receive(in_lane(number))

    world = Hanging(10.0, others_come)
    hung = Attempt(at=NOON, outcome=Outcome.TIMED_OUT, milliseconds=10000)
    world.attempts.script = {f"sub_a#{number}#1": [hung] for number in (1, 2)}

    world.receive(in_lane(1))
    resumed = [resume.lane.pipeline_key for resume in world.queue.resumes]
    world.deliver_resumed()

    assert resumed == ["2"]
    assert {lane.pipeline_key for lane in world.ledger.lanes} == {"1", "2"}
    assert world.ledger.healths.find("sub_a").unanswered_since is None


def test_an_attempt_that_is_not_recorded_gives_its_permit_back():
    world = Hanging(3.0, lambda _: None)
    world.attempts.script = {"sub_a#1#1": [InfrastructureError("no key")]}

    world.receive(in_lane(1))

    assert world.ledger.healths.find("sub_a").permits == ()


def test_a_failing_probe_in_a_short_schedule_waits_in_the_queue_like_any_attempt(world: World):
    world.schedule = RetrySchedule((10,) * 5)
    world.open_the_breaker()
    world.clock.sleep(10)
    world.queue.resumes.clear()
    world.run_scheduler()
    probe = next(resume for resume in world.queue.resumes if resume.probe)

    assert world.receive(probe) == [Nack(10.0)]


def test_the_breaker_of_a_paused_subscription_is_not_probed(world: World):
    world.open_the_breaker()
    world.subscriptions.put(a_subscription(paused_at="2026-01-01T00:00:00Z"))
    world.clock.sleep(120)
    world.ledger.lanes = {
        lane: held.suspended_for(SuspendedReason.CIRCUIT_OPEN)
        for lane, held in world.ledger.lanes.items()
    }

    assert world.tick() == []

    assert world.ledger.healths.by_subscription["sub_a"].due_at == world.clock.now() + 3600


@pytest.mark.parametrize("is_one_alive", [True, False])
def test_a_thousand_lanes_behind_letters_keep_no_probe_from_another_and_are_not_read_each_minute(
    world: World, monkeypatch: pytest.MonkeyPatch, *, is_one_alive: bool
):
    world.open_the_breaker()
    world.receive(in_lane(77))
    living = world.ledger.lanes.pop(Lane("sub_a", "77"))
    dead = replace(living.with_dead_head(), held_since=NOON - 9999)
    lanes = [Lane("sub_a", str(number)) for number in range(1000, 2000)]
    world.ledger.lanes = {lane: replace(dead, lane=lane) for lane in lanes}
    if is_one_alive:
        world.ledger.lanes[living.lane] = living
    lanes_read: list[HeldLane] = []
    held_lanes = world.ledger.held_lanes
    monkeypatch.setattr(
        world.ledger,
        "held_lanes",
        lambda subscription: (lanes_read.append(lane) or lane for lane in held_lanes(subscription)),
    )
    suspended = [lane for lane in held_lanes("sub_a") if lane.suspended]
    monkeypatch.setattr(world.ledger, "suspended_lanes", lambda _: iter(suspended))
    world.clock.sleep(120)

    world.run_scheduler()

    assert [resume.lane for resume in world.queue.resumes if resume.probe] == (
        [living.lane] if is_one_alive else []
    )
    assert len(lanes_read) <= MAX_LANES_PROBED


def test_a_pause_while_a_lane_is_processed_loses_nothing(world: World):
    first_reads = iter([a_subscription()])
    find = world.subscriptions.find

    def paused_meanwhile(subscription_id: str, *, fresh: bool = False) -> Subscription | None:
        paused = a_subscription(paused_at="2026-01-01T00:00:00Z")
        world.subscriptions.put(paused)
        return next(first_reads, None) or find(subscription_id, fresh=fresh)

    world.subscriptions.find = paused_meanwhile  # type: ignore[method-assign]

    world.receive(in_lane(1))

    assert (Lane("sub_a", "1"), 1) in world.ledger.records


def test_a_probe_is_one_attempt_even_when_its_delivery_is_dead_lettered(world: World):
    world.subscriptions.put(
        a_subscription(ordering=Ordering.SKIP, retry_schedule=RetrySchedule((120,)))
    )
    world.down = True
    for number in range(5):
        world.receive(in_lane(number), in_lane(number, 2))
    world.attempts.message_ids.clear()
    world.clock.sleep(120)

    world.tick()

    assert len(world.attempts.message_ids) == 1
    assert len(world.ledger.lanes) == 5, "what waits behind it still does"


def test_a_probe_passes_by_the_dead_and_attempts_the_first_that_waits(world: World):
    world.subscriptions.put(
        a_subscription(ordering=Ordering.SKIP, retry_schedule=RetrySchedule((120,)))
    )
    world.down = True
    for number in range(5):
        world.receive(in_lane(number), in_lane(number, 2), in_lane(number, 3))
    world.down = False
    dead = [key for key in world.ledger.records if key[1] == 1]
    for key in dead:
        world.ledger.records[key] = world.ledger.records[key].dead("rejected")
    world.clock.sleep(120)

    world.tick()

    assert (
        world.ledger.healths.by_subscription.get("sub_a") is None
        or not world.ledger.healths.by_subscription["sub_a"].is_open
    )


def test_a_probe_that_came_to_nothing_is_soon_followed_by_another(world: World):
    world.open_the_breaker()
    world.down = False
    world.clock.sleep(120)
    world.run_scheduler()
    world.queue.resumes.clear()
    world.clock.sleep(30)

    world.tick()

    assert not any(health.is_open for health in world.ledger.healths.by_subscription.values())


def test_no_probe_goes_to_a_lane_before_its_retry_after(world: World):
    world.open_the_breaker()
    hinted = world.clock.now() + 3600
    for lane, held in list(world.ledger.lanes.items()):
        world.ledger.lanes[lane] = replace(held, due_at=hinted, retry_after_until=hinted)
    world.receive(in_lane(77))
    world.clock.sleep(300)

    assert world.tick() == [Lane("sub_a", "77")]


def test_a_breaker_behind_which_nothing_waits_any_more_is_forgotten(world: World):
    world.open_the_breaker()
    world.ledger.lanes.clear()
    world.clock.sleep(300 + MAX_INDEX_LAG_SECONDS)

    assert world.tick() == []

    assert world.ledger.healths.by_subscription == {}


def test_an_endpoint_that_is_quick_again_resumes_its_suspended_lanes(world: World):
    full = replace(world.slow_down(), permits=(world.clock.now() + 60,) * PERMITS)
    world.health(full)
    for number in range(10, 15):
        world.receive(in_lane(number))
    world.took_ms = 5
    world.health(replace(full, permits=(), average_ms=2001.0))

    world.receive(in_lane(20))
    world.deliver_resumed()

    assert world.ledger.lanes == {}


def test_a_lane_of_a_slow_endpoint_whose_resume_was_lost_goes_within_two_minutes(world: World):
    world.health(replace(world.slow_down(), permits=(world.clock.now() + 20,) * PERMITS))
    world.receive(in_lane(2))
    assert world.ledger.lanes[Lane("sub_a", "2")].suspended

    world.clock.sleep(CHECK_SECONDS)

    assert world.tick() == [Lane("sub_a", "2")]
    assert world.ledger.records[Lane("sub_a", "2"), 1].status is DeliveryStatus.DELIVERED


def test_a_slow_endpoint_for_which_nothing_waits_is_checked_once_an_hour(world: World):
    world.slow_down()
    world.clock.sleep(CHECK_SECONDS)

    assert world.tick() == []

    slow = world.ledger.healths.by_subscription["sub_a"]
    assert world.ledger.healths.due_at(slow) == world.clock.now() + RARE_CHECK_SECONDS


def test_the_health_of_a_removed_slow_endpoint_is_forgotten(world: World):
    world.slow_down()
    world.subscriptions.put(a_subscription(removed_at="2026-01-01T00:00:00Z"))
    world.clock.sleep(CHECK_SECONDS)

    assert world.tick() == []

    assert world.ledger.healths.by_subscription == {}


def test_a_rejected_message_lets_the_next_lane_of_a_slow_endpoint_go(world: World):
    slow = world.slow_down()
    world.health(replace(slow, permits=(world.clock.now() + 60,) * PERMITS))
    assert world.receive(in_lane(2)) == [Ack()]
    world.health(slow)
    world.queue.resumes.clear()

    rejected = Attempt(
        at=world.clock.now(), outcome=Outcome.UNACCEPTABLE, milliseconds=3000, status=400
    )
    world.attempts.otherwise = lambda: rejected
    world.receive(in_lane(3))

    assert [resume.lane.pipeline_key for resume in world.queue.resumes] == ["2"]


def test_two_workers_that_resume_lanes_at_once_resume_different_ones(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    world.open_the_breaker()
    for lane, held in world.ledger.lanes.items():
        world.ledger.lanes[lane] = held.suspended_for(SuspendedReason.CONCURRENCY_LIMIT)
    seen_by_both = list(world.ledger.suspended_lanes("sub_a"))
    monkeypatch.setattr(world.ledger, "suspended_lanes", lambda _: iter(seen_by_both))
    deliver = world.deliver_batch().deliver
    assert isinstance(deliver, DeliverLane)
    world.queue.resumes.clear()

    resumed = [resume_suspended_lanes(deliver.dependencies, "sub_a", 2) for _ in range(2)]

    assert resumed == [2, 2]
    assert len({resume.lane for resume in world.queue.resumes}) == 4


def probe_of_a_long_outage(world: World) -> Resume:
    """A probe in a lane that retries sooner than the endpoint is probed again."""
    world.schedule = RetrySchedule((5, 60, 300))
    world.open_the_breaker()
    opened = world.ledger.healths.by_subscription["sub_a"]
    world.ledger.healths.by_subscription["sub_a"] = replace(opened, probes=9)
    world.clock.sleep(120)
    world.queue.resumes.clear()
    world.run_scheduler()
    (probe,) = [resume for resume in world.queue.resumes if resume.probe]
    return probe


def test_a_lane_whose_probe_failed_is_not_resumed_before_the_next_probe(world: World):
    probe = probe_of_a_long_outage(world)

    assert world.receive(probe) == [Ack()]

    lane = world.ledger.lanes[probe.lane]
    assert lane.suspended_reason is SuspendedReason.CIRCUIT_OPEN
    assert lane.retry_at > 0
    health = world.ledger.healths.by_subscription["sub_a"]
    assert health.due_at == world.clock.now() + 300


def test_a_lane_whose_probe_failed_continues_if_the_breaker_has_closed(world: World):
    probe = probe_of_a_long_outage(world)

    def fail_after_another_success() -> Attempt:
        world.ledger.healths.by_subscription.pop("sub_a")
        return world.attempt()

    world.attempts.otherwise = fail_after_another_success
    world.receive(probe)

    assert world.ledger.lanes[probe.lane].is_due(world.clock.now())


@pytest.mark.parametrize(
    ("hours_down", "wait"), [(0.1, 300), (0.9, 324), (5, 1800), (10, 3600), (100, 3600)]
)
def test_the_wait_before_a_probe_grows_with_the_outage_to_an_hour(hours_down: float, wait: float):
    health = EndpointHealth(
        subscription_id="sub_a",
        failing_since=NOON - hours_down * 3600,
        due_at=NOON,
        probes=9,
    )
    failed = Attempt(at=NOON, outcome=Outcome.REJECTED, milliseconds=5)

    after = health.with_attempt(
        failed, Lane("sub_a", "1"), schedule=RetrySchedule((5, 300)), now=NOON
    )

    assert after.due_at == pytest.approx(NOON + wait)


def test_a_probe_before_its_lanes_own_time_costs_the_lane_nothing(world: World):
    world.schedule = RetrySchedule((300, 7200))
    world.open_the_breaker()
    before = {lane: held.attempts for lane, held in world.ledger.lanes.items()}
    retry_at = {lane: held.retry_at for lane, held in world.ledger.lanes.items()}
    attempts_before = len(world.attempts.message_ids)

    for _ in range(20):
        health = world.ledger.healths.by_subscription["sub_a"]
        world.ledger.healths.by_subscription["sub_a"] = replace(health, due_at=world.clock.now())
        world.clock.sleep(10)
        world.tick()

    assert len(world.attempts.message_ids) > attempts_before + 10
    assert {lane: held.attempts for lane, held in world.ledger.lanes.items()} == before
    assert {lane: held.retry_at for lane, held in world.ledger.lanes.items()} == retry_at


def test_a_single_503_delays_no_lane_beyond_its_own_retry(world: World):
    world.schedule = RetrySchedule((5, 300))
    throttled = Attempt(at=world.clock.now(), outcome=Outcome.THROTTLED, milliseconds=5, status=503)
    world.attempts.otherwise = lambda: throttled
    (disposition,) = world.receive(in_lane(1))
    world.attempts.otherwise = world.attempt
    world.receive(in_lane(2))
    world.clock.sleep(5)

    world.receive(in_lane(1))
    world.deliver_resumed()

    assert disposition == Nack(5.0)
    assert world.ledger.lanes == {}


def test_a_delivery_without_a_permit_comes_again(world: World):
    world.slow_down()
    world.ledger.healths.save = lambda *_: False  # type: ignore[method-assign]
    attempts_before = len(world.attempts.message_ids)

    assert world.receive(in_lane(2)) == [Nack(1.0)]

    assert len(world.attempts.message_ids) == attempts_before
    assert world.ledger.lanes[Lane("sub_a", "2")].is_due(world.clock.now())


def test_a_lane_that_is_due_while_all_permits_are_taken_waits_for_one(world: World):
    slow = world.slow_down()
    lane = Lane("sub_a", "2")
    world.health(replace(slow, permits=(world.clock.now() + 60,) * PERMITS))
    world.receive(in_lane(2))
    world.ledger.lanes[lane] = world.ledger.lanes[lane].resumed(now=world.clock.now())
    attempts_before = len(world.attempts.message_ids)

    assert world.receive(in_lane(2)) == [Ack()]

    assert len(world.attempts.message_ids) == attempts_before
    assert world.ledger.lanes[lane].suspended_reason is SuspendedReason.CONCURRENCY_LIMIT


def test_a_lane_suspended_as_a_permit_is_released_is_soon_due(world: World):
    slow = world.slow_down()
    world.health(replace(slow, permits=(world.clock.now() + 60,) * PERMITS))
    deliver = world.deliver_batch().deliver
    page = deliver.read(late := [in_lane(2)])
    world.health(slow)

    assert deliver([ReceivedMessage(delivery) for delivery in late], page, lambda: 30.0) == [
        Nack(1.0)
    ]

    assert world.ledger.lanes[Lane("sub_a", "2")].is_due(world.clock.now())


def test_if_the_scheduler_finds_no_lane_to_probe_the_next_processed_one_is_the_probe(world: World):
    world.open_the_breaker()
    for lane, held in list(world.ledger.lanes.items()):
        world.ledger.lanes[lane] = replace(held, head_is_dead=True)
    world.clock.sleep(300)
    assert not any(resume.probe for resume in lanes_resumed_by(world))

    world.down = False
    world.receive(in_lane(77))

    assert world.ledger.records[Lane("sub_a", "77"), 1].status is DeliveryStatus.DELIVERED


def lanes_resumed_by(world: World) -> list[Resume]:
    world.run_scheduler()
    return world.queue.resumes


@pytest.mark.parametrize(("time_left", "goes"), [(30.0, True), (5.0, False)])
def test_a_lane_suspended_as_the_breaker_closes_is_attempted_or_soon_due(
    world: World, time_left: float, *, goes: bool
):
    world.open_the_breaker()
    late = [in_lane(77)]
    deliver = world.deliver_batch().deliver
    page = deliver.read(late)
    world.down = False
    world.ledger.healths.by_subscription.clear()

    deliver([ReceivedMessage(delivery) for delivery in late], page, lambda: time_left)

    held = world.ledger.lanes.get(Lane("sub_a", "77"))
    assert ("sub_a#77#1" in world.attempts.message_ids, held is None) == (goes, goes)
    assert held is None or held.is_due(world.clock.now())
