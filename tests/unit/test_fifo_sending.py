"""The model takes what SQS takes, once, and refuses what SQS refuses."""

import pytest

from local.fifo import FifoQueue, QueueSettings, SqsError
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queue(clock: FakeClock) -> FifoQueue:
    return FifoQueue(clock.now)


def test_a_duplicate_is_answered_as_the_first_was_and_dropped(queue: FifoQueue) -> None:
    first = queue.send("one", group_id="g", deduplication_id="d")

    second = queue.send("two", group_id="other", deduplication_id="d")

    assert second == first
    assert [one.message.body for one in queue.receive(10)] == ["one"]


def test_a_duplicate_is_known_for_five_minutes_also_after_a_delete(
    queue: FifoQueue, clock: FakeClock
) -> None:
    queue.send("one", group_id="g", deduplication_id="d")
    queue.delete(queue.receive()[0].handle)

    clock.sleep(299)
    queue.send("two", group_id="g", deduplication_id="d")
    within = queue.receive()
    clock.sleep(1)
    queue.send("three", group_id="g", deduplication_id="d")

    assert within == []
    assert [one.message.body for one in queue.receive()] == ["three"]


def test_deduplication_per_group_keeps_the_same_id_of_another_group(clock: FakeClock) -> None:
    queue = FifoQueue(clock.now, settings=QueueSettings(deduplication_per_group=True))

    for group in ("a", "b", "a"):
        queue.send(group, group_id=group, deduplication_id="d")

    assert [one.message.body for one in queue.receive(10)] == ["a", "b"]


def test_without_an_id_the_body_decides_where_the_queue_says_so(clock: FakeClock) -> None:
    queue = FifoQueue(clock.now, settings=QueueSettings(content_based_deduplication=True))

    for body in ("same", "same", "other"):
        queue.send(body, group_id="g")

    assert [one.message.body for one in queue.receive(10)] == ["same", "other"]


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
