from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from threading import Barrier, Event
from typing import Any

import pytest

from lakehook.delivery import batch
from lakehook.delivery.batch import GRACE_SECONDS, PAUSE_AFTER_ERROR_SECONDS, DeliverBatch
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.queue_message import (
    Ack,
    Disposition,
    Message,
    Nack,
    ReceivedMessage,
    Resume,
    encode,
)
from lakehook.ports.queues import QueueMessage, Remaining
from lakehook.ports.stores import LedgerSnapshot
from tests.builders import a_delivery
from tests.delivering import ImmediateExecutor
from tests.fakes import NOON, FakeClock, FakeDeadLetterQueue, FakeMessageAcks, FakeTelemetry

PATIENCE_SECONDS = 120

ProcessLane = Callable[[Sequence[Message]], list[Disposition]]


def all_done(messages: Sequence[Message]) -> list[Disposition]:
    return [Ack()] * len(messages)


@dataclass
class Lanes:
    """Plays ``Deliver``: processes a lane as the script says for its pipeline."""

    script: dict[str, ProcessLane] = field(default_factory=dict)
    processed: list[list[Message]] = field(default_factory=list)
    received: list[ReceivedMessage] = field(default_factory=list)
    pages: list[list[Message]] = field(default_factory=list)
    remaining: dict[str, float] = field(default_factory=dict)

    def read(self, messages: Sequence[Message]) -> LedgerSnapshot:
        self.pages.append(list(messages))
        return LedgerSnapshot({}, {})

    def mark_unanswered(self) -> float:
        return 60.0

    def __call__(
        self, received: Sequence[ReceivedMessage], page: LedgerSnapshot, remaining: Remaining
    ) -> list[Disposition]:
        self.received += received
        messages = [item.message for item in received]
        self.remaining[messages[0].lane.pipeline_key] = remaining()
        self.processed.append(messages)
        return self.script.get(messages[0].lane.pipeline_key, all_done)(messages)


@dataclass
class SignallingAcks(FakeMessageAcks):
    """Acks that signal when enough messages were acknowledged."""

    is_acked: Event = field(default_factory=Event)
    enough: int = 1

    def ack(self, messages: Sequence[QueueMessage]) -> None:
        super().ack(messages)
        if len(self.acknowledged) >= self.enough:
            self.is_acked.set()


class RecordingContext(AbstractContextManager[None]):
    def __init__(self) -> None:
        self.steps: list[str] = []

    def __enter__(self) -> None:
        self.steps.append("in")

    def __exit__(self, *_: object) -> None:
        self.steps.append("out")


class World:
    def __init__(self, workers: Executor, under_way: RecordingContext | None = None) -> None:
        self.lanes, self.acks = Lanes(), SignallingAcks()
        self.dead_letters, self.telemetry = FakeDeadLetterQueue(), FakeTelemetry()
        self.workers, self.clock = workers, FakeClock()
        self.under_way = under_way or RecordingContext()

    def receive(self, *batch: QueueMessage) -> list[str]:
        """Process a batch, and return the ids of the messages that must come again."""
        deliver_batch = DeliverBatch(
            deliver=self.lanes,
            acks=self.acks,
            dead_letters=self.dead_letters,
            telemetry=self.telemetry,
            workers=self.workers,
            under_way=self.under_way,
            clock=self.clock,
            visibility_seconds=28.0,
        )
        return [message.id for message in deliver_batch(batch, lambda: 30.0)]

    def acknowledged(self) -> set[str]:
        return {message.id for message in self.acks.acknowledged}

    def postponed(self) -> dict[str, float]:
        return {message.id: seconds for message, seconds in self.acks.postponed}


@pytest.fixture
def world() -> World:
    return World(ImmediateExecutor())


@pytest.fixture
def parallel() -> Iterator[World]:
    with ThreadPoolExecutor(10) as workers:
        yield World(workers)


def a_queue_message(message_id: str, pipeline: int = 39, sequence: int = 1) -> QueueMessage:
    delivery = a_delivery(sequence, pipeline_id=pipeline)
    return QueueMessage(
        message_id, str(delivery.lane), encode(delivery), f"receipt of {message_id}"
    )


def received(seconds_ago: float, pipeline: int) -> QueueMessage:
    return replace(a_queue_message(f"m{pipeline}", pipeline), received_at=NOON - seconds_ago)


def garbage(message_id: str, body: str = "no JSON") -> QueueMessage:
    return QueueMessage(message_id, "sub_a#39", body, f"receipt of {message_id}")


def failing(error: Exception) -> ProcessLane:
    def fail(_: Sequence[Message]) -> list[Disposition]:
        raise error

    return fail


def test_a_batch_that_came_late_has_the_time_in_which_no_other_worker_gets_its_messages(
    world: World,
):
    world.receive(received(20.0, 1), received(1.0, 2), received(-5.0, 3))

    assert world.lanes.remaining == {"1": 8.0, "2": 27.0, "3": 30.0}
    assert world.acks.extended == []


def test_the_visibility_of_a_redelivered_message_is_extended(
    world: World,
):
    fresh, redelivered, late = received(1.0, 1), a_queue_message("m2", 2), a_queue_message("m3", 3)
    world.acks.expired = {late.receipt}

    world.receive(fresh, redelivered, late)

    assert world.acks.extended == [(redelivered, 28.0), (late, 28.0)]
    assert world.lanes.remaining["2"] == 28.0
    assert world.lanes.remaining["3"] == 0, "another worker may have it"


def test_a_lane_is_processed_once_with_its_messages_in_order(world: World):
    failed = world.receive(
        a_queue_message("m1", sequence=1),
        a_queue_message("m2", pipeline=40),
        a_queue_message("m3", sequence=2),
    )

    assert failed == []
    assert world.lanes.processed == [
        [a_delivery(1), a_delivery(2)],
        [a_delivery(1, pipeline_id=40)],
    ]


def test_the_ledger_is_read_once_for_the_whole_batch(world: World):
    resume = Resume(a_delivery(pipeline_id=40).lane, 5)

    world.receive(a_queue_message("m1"), QueueMessage("m2", "sub_a#40", encode(resume), "r"))

    assert world.lanes.pages == [[a_delivery(1), resume]]


def test_lanes_are_processed_in_parallel(parallel: World):
    meeting = Barrier(3)

    def meet(messages: Sequence[Message]) -> list[Disposition]:
        meeting.wait(PATIENCE_SECONDS)
        return all_done(messages)

    parallel.lanes.script = {"1": meet, "2": meet, "3": meet}

    failed = parallel.receive(*(a_queue_message(f"m{n}", pipeline=n) for n in (1, 2, 3)))

    assert failed == []
    assert parallel.telemetry.reports == []


def test_processed_messages_are_acknowledged_while_a_slow_lane_still_runs(parallel: World):
    parallel.acks.enough = 3

    def wait_until_others_are_acked(messages: Sequence[Message]) -> list[Disposition]:
        assert parallel.acks.is_acked.wait(PATIENCE_SECONDS)
        return all_done(messages)

    parallel.lanes.script = {"1": wait_until_others_are_acked}

    failed = parallel.receive(
        a_queue_message("slow", pipeline=1),
        a_queue_message("fast", pipeline=2),
        a_queue_message("fast too", pipeline=2, sequence=2),
        a_queue_message("other", pipeline=3),
    )

    assert failed == []
    assert parallel.acknowledged() == {"fast", "fast too", "other"}
    assert parallel.telemetry.reports == []


def test_a_message_that_must_come_again_is_never_acknowledged(parallel: World):
    def wait_until_another_is_acked(messages: Sequence[Message]) -> list[Disposition]:
        assert parallel.acks.is_acked.wait(PATIENCE_SECONDS)
        return [Nack(7)] * len(messages)

    parallel.lanes.script = {
        "1": wait_until_another_is_acked,
        "2": lambda _: [Nack(5), Ack(), Ack()],
    }

    failed = parallel.receive(
        a_queue_message("slow", pipeline=1),
        *(a_queue_message(f"m{n}", 2, sequence=n) for n in (1, 2, 3)),
    )

    assert sorted(failed) == ["m1", "slow"]
    assert parallel.acknowledged() == {"m2", "m3"}


def test_each_ack_for_the_sake_of_stragglers_waits_twice_as_long(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    waited: list[float] = []

    def one_at_a_time(running: set[Future[Any]], timeout: float, return_when: str) -> Any:
        if return_when == FIRST_COMPLETED:
            first = min(running, key=lambda lane: lane.result().acked[0].id)
            return {first}, running - {first}
        waited.append(timeout)
        return set(), running

    monkeypatch.setattr(batch, "wait", one_at_a_time)
    world.receive(*(a_queue_message(f"m{n}", pipeline=n) for n in range(4)))

    assert waited == [GRACE_SECONDS, 2 * GRACE_SECONDS, 4 * GRACE_SECONDS]
    assert world.acknowledged() == {"m0", "m1", "m2"}  # the last goes with the batch


def test_a_lane_is_under_way_while_it_is_processed_and_no_longer():
    world = World(ImmediateExecutor(), under_way := RecordingContext())
    world.lanes.script = {"39": failing(InfrastructureError("DynamoDB is away"))}

    world.receive(a_queue_message("m1"), a_queue_message("m2", pipeline=40))

    assert under_way.steps == ["in", "out", "in", "out"]


@pytest.mark.parametrize("error", [InfrastructureError("DynamoDB is away"), ZeroDivisionError()])
def test_an_error_in_a_lane_leaves_the_others_alone(world: World, error: Exception):
    world.lanes.script = {"39": failing(error)}

    failed = world.receive(
        a_queue_message("m1"), a_queue_message("m2", sequence=2), a_queue_message("m3", pipeline=40)
    )

    assert failed == ["m1", "m2"]
    assert world.postponed() == dict.fromkeys(["m1", "m2"], PAUSE_AFTER_ERROR_SECONDS)
    assert world.telemetry.reports == [("internal_error", error)]


@pytest.mark.parametrize(
    ("receives", "seconds"), [(1, 15), (2, 30), (4, 120), (5, 240), (900, 240)]
)
def test_the_longer_an_internal_error_lasts_the_longer_a_message_waits(
    world: World, receives: int, seconds: float
):
    world.lanes.script = {"39": failing(InfrastructureError("DynamoDB is away"))}

    world.receive(
        replace(a_queue_message("m1"), receives=receives), a_queue_message("m2", sequence=2)
    )

    assert world.postponed() == {"m1": seconds, "m2": seconds}


@pytest.mark.parametrize("body", ["no JSON", "{}", '{"version": 2}', "[" * 100_000])
def test_an_invalid_message_is_quarantined_whole_and_its_lane_continues(world: World, body: str):
    bad = garbage("m2", body)

    assert world.receive(a_queue_message("m1"), bad, a_queue_message("m3", sequence=2)) == []

    ((message, reason),) = world.dead_letters.parked
    assert message == bad
    assert reason.startswith("not a delivery, a resume or a ping")
    assert world.telemetry.reports == [("quarantined", "m2")]
    assert world.lanes.processed == [[a_delivery(1), a_delivery(2)]]


def test_a_message_that_cannot_be_parked_comes_again(world: World):
    def fail(message: QueueMessage, reason: str) -> None:
        raise InfrastructureError("SQS is away")

    world.dead_letters.quarantine = fail  # type: ignore[method-assign]

    with pytest.raises(InfrastructureError):
        world.receive(garbage("m1"))


def test_when_the_ledger_cannot_be_read_the_whole_batch_comes_again(world: World):
    def fail(messages: Sequence[Message]) -> LedgerSnapshot:
        raise InfrastructureError("DynamoDB is away")

    world.lanes.read = fail  # type: ignore[method-assign]

    with pytest.raises(InfrastructureError):
        world.receive(a_queue_message("m1"))
    assert world.lanes.processed == []
