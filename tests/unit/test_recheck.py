"""Rechecks find lanes that wait without a due time, though their resume was lost."""

from dataclasses import replace

import pytest

from lakehook.delivery.scheduler import (
    MAX_LANES_RECHECKED,
    MINUTE,
    PERIOD_MINUTES,
    is_rechecked,
)
from lakehook.domain.circuit_breaker import PERMITS, EndpointHealth
from lakehook.domain.delivery import Lane
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.lane import EXPIRES_AFTER_SECONDS, HeldLane, SuspendedReason
from lakehook.domain.subscription import Ordering
from lakehook.ports.stores import DueItem
from tests.builders import a_subscription
from tests.fakes import (
    NOON,
    FakeClock,
    FakeDeliveryQueue,
    FakeLedger,
    FakeSubscriptions,
    FakeTelemetry,
)
from tests.ticking import a_tick

DOWN, BLOCKED = SuspendedReason.CIRCUIT_OPEN, SuspendedReason.BLOCKED


class World:
    def __init__(self) -> None:
        self.clock, self.ledger = FakeClock(), FakeLedger()
        self.subscriptions = FakeSubscriptions({"sub_a": a_subscription()})
        self.telemetry = FakeTelemetry()

    def suspend(self, *numbers: int, reason: SuspendedReason, since: float = NOON) -> None:
        for number in numbers:
            held = HeldLane.held_at(Lane("sub_a", str(number)), 1, now=since)
            self.ledger.lanes[held.lane] = held.suspended_for(reason)

    def hold_behind_dead_letter(self, number: int) -> None:
        held = HeldLane.held_at(Lane("sub_a", str(number)), 1, now=NOON)
        self.ledger.lanes[held.lane] = held.with_dead_head()

    def recheck(self) -> int:
        """Run each minute of half an hour, so that each subscription has its turn."""
        ports = {"subscriptions": self.subscriptions, "telemetry": self.telemetry}
        recheck = a_tick(
            self.ledger, FakeDeliveryQueue(), self.clock, **ports
        ).recheck_subscriptions
        resumed = 0
        for _ in range(PERIOD_MINUTES):
            resumed += recheck()
            self.clock.sleep(MINUTE)
        return resumed

    def due(self) -> list[str]:
        return sorted(due.lane.pipeline_key for due in self.ledger.due(self.clock.now()))


@pytest.fixture
def world() -> World:
    return World()


def test_each_subscription_has_its_turn_twice_an_hour():
    for name in (f"sub_{number}" for number in range(50)):
        assert sum(is_rechecked(name, minute) for minute in range(60)) == 2


@pytest.mark.parametrize("reason", list(SuspendedReason))
def test_a_lane_without_a_reason_to_wait_is_resumed(world: World, reason: SuspendedReason):
    world.suspend(1, reason=reason)

    assert world.recheck() == 1

    assert world.due() == ["1"]


def test_lanes_are_resumed_one_after_another(world: World):
    world.suspend(*range(20), reason=BLOCKED)

    world.recheck()

    dues = sorted(held.due_at or 0.0 for held in world.ledger.lanes.values())
    assert dues[-1] - dues[0] == pytest.approx(1.9)


def test_a_success_of_one_of_many_lanes_resumes_the_next(world: World):
    world.suspend(*range(MAX_LANES_RECHECKED + 1), reason=DOWN)

    assert world.recheck() == MAX_LANES_RECHECKED

    assert world.ledger.healths.find("sub_a").resume_batch_size == 1


def test_a_slow_endpoint_gets_no_more_than_has_a_permit(world: World):
    world.suspend(*range(20), reason=SuspendedReason.CONCURRENCY_LIMIT)

    assert world.recheck() == PERMITS


@pytest.mark.parametrize("blocked", ["paused_at", "disabled_reason"])
def test_expired_lanes_of_a_blocked_subscription_are_resumed(world: World, blocked: str):
    world.subscriptions.put(a_subscription(**{blocked: "2026-01-01T00:00:00Z"}))
    world.suspend(1, reason=DOWN, since=NOON - EXPIRES_AFTER_SECONDS)
    world.suspend(2, reason=BLOCKED)

    world.recheck()

    assert world.due() == ["1"]


def test_a_lane_waits_for_a_probe_or_an_operator(world: World):
    world.ledger.healths.by_subscription["sub_a"] = EndpointHealth(
        subscription_id="sub_a", due_at=NOON
    )
    world.suspend(1, reason=DOWN)
    world.hold_behind_dead_letter(2)

    assert world.recheck() == 0


@pytest.mark.parametrize(
    "changes", [{"ordering": Ordering.SKIP}, {"removed_at": "2026-01-01T00:00:00Z"}]
)
def test_a_lane_is_resumed_if_its_dead_letter_no_longer_holds_it(
    world: World, changes: dict[str, object]
):
    world.subscriptions.put(a_subscription(**changes))
    world.hold_behind_dead_letter(1)

    world.recheck()

    assert world.due() == ["1"]


def test_a_removed_subscription_is_cleared_though_it_was_paused_and_down(world: World):
    removed = a_subscription(removed_at="2026-01-01T00:00:00Z", paused_at="2026-01-01T00:00:00Z")
    world.subscriptions.put(removed)
    world.ledger.healths.by_subscription["sub_a"] = EndpointHealth(
        subscription_id="sub_a", due_at=NOON
    )
    world.suspend(1, reason=DOWN)

    world.recheck()

    assert world.due() == ["1"]


def test_a_lane_is_resumed_no_sooner_than_its_retry_after(world: World):
    world.suspend(1, reason=DOWN)
    (lane,) = world.ledger.lanes
    world.ledger.lanes[lane] = replace(world.ledger.lanes[lane], retry_after_until=NOON + 7200)

    world.recheck()

    assert world.ledger.lanes[lane].due_at == NOON + 7200


def test_an_error_in_a_subscription_leaves_the_others_their_turn(world: World):
    world.subscriptions.put(a_subscription(id="sub_b"))
    held = HeldLane.held_at(Lane("sub_b", "1"), 1, now=NOON).suspended_for(DOWN)
    world.ledger.lanes[held.lane] = held
    world.suspend(1, reason=DOWN)
    lease = world.ledger.lease

    def troubled(due: DueItem, *, until: float) -> int | None:
        if due.lane.subscription_id == "sub_a":
            raise InfrastructureError("the table throttles")
        return lease(due, until=until)

    world.ledger.lease = troubled  # type: ignore[method-assign]

    world.recheck()

    assert [due.lane.subscription_id for due in world.ledger.due(world.clock.now())] == ["sub_b"]
