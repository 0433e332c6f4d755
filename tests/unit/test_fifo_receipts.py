"""A receipt of the model is good while its holder holds the message, and no longer."""

import pytest

from local.fifo import FifoQueue, Received, SqsError
from tests.fakes import FakeClock

HALF_A_DAY = 43_200


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queue(clock: FakeClock) -> FifoQueue:
    queue = FifoQueue(clock.now)
    queue.send("a0", group_id="a", deduplication_id="a0")
    return queue


@pytest.fixture
def held(queue: FifoQueue) -> Received:
    return queue.receive()[0]


def refusal_of(call: object, *args: object) -> str:
    assert callable(call)
    with pytest.raises(SqsError) as refusal:
        call(*args)
    return refusal.value.code


def test_each_receive_counts_and_the_first_is_remembered(
    queue: FifoQueue, held: Received, clock: FakeClock
) -> None:
    clock.sleep(30)

    (again,) = queue.receive()

    assert (held.receive_count, again.receive_count) == (1, 2)
    assert again.first_received_at == held.first_received_at == clock.now() - 30


def test_an_expired_receipt_deletes_nothing(
    queue: FifoQueue, held: Received, clock: FakeClock
) -> None:
    clock.sleep(30)

    assert refusal_of(queue.delete, held.handle) == "InvalidParameterValue"
    assert queue.counts().visible == 1


def test_an_older_receipt_touches_no_message_that_was_received_again(
    queue: FifoQueue, held: Received, clock: FakeClock
) -> None:
    clock.sleep(30)
    queue.receive()

    assert refusal_of(queue.delete, held.handle) == "InvalidParameterValue"
    assert refusal_of(queue.change_visibility, held.handle, 0) == "InvalidParameterValue"
    assert queue.counts().in_flight == 1


def test_a_message_may_be_deleted_twice(queue: FifoQueue, held: Received) -> None:
    queue.delete(held.handle)
    queue.delete(held.handle)

    assert queue.receive() == []


def test_a_deleted_message_has_no_visibility_to_change(queue: FifoQueue, held: Received) -> None:
    queue.delete(held.handle)

    assert refusal_of(queue.change_visibility, held.handle, 5) == "InvalidParameterValue"


def test_the_visibility_of_a_message_that_came_back_is_not_in_flight(
    queue: FifoQueue, held: Received, clock: FakeClock
) -> None:
    clock.sleep(30)

    assert refusal_of(queue.change_visibility, held.handle, 5) == "MessageNotInflight"


@pytest.mark.parametrize("handle", ["bogus", "", "é", "Ym9ndXM="])
def test_what_never_was_a_receipt_is_invalid(queue: FifoQueue, handle: str) -> None:
    assert refusal_of(queue.delete, handle) == "ReceiptHandleIsInvalid"


def test_the_receipt_of_another_queue_is_invalid(
    queue: FifoQueue, held: Received, clock: FakeClock
) -> None:
    other = FifoQueue(clock.now, name="other.fifo")

    assert refusal_of(other.delete, held.handle) == "ReceiptHandleIsInvalid"


def test_visibility_0_gives_a_message_back_at_once_and_ends_the_receipt(
    queue: FifoQueue, held: Received
) -> None:
    queue.change_visibility(held.handle, 0)

    assert refusal_of(queue.delete, held.handle) == "InvalidParameterValue"
    assert [one.message.body for one in queue.receive()] == ["a0"]


def test_a_changed_visibility_counts_from_the_change(
    queue: FifoQueue, held: Received, clock: FakeClock
) -> None:
    clock.sleep(20)
    queue.change_visibility(held.handle, 15)

    clock.sleep(14)
    before = queue.receive()
    clock.sleep(1)

    assert before == []
    assert len(queue.receive()) == 1


def test_the_twelve_hours_of_a_hold_count_from_the_receive(
    queue: FifoQueue, held: Received, clock: FakeClock
) -> None:
    clock.sleep(5)

    queue.change_visibility(held.handle, HALF_A_DAY - 5)

    assert refusal_of(queue.change_visibility, held.handle, HALF_A_DAY - 4) == (
        "InvalidParameterValue"
    )


@pytest.mark.parametrize("seconds", [-1, HALF_A_DAY + 1])
def test_no_visibility_is_negative_or_longer_than_twelve_hours(
    queue: FifoQueue, held: Received, seconds: int
) -> None:
    assert refusal_of(queue.change_visibility, held.handle, seconds) == "InvalidParameterValue"
    assert refusal_of(lambda: queue.receive(visibility_timeout=seconds)) == "InvalidParameterValue"


def test_a_receive_with_visibility_0_holds_nothing(queue: FifoQueue) -> None:
    queue.receive(visibility_timeout=0)

    assert queue.counts().in_flight == 0
    assert queue.receive()[0].receive_count == 2


def test_the_same_attempt_gets_the_same_messages_and_holds_them_anew(
    queue: FifoQueue, clock: FakeClock
) -> None:
    first = queue.receive(10, attempt_id="try")
    clock.sleep(20)

    again = queue.receive(10, attempt_id="try")
    clock.sleep(20)

    assert again == first
    assert queue.receive(10) == []


def test_an_attempt_whose_message_was_deleted_is_not_repeated(queue: FifoQueue) -> None:
    queue.send("a1", group_id="a", deduplication_id="a1")
    (first,) = queue.receive(1, attempt_id="try")
    queue.delete(first.handle)

    assert [one.message.body for one in queue.receive(1, attempt_id="try")] == ["a1"]


def test_an_attempt_is_forgotten_after_five_minutes(queue: FifoQueue, clock: FakeClock) -> None:
    queue.receive(attempt_id="try", visibility_timeout=1000)

    clock.sleep(300)

    assert queue.receive(attempt_id="try") == []
