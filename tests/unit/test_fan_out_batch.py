"""A redelivered batch: each message is tried alone, and one that crashes fan-out is found."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

import pytest

from lakehook.domain.delivery import Delivery
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.lane import MAX_UNFINISHED_ATTEMPTS
from lakehook.ingestion.fan_out import CRASHED, TURN_SECONDS
from lakehook.ports.queues import EventMessage
from tests.builders import a_notice, a_subscription
from tests.fakes import (
    FakeDeliveryQueue,
    FakeUnfinishedAttempts,
)
from tests.fanning_out import FanOutFunction

TIMEOUT = 30.0


class Crash(BaseException):
    """The worker was killed: neither a result nor an error handler."""


@dataclass
class CrashingQueue(FakeDeliveryQueue):
    poison: str = ""  # pipeline of the event that crashes its sender
    errors: list[Exception] = field(default_factory=list)
    slow: Callable[[], None] = lambda: None

    def enqueue_deliveries(self, deliveries: Sequence[Delivery]) -> Collection[str]:
        if any(delivery.event.pipeline_id == self.poison for delivery in deliveries):
            raise Crash
        self.slow()
        if self.errors:
            raise self.errors.pop(0)
        return super().enqueue_deliveries(deliveries)


@dataclass
class BrokenAttempts(FakeUnfinishedAttempts):
    def save(self, message: EventMessage, number: int) -> None:
        raise InfrastructureError(f"{message.id}: {number} is not saved")


class World(FanOutFunction):
    def __init__(self, unfinished: FakeUnfinishedAttempts | None = None) -> None:
        super().__init__(a_subscription(), queue=CrashingQueue())
        self.unfinished = unfinished or self.unfinished
        self.time_left = TIMEOUT

    def handle(self, *batch: EventMessage) -> list[str]:
        """Handle a batch; return the ids that must come again and were not deleted."""
        return [message.id for message in self.fan_out(batch)]

    def crash(self, *batch: EventMessage) -> None:
        with pytest.raises(Crash):
            self.handle(*batch)

    def acked(self) -> list[str]:
        return [message.id for message in self.acks.acknowledged]  # type: ignore[attr-defined]

    def visible_after(self) -> dict[str, float]:
        return {m.id: seconds for m, seconds in self.acks.postponed}  # type: ignore[attr-defined]

    def parked(self) -> list[tuple[str, str]]:
        return [(message.id, reason) for message, reason in self.invalid_events.parked]


@pytest.fixture
def world() -> World:
    return World()


def message(name: str, *, receives: int = 2, **changes: object) -> EventMessage:
    """A message with an event of the pipeline of that name."""
    return replace(a_notice(name, **{"pipeline_id": name, **changes}), receives=receives)


def test_a_batch_that_comes_for_the_first_time_costs_no_call_more(world: World) -> None:
    assert world.handle(message("good", receives=1), message("other", receives=1)) == []

    assert world.sent() == ["sub_a#good#1", "sub_a#other#1"]
    assert (world.unfinished.reads, world.unfinished.numbers) == (0, {})
    assert (world.acked(), world.acks.postponed) == ([], [])


def test_an_event_that_crashes_fan_out_is_found_and_delays_no_other(world: World) -> None:
    world.queue.poison = "bad"
    bad, good = message("bad"), message("good")
    world.crash(replace(bad, receives=1), replace(good, receives=1))
    world.crash(bad, good)  # no one is accused yet

    for _ in range(MAX_UNFINISHED_ATTEMPTS - 1):
        world.crash(bad, good, message("new", receives=1))
        assert {"good", "new"} <= set(world.acked())
        assert world.parked() == []

    assert world.handle(bad) == []
    assert world.parked() == [("bad", CRASHED)]
    assert world.telemetry.reports[-1] == ("quarantined", "bad")
    assert world.acked()[-1] == "bad"


def test_a_crash_delays_attempted_events_and_others_for_seconds_only(world: World) -> None:
    world.queue.poison = "bad"

    world.crash(message("bad"), message("good"))

    assert world.visible_after() == {"bad": TIMEOUT, "good": TURN_SECONDS}


def test_the_rest_of_its_pipeline_goes_on_in_order_behind_a_quarantined_event(world: World) -> None:
    world.unfinished.numbers["bad"] = MAX_UNFINISHED_ATTEMPTS
    followers = [
        message(name, receives=1, pipeline_id="bad", event_type=f"PIPELINE_{name}")
        for name in ("RUNNING", "COMPLETED")
    ]

    assert world.handle(message("bad"), message("good"), *followers) == []

    assert world.acked() == ["good", "bad", "RUNNING", "COMPLETED"]
    types = [
        delivery.event.type for delivery in world.queue.sent if delivery.event.pipeline_id == "bad"
    ]
    assert types == ["PIPELINE_CREATED", "PIPELINE_RUNNING", "PIPELINE_COMPLETED"]
    assert [delivery.event.is_inferred for delivery in world.queue.sent] == [
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("error", [InfrastructureError("SQS is away"), ValueError("a bug")])
def test_an_error_is_an_outcome_and_quarantines_no_event(world: World, error: Exception) -> None:
    for _ in range(MAX_UNFINISHED_ATTEMPTS + 1):
        world.queue.errors = [error]
        assert world.handle(message("good")) == ["good"]

    assert world.handle(message("good")) == []
    assert world.parked() == []
    assert world.unfinished.numbers == {"good": 0}


@dataclass
class ForgetfulAttempts(FakeUnfinishedAttempts):
    """Started attempts are saved; outcomes are lost as ``lost`` says."""

    lost: list[bool] = field(default_factory=list)
    is_announced: bool = False

    def save(self, message: EventMessage, number: int) -> None:
        self.is_announced = not self.is_announced
        if not self.is_announced and self.lost.pop(0):
            raise InfrastructureError("throttled")
        super().save(message, number)


def test_outcomes_that_are_lost_now_and_then_quarantine_no_event() -> None:
    visits = [True, False] * (MAX_UNFINISHED_ATTEMPTS + 1)
    world = World(ForgetfulAttempts(lost=list(visits)))

    for _ in visits:
        world.queue.errors = [InfrastructureError("SQS is away")]
        assert world.handle(message("good")) == ["good"]

    assert world.parked() == []


def test_an_event_that_is_fanned_out_is_done_whether_or_not_that_is_saved() -> None:
    world = World(ForgetfulAttempts(lost=[True]))

    assert world.handle(message("good")) == []

    assert world.acked() == ["good"]


def test_no_attempt_starts_unless_it_is_recorded() -> None:
    world = World(BrokenAttempts())

    assert world.handle(message("good")) == ["good"]

    assert world.sent() == []


def test_when_its_turn_is_over_a_worker_leaves_the_others_to_the_next(world: World) -> None:
    """Lambda would otherwise stop it during an event that is slow for another reason."""
    world.queue.slow = lambda: setattr(world, "time_left", TIMEOUT - TURN_SECONDS - 1)

    assert world.handle(message("good"), message("other"), message("third")) == ["other", "third"]

    assert world.visible_after() == {"good": TIMEOUT, "other": TURN_SECONDS, "third": TURN_SECONDS}
    assert world.unfinished.numbers == {"good": 0}  # the others were not announced
