"""The model hands out each group's messages in order, one holder at a time.

What SQS was recorded to do is in ``test_sqs_recordings``; here is what follows from it, and what
Amazon's documentation says.
"""

from collections.abc import Iterable

import pytest

from local.fifo import FifoQueue, Limits, QueueSettings, Received
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queue(clock: FakeClock) -> FifoQueue:
    return FifoQueue(clock.now)


def send(queue: FifoQueue, *bodies: str) -> None:
    """The first letter of a body is its group."""
    for body in bodies:
        queue.send(body, group_id=body[0], deduplication_id=body)


def bodies(received: Iterable[Received]) -> list[str]:
    return [one.message.body for one in received]


def test_a_group_with_a_message_in_flight_gives_nothing_more(queue: FifoQueue) -> None:
    send(queue, "a0", "a1", "b0")

    queue.receive(1)

    assert bodies(queue.receive(10)) == ["b0"]
    assert queue.receive(10) == []


def test_a_group_that_came_back_is_served_before_what_was_sent_since(
    queue: FifoQueue, clock: FakeClock
) -> None:
    send(queue, "a0", "b0")
    queue.receive(1, visibility_timeout=1)
    clock.sleep(1)
    send(queue, "c0")

    assert bodies(queue.receive(10)) == ["b0", "a0", "c0"]


def test_groups_come_back_in_the_order_in_which_their_timeouts_expire(
    queue: FifoQueue, clock: FakeClock
) -> None:
    send(queue, "a0", "b0", "c0")
    first, second, third = queue.receive(3)
    for held, seconds in ((first, 3), (second, 1), (third, 2)):
        queue.change_visibility(held.handle, seconds)

    clock.sleep(3)

    assert bodies(queue.receive(10)) == ["b0", "c0", "a0"]


def test_what_was_never_received_of_a_group_that_came_back_has_the_place_of_its_send(
    queue: FifoQueue,
) -> None:
    send(queue, "a0", "a1", "b0")
    queue.receive(1, visibility_timeout=0)
    other, again = queue.receive(1) + queue.receive(1)
    send(queue, "c0")

    queue.delete(again.handle)

    assert bodies([other, again]) == ["b0", "a0"]
    assert bodies(queue.receive(10)) == ["a1", "c0"]


def test_a_deleted_message_frees_the_next_of_its_group(queue: FifoQueue) -> None:
    send(queue, "a0", "a1")
    (held,) = queue.receive(1)

    queue.delete(held.handle)

    assert bodies(queue.receive(10)) == ["a1"]


def test_a_message_behind_the_look_ahead_waits_however_free_its_group_is(clock: FakeClock) -> None:
    queue = FifoQueue(clock.now, limits=Limits(look_ahead=3))
    send(queue, "a0", "a1", "a2", "b0")
    (held,) = queue.receive(1)

    starved = queue.receive(10)
    queue.delete(held.handle)

    assert starved == []
    assert bodies(queue.receive(10)) == ["a1", "a2", "b0"]


def test_at_the_limit_in_flight_a_receive_finds_nothing_and_no_error(clock: FakeClock) -> None:
    queue = FifoQueue(clock.now, limits=Limits(in_flight=2))
    send(queue, "a0", "b0", "c0")
    first, _ = queue.receive(10)

    starved = queue.receive(10)
    queue.delete(first.handle)

    assert starved == []
    assert bodies(queue.receive(10)) == ["c0"]


def test_at_the_limit_in_flight_the_next_chance_is_the_next_expiry(clock: FakeClock) -> None:
    queue = FifoQueue(clock.now, limits=Limits(in_flight=1))
    send(queue, "a0", "b0")
    queue.receive(1)

    assert queue.ready_at() == clock.now() + 30


def test_a_delayed_queue_keeps_its_order(clock: FakeClock) -> None:
    queue = FifoQueue(clock.now, settings=QueueSettings(delay=5))
    send(queue, "a0")
    clock.sleep(3)
    send(queue, "a1")

    clock.sleep(2)
    first = queue.receive(10)
    clock.sleep(3)

    assert bodies(first) == ["a0"]
    assert queue.counts().delayed == 0
    assert queue.receive(10) == []


def test_a_changed_delay_reaches_messages_already_sent(clock: FakeClock) -> None:
    queue = FifoQueue(clock.now, settings=QueueSettings(delay=900))
    send(queue, "a0")

    queue.settings = QueueSettings(delay=0)

    assert bodies(queue.receive()) == ["a0"]


def test_a_message_is_gone_after_the_retention_period(clock: FakeClock) -> None:
    queue = FifoQueue(clock.now, settings=QueueSettings(retention=60))
    send(queue, "a0")
    (held,) = queue.receive(visibility_timeout=1000)
    clock.sleep(30)
    send(queue, "a1")

    clock.sleep(30)

    assert bodies(queue.receive(10)) == ["a1"]
    queue.delete(held.handle)


def test_retention_is_four_days_unless_set(queue: FifoQueue, clock: FakeClock) -> None:
    send(queue, "a0")

    clock.sleep(4 * 86_400 - 1)
    before = queue.counts().visible
    clock.sleep(1)

    assert (before, queue.counts().visible) == (1, 0)


def test_the_queue_knows_when_a_receive_may_next_find_something(
    queue: FifoQueue, clock: FakeClock
) -> None:
    empty = queue.ready_at()
    send(queue, "a0")
    full = queue.ready_at()
    (held,) = queue.receive()
    in_flight = queue.ready_at()
    queue.change_visibility(held.handle, 5)
    sooner = queue.ready_at()

    assert [empty, full] == [float("inf"), float("-inf")]
    assert [in_flight, sooner] == [clock.now() + 30, clock.now() + 5]


def test_the_counts_are_those_of_the_queues_attributes(clock: FakeClock) -> None:
    queue = FifoQueue(clock.now, settings=QueueSettings(delay=1))
    send(queue, "a0", "a1", "a2")
    clock.sleep(1)
    queue.receive(1)
    send(queue, "a3")

    counts = queue.counts()

    assert (counts.visible, counts.in_flight, counts.delayed) == (2, 1, 1)


def test_a_purge_leaves_nothing(queue: FifoQueue) -> None:
    send(queue, "a0", "a1")
    (held,) = queue.receive(1)

    queue.purge()
    queue.delete(held.handle)

    assert queue.receive(10) == []
    assert queue.ready_at() == float("inf")
