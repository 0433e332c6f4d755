"""The model takes what SQS takes, once; a group's messages come in order, to one holder at a time.

What SQS was recorded to do is in ``test_sqs_recordings``, and the order of receives in
``test_fifo_oracle``; here is what follows from them, and what Amazon's documentation says.
"""

from collections.abc import Iterable

import pytest

from local.fifo import FifoQueue, Limits, QueueSettings, Received, SqsError
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queue(clock: FakeClock) -> FifoQueue:
    return FifoQueue(clock.now)


def send(queue: FifoQueue, *bodies: str) -> None:
    """Send bodies, whose first letter is the group."""
    for body in bodies:
        queue.send(body, group_id=body[0], deduplication_id=body)


def bodies(received: Iterable[Received]) -> list[str]:
    return [item.message.body for item in received]


# --- sending ---


def test_a_duplicate_is_answered_as_the_first_was_and_dropped(queue: FifoQueue) -> None:
    first = queue.send("one", group_id="g", deduplication_id="d")

    second = queue.send("two", group_id="other", deduplication_id="d")

    assert second == first
    assert [received.message.body for received in queue.receive(10)] == ["one"]


def test_a_duplicate_is_known_for_five_minutes_also_after_a_delete(
    queue: FifoQueue, clock: FakeClock
) -> None:
    queue.send("one", group_id="g", deduplication_id="d")
    queue.delete(queue.receive()[0].handle)

    clock.sleep(299)
    queue.send("two", group_id="g", deduplication_id="d")
    early = queue.receive()
    clock.sleep(1)
    queue.send("three", group_id="g", deduplication_id="d")

    assert early == []
    assert [received.message.body for received in queue.receive()] == ["three"]


def test_deduplication_per_group_keeps_the_same_id_of_another_group(clock: FakeClock) -> None:
    queue = FifoQueue(clock.now, settings=QueueSettings(deduplication_per_group=True))

    for group in ("a", "b", "a"):
        queue.send(group, group_id=group, deduplication_id="d")

    assert [received.message.body for received in queue.receive(10)] == ["a", "b"]


def test_without_an_id_the_body_decides_where_the_queue_says_so(clock: FakeClock) -> None:
    queue = FifoQueue(clock.now, settings=QueueSettings(content_based_deduplication=True))

    for body in ("same", "same", "other"):
        queue.send(body, group_id="g")

    assert [received.message.body for received in queue.receive(10)] == ["same", "other"]


def test_without_an_id_and_without_content_deduplication_a_send_is_refused(
    queue: FifoQueue,
) -> None:
    with pytest.raises(SqsError, match="ContentBasedDeduplication"):
        queue.send("body", group_id="g")


def test_sequence_numbers_have_twenty_digits_and_rise_as_text(queue: FifoQueue) -> None:
    numbers = [
        queue.send("body", group_id="g", deduplication_id=str(n)).sequence_number for n in range(12)
    ]

    assert {len(number) for number in numbers} == {20}
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("id_", ["", "a b", "é", "x" * 129, "a\n"])
def test_an_id_is_1_to_128_printable_ascii_characters(queue: FifoQueue, id_: str) -> None:
    with pytest.raises(SqsError, match="MessageGroupId"):
        queue.send("body", group_id=id_, deduplication_id="d")
    with pytest.raises(SqsError, match="MessageDeduplicationId"):
        queue.send("body", group_id="g", deduplication_id=id_)


def test_every_punctuation_is_allowed_in_an_id(queue: FifoQueue) -> None:
    id_ = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~aZ9"

    queue.send("body", group_id=id_, deduplication_id=id_)

    assert queue.receive()[0].message.group_id == id_


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "MissingParameter"),
        ("nul \x00", "InvalidMessageContents"),
        ("half a pair \ud800", "InvalidMessageContents"),
        ("not a character \ufffe", "InvalidMessageContents"),
        ("é" * 50 + "x", "InvalidParameterValue"),
    ],
)
def test_a_bad_body_is_refused_by_its_code(clock: FakeClock, body: str, code: str) -> None:
    queue = FifoQueue(clock.now, settings=QueueSettings(maximum_message_size=100))

    with pytest.raises(SqsError) as refusal:
        queue.send(body, group_id="g", deduplication_id="d")

    assert refusal.value.code == code


def test_names_types_and_values_of_attributes_count_toward_the_size(clock: FakeClock) -> None:
    attributes = {"k": {"DataType": "Binary", "BinaryValue": b"123"}}
    queue = FifoQueue(clock.now, settings=QueueSettings(maximum_message_size=20))

    queue.send("x" * 10, group_id="g", deduplication_id="fits", attributes=attributes)

    with pytest.raises(SqsError, match="shorter than 20 bytes"):
        queue.send("x" * 11, group_id="g", deduplication_id="too long", attributes=attributes)


@pytest.mark.parametrize(
    "attributes",
    [
        {f"k{n}": {"DataType": "String", "StringValue": "v"} for n in range(11)},
        {"k": {"DataType": "String", "StringValue": ""}},
        {"k": {"DataType": "String", "StringValue": "\x00"}},
        {"k": {"DataType": "String"}},
    ],
    ids=["eleven", "empty", "forbidden character", "no value"],
)
def test_bad_attributes_are_refused(
    queue: FifoQueue, attributes: dict[str, dict[str, str]]
) -> None:
    with pytest.raises(SqsError, match="attribute"):
        queue.send("body", group_id="g", deduplication_id="d", attributes=attributes)


# --- time and counts ---


def test_a_message_behind_the_look_ahead_waits_however_free_its_group_is(clock: FakeClock) -> None:
    queue = FifoQueue(clock.now, limits=Limits(look_ahead=3))
    send(queue, "a0", "a1", "a2", "b0")
    (held,) = queue.receive(1)

    starved = queue.receive(10)
    queue.delete(held.handle)

    assert starved == []
    assert bodies(queue.receive(10)) == ["a1", "a2", "b0"]


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


# --- receipts ---

HALF_A_DAY = 43_200


@pytest.fixture
def held(queue: FifoQueue) -> Received:
    """The only message of the queue, ``a0``, which is in flight."""
    send(queue, "a0")
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

    (second,) = queue.receive()

    assert (held.receive_count, second.receive_count) == (1, 2)
    assert second.first_received_at == held.first_received_at == clock.now() - 30


def test_an_expired_receipt_deletes_and_hides_nothing(
    queue: FifoQueue, held: Received, clock: FakeClock
) -> None:
    clock.sleep(30)

    assert refusal_of(queue.delete, held.handle) == "InvalidParameterValue"
    assert refusal_of(queue.change_visibility, held.handle, 5) == "MessageNotInflight"
    assert queue.counts().visible == 1
    (second,) = queue.receive()
    assert refusal_of(queue.delete, held.handle) == "InvalidParameterValue"
    queue.delete(second.handle)


def test_a_message_may_be_deleted_twice_and_then_has_no_visibility(
    queue: FifoQueue, held: Received
) -> None:
    queue.delete(held.handle)
    queue.delete(held.handle)

    assert queue.receive() == []
    assert refusal_of(queue.change_visibility, held.handle, 5) == "InvalidParameterValue"


@pytest.mark.parametrize("handle", ["bogus", "", "é", "Ym9ndXM="])
def test_an_unknown_receipt_is_invalid(queue: FifoQueue, handle: str) -> None:
    assert refusal_of(queue.delete, handle) == "ReceiptHandleIsInvalid"


def test_the_receipt_of_another_queue_is_invalid(
    queue: FifoQueue, held: Received, clock: FakeClock
) -> None:
    other = FifoQueue(clock.now, name="other.fifo")

    assert refusal_of(other.delete, held.handle) == "ReceiptHandleIsInvalid"


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


def test_the_same_attempt_gets_the_same_messages_and_extends_their_visibility(
    queue: FifoQueue, clock: FakeClock
) -> None:
    send(queue, "a0")
    first_result = queue.receive(10, attempt_id="try")
    assert first_result
    clock.sleep(20)

    second_result = queue.receive(10, attempt_id="try")
    clock.sleep(20)

    assert second_result == first_result
    assert queue.receive(10) == []


def test_an_attempt_whose_message_was_deleted_is_not_repeated(queue: FifoQueue) -> None:
    send(queue, "a0", "a1")
    (first,) = queue.receive(1, attempt_id="try")
    queue.delete(first.handle)

    assert [received.message.body for received in queue.receive(1, attempt_id="try")] == ["a1"]


def test_an_attempt_is_forgotten_after_five_minutes(queue: FifoQueue, clock: FakeClock) -> None:
    send(queue, "a0")
    assert queue.receive(attempt_id="try", visibility_timeout=1000)

    clock.sleep(300)

    assert queue.receive(attempt_id="try") == []
