"""The model moves spent messages to the dead-letter queue, and back on a move task."""

import pytest

from local.fifo import FifoQueue, MoveTasks, QueueSettings, RedrivePolicy, SqsError
from tests.fakes import FakeClock
from tests.unit.test_fifo import send

PER_SECOND = 2


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def dead(clock: FakeClock) -> FifoQueue:
    return FifoQueue(clock.now, name="dead.fifo")


@pytest.fixture
def live(clock: FakeClock, dead: FifoQueue) -> FifoQueue:
    redrive = RedrivePolicy(queue=dead, max_receive_count=2)
    return FifoQueue(clock.now, name="live.fifo", settings=QueueSettings(redrive=redrive))


@pytest.fixture
def tasks(clock: FakeClock, live: FifoQueue) -> MoveTasks:
    return MoveTasks(clock.now, {"live.fifo": live}.get)


def bodies(queue: FifoQueue) -> list[str]:
    return [received.message.body for received in queue.receive(10)]


def kill(live: FifoQueue, *bodies: str) -> None:
    """Send and receive so often that the next receive moves them all to the dead-letter queue."""
    send(live, *bodies)
    for _ in range(2):
        live.receive(10, visibility_timeout=0)
    live.receive(10)


def test_a_spent_message_moves_at_the_receive_that_would_return_it_again(
    live: FifoQueue, dead: FifoQueue
) -> None:
    send(live, "a0")
    live.receive(visibility_timeout=0)
    live.receive(visibility_timeout=0)
    send(live, "a1")
    before = dead.counts().visible

    after = bodies(live)

    assert before == 0
    assert after == ["a1"]
    assert bodies(dead) == ["a0"]


def test_a_dead_letter_keeps_its_id_count_and_attributes_and_says_where_it_died(
    live: FifoQueue, dead: FifoQueue
) -> None:
    attributes = {"k": {"DataType": "String", "StringValue": "v"}}
    sent = live.send("a0", group_id="a", deduplication_id="d", attributes=attributes)

    kill(live)
    (received,) = dead.receive()

    assert received.message.id == received.message.deduplication_id == sent.message_id
    assert received.message.attributes == attributes
    assert received.message.dead_letter_source == "live.fifo"
    assert received.receive_count == 3


def test_a_dead_letter_is_never_taken_for_a_duplicate(
    live: FifoQueue, dead: FifoQueue, clock: FakeClock
) -> None:
    send(dead, "a0")

    kill(live, "a0")

    assert bodies(dead) == ["a0", "a0"]


def test_the_retention_of_a_dead_letter_begins_with_its_death(
    live: FifoQueue, dead: FifoQueue, clock: FakeClock
) -> None:
    dead.settings = QueueSettings(retention=60)
    send(live, "a0")
    clock.sleep(100)

    kill(live)

    assert bodies(dead) == ["a0"]


def test_redriven_messages_go_home_in_order_under_new_ids(
    live: FifoQueue, dead: FifoQueue, tasks: MoveTasks
) -> None:
    kill(live, "a0", "b0", "a1")
    dead_ids = {received.message.id for received in dead.receive(10, visibility_timeout=0)}

    task = tasks.start(dead)
    moved_back = live.receive(10)

    assert (task.status, task.moved, task.to_move) == ("COMPLETED", 3, 3)
    assert [received.message.body for received in moved_back] == ["a0", "a1", "b0"]
    assert dead_ids.isdisjoint(received.message.id for received in moved_back)
    assert {
        (received.receive_count, received.message.dead_letter_source) for received in moved_back
    } == {(1, None)}


def test_a_move_may_have_another_destination(
    live: FifoQueue, dead: FifoQueue, tasks: MoveTasks, clock: FakeClock
) -> None:
    elsewhere = FifoQueue(clock.now)
    kill(live, "a0")

    tasks.start(dead, elsewhere)

    assert bodies(elsewhere) == ["a0"]


def test_a_move_keeps_to_its_rate_and_can_be_cancelled(
    live: FifoQueue, dead: FifoQueue, tasks: MoveTasks, clock: FakeClock
) -> None:
    kill(live, "a0", "a1", "a2", "a3")
    task = tasks.start(dead, per_second=PER_SECOND)

    clock.sleep(1.25)
    tasks.advance()
    next_step_at = tasks.next_step_at()
    cancelled = tasks.cancel(task.handle)
    clock.sleep(10)
    tasks.advance()

    assert next_step_at == task.started_at + 3 / PER_SECOND
    assert (cancelled.status, cancelled.moved) == ("CANCELLED", 2)
    assert bodies(live) == ["a0", "a1"]
    assert bodies(dead) == ["a2", "a3"]


def test_a_move_leaves_what_is_held_and_what_came_after_it_began(
    live: FifoQueue, dead: FifoQueue, tasks: MoveTasks, clock: FakeClock
) -> None:
    kill(live, "a0", "b0")
    task = tasks.start(dead, per_second=PER_SECOND)
    dead.receive(1, visibility_timeout=1000)
    clock.sleep(0.25)
    send(dead, "c0")

    clock.sleep(10)
    tasks.advance()

    assert (task.status, task.moved) == ("COMPLETED", 1)
    assert bodies(live) == ["b0"]
    assert bodies(dead) == ["c0"]


def test_a_queue_has_one_move_at_a_time(live: FifoQueue, dead: FifoQueue, tasks: MoveTasks) -> None:
    kill(live, "a0")
    tasks.start(dead, per_second=PER_SECOND)

    with pytest.raises(SqsError, match="already a task running"):
        tasks.start(dead)


def test_a_message_without_a_source_fails_the_move_and_stays(
    live: FifoQueue, dead: FifoQueue, tasks: MoveTasks
) -> None:
    kill(live, "a0")
    send(dead, "b0")

    task = tasks.start(dead)

    assert (task.status, task.moved) == ("FAILED", 1)
    assert task.failure == "CouldNotDetermineMessageSource"
    assert bodies(dead) == ["b0"]


def test_only_a_running_move_can_be_cancelled(
    live: FifoQueue, dead: FifoQueue, tasks: MoveTasks
) -> None:
    kill(live, "a0")
    task = tasks.start(dead)

    with pytest.raises(SqsError, match="does not exist"):
        tasks.cancel(task.handle)


def test_moves_are_listed_newest_first(live: FifoQueue, dead: FifoQueue, tasks: MoveTasks) -> None:
    started = [tasks.start(dead) for _ in range(12)]

    assert tasks.newest("dead.fifo", 10) == started[:1:-1]


@pytest.mark.parametrize("per_second", [0, 501])
def test_a_rate_is_1_to_500(dead: FifoQueue, tasks: MoveTasks, per_second: int) -> None:
    with pytest.raises(SqsError, match="MaxNumberOfMessagesPerSecond"):
        tasks.start(dead, per_second=per_second)
