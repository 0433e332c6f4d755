"""Contract of the queues that fan-out, delivery and the scheduler write to."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from lakehook.adapters.sqs.dead_letters import SqsDeadLetterQueue, SqsInvalidEventQueue
from lakehook.adapters.sqs.deliveries import SqsDeliveryQueue, SqsMessageAcks
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.delivery import Delivery, Lane, deduplication_id
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.event import MAX_EVENT_BYTES
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.queue_message import Message, Resume, decode, encode
from lakehook.ports.queues import (
    DeadLetterQueue,
    DeliveryQueue,
    EventMessage,
    InvalidEventQueue,
    QueueMessage,
)
from lakehook.settings import StackOutputs
from tests.builders import a_delivery
from tests.contracts.conftest import drain, receive
from tests.fakes import NOON, FakeDeadLetterQueue, FakeDeliveryQueue, FakeInvalidEventQueue

LARGEST_MESSAGE = 1_040_384  # what the blueprint lets the queues of events and deliveries take
LANE = Lane("sub_a", "39")


class Queue:
    """Queue of the deployment, as a consumer sees it."""

    def __init__(self, url: str) -> None:
        self.sqs, self.url = boto3.client("sqs"), url

    def receive(self) -> list[dict[str, Any]]:
        return receive(self.url)

    def queue_messages(self) -> list[QueueMessage]:
        return [
            QueueMessage(
                message["MessageId"],
                message["Attributes"]["MessageGroupId"],
                message["Body"],
                message["ReceiptHandle"],
            )
            for message in self.receive()
        ]

    def drain(self) -> list[dict[str, Any]]:
        return drain(self.url)

    def messages(self) -> list[Message]:
        return [decode(message["Body"]) for message in self.drain()]

    def calls(self) -> list[str]:
        """Return a list to which each later operation on SQS adds its name."""
        names: list[str] = []
        self.sqs.meta.events.register(
            "before-call.sqs", lambda model, **_: names.append(model.name)
        )
        return names


@pytest.fixture
def deliveries(deployment: StackOutputs) -> Queue:
    return Queue(deployment.deliveries_queue_url)


@pytest.fixture
def letters(deployment: StackOutputs) -> Queue:
    return Queue(deployment.dead_letter_queue_url)


@pytest.fixture
def bad_events(deployment: StackOutputs) -> Queue:
    return Queue(deployment.events_dead_letter_queue_url)


@pytest.fixture(
    params=[
        ClientError({"Error": {"Code": "ServiceUnavailable"}}, "SendMessage"),
        EndpointConnectionError(endpoint_url="https://sqs"),
    ],
    ids=lambda error: type(error).__name__,
)
def failing_sqs(request: pytest.FixtureRequest) -> Any:
    """A client whose every call fails."""

    def fail(**_: object) -> None:
        raise request.param

    client = boto3.client("sqs")
    client.meta.events.register("before-call.sqs", fail)
    return client


def attributes_of(message: dict[str, Any]) -> dict[str, str]:
    assert {attribute["DataType"] for attribute in message["MessageAttributes"].values()} == {
        "String"
    }
    return {
        name: attribute["StringValue"] for name, attribute in message["MessageAttributes"].items()
    }


# --- what fan-out sends ---

ReadMessages = Callable[[], list[Message]]


@pytest.fixture(params=["fake", "sqs"])
def queue(request: pytest.FixtureRequest) -> tuple[DeliveryQueue, ReadMessages]:
    if request.param == "fake":
        fake = FakeDeliveryQueue()
        return fake, lambda: list(fake.sent)
    queue: Queue = request.getfixturevalue("deliveries")
    return SqsDeliveryQueue(queue.sqs, queue.url), queue.messages


def test_a_delivery_arrives_as_it_was_sent(queue: tuple[DeliveryQueue, ReadMessages]):
    delivery_queue, read_messages = queue
    delivery = a_delivery(3, previous="TASK_FAILED", data={"湖": "\uffff\x00"})

    assert not delivery_queue.enqueue_deliveries([delivery])

    assert read_messages() == [delivery]


def test_a_lane_gets_its_deliveries_in_the_order_they_were_sent(
    queue: tuple[DeliveryQueue, ReadMessages],
):
    delivery_queue, read_messages = queue

    for sequence in (1, 2, 3):
        assert not delivery_queue.enqueue_deliveries([a_delivery(sequence)])

    assert read_messages() == [a_delivery(1), a_delivery(2), a_delivery(3)]


def test_one_call_reaches_as_many_lanes_as_there_are(queue: tuple[DeliveryQueue, ReadMessages]):
    delivery_queue, read_messages = queue
    deliveries = [a_delivery(subscription=f"sub_{number}") for number in range(25)]

    assert not delivery_queue.enqueue_deliveries(deliveries)

    assert sorted(delivery.lane.subscription_id for delivery in read_messages()) == sorted(
        delivery.lane.subscription_id for delivery in deliveries
    )


def test_an_empty_batch_sends_no_message(queue: tuple[DeliveryQueue, ReadMessages]):
    delivery_queue, read_messages = queue

    assert not delivery_queue.enqueue_deliveries([])

    assert read_messages() == []


def test_a_delivery_goes_into_the_group_of_its_lane_under_an_id_of_its_own(deliveries: Queue):
    SqsDeliveryQueue(deliveries.sqs, deliveries.url).enqueue_deliveries([a_delivery(7)])

    (message,) = deliveries.receive()
    assert message["Attributes"]["MessageGroupId"] == "sub_a#39"
    assert message["Attributes"]["MessageDeduplicationId"] == deduplication_id("sub_a#39#7")


def test_a_delivery_sent_again_is_one_message_even_when_the_first_has_gone(deliveries: Queue):
    queue = SqsDeliveryQueue(deliveries.sqs, deliveries.url)
    queue.enqueue_deliveries([a_delivery(1)])
    queue.enqueue_deliveries([a_delivery(1)])
    assert deliveries.messages() == [a_delivery(1)]

    assert not queue.enqueue_deliveries([a_delivery(1)])

    assert deliveries.messages() == []


def test_batches_are_packed_by_bytes_and_not_by_characters(deliveries: Queue):
    queue = SqsDeliveryQueue(deliveries.sqs, deliveries.url)
    largest = "é" * (MAX_EVENT_BYTES // 2 - 200)
    batch = [a_delivery(subscription=f"sub_{n}", message=largest) for n in range(10)]
    calls = deliveries.calls()

    assert not queue.enqueue_deliveries(batch)

    assert calls == ["SendMessageBatch"] * 5
    assert len(deliveries.messages()) == 10


def test_small_messages_go_ten_at_a_time(deliveries: Queue):
    calls = deliveries.calls()

    SqsDeliveryQueue(deliveries.sqs, deliveries.url).enqueue_deliveries(
        [a_delivery(subscription=f"sub_{number}") for number in range(21)]
    )

    assert calls == ["SendMessageBatch"] * 3


def refusing(client: Any, *batches: list[str]) -> Stubber:
    """Answer 200 to each batch, and name the entries that were not taken."""
    stubber = Stubber(client)
    for ids in batches:
        failed = [{"Id": id_, "SenderFault": False, "Code": "InternalError"} for id_ in ids]
        stubber.add_response("send_message_batch", {"Successful": [], "Failed": failed})
    return stubber


def test_the_entries_that_failed_in_an_accepted_batch_are_named(deliveries: Queue):
    batch = [a_delivery(subscription=f"sub_{number}") for number in range(12)]

    with refusing(deliveries.sqs, ["3", "0"], ["11"]):
        failed = SqsDeliveryQueue(deliveries.sqs, deliveries.url).enqueue_deliveries(batch)

    assert failed == {"sub_0#39#1", "sub_3#39#1", "sub_11#39#1"}


def test_an_outage_of_sqs_is_an_infrastructure_error(failing_sqs: Any):
    with pytest.raises(InfrastructureError):
        SqsDeliveryQueue(failing_sqs, "https://queue").enqueue_deliveries([a_delivery()])


# --- what the scheduler sends ---


@pytest.fixture(params=["fake", "sqs"])
def resumes(request: pytest.FixtureRequest) -> tuple[DeliveryQueue, ReadMessages]:
    if request.param == "fake":
        fake = FakeDeliveryQueue()
        return fake, lambda: list(fake.resumes)
    queue: Queue = request.getfixturevalue("deliveries")
    return SqsDeliveryQueue(queue.sqs, queue.url), queue.messages


def test_resumes_reach_their_lanes(resumes: tuple[DeliveryQueue, ReadMessages]):
    queue, read_messages = resumes
    resumes = [Resume(Lane("sub_a", str(number)), token=number) for number in range(1, 12)]

    assert not queue.enqueue_resumes(resumes)

    received = read_messages()
    assert len(received) == 11
    assert all(resume in received for resume in resumes)


def test_a_resume_of_one_due_time_comes_once_and_of_another_again(deliveries: Queue):
    resumes = SqsDeliveryQueue(deliveries.sqs, deliveries.url)

    for token in (5, 5, 6):
        resumes.enqueue_resumes([Resume(LANE, token)])

    assert deliveries.messages() == [Resume(LANE, 5), Resume(LANE, 6)]


def test_a_resume_never_overtakes_the_messages_of_its_lane(deliveries: Queue):
    queue = SqsDeliveryQueue(deliveries.sqs, deliveries.url)
    queue.enqueue_deliveries([a_delivery(1)])
    queue.enqueue_resumes([Resume(LANE, 5)])
    queue.enqueue_deliveries([a_delivery(2)])

    assert deliveries.messages() == [a_delivery(1), Resume(LANE, 5), a_delivery(2)]


def test_lanes_whose_resume_failed_are_named(deliveries: Queue):
    resumes = [Resume(LANE, 5), Resume(Lane("sub_a", "40"), 5)]

    with refusing(deliveries.sqs, ["1"]):
        deaf = SqsDeliveryQueue(deliveries.sqs, deliveries.url).enqueue_resumes(resumes)

    assert deaf == {Lane("sub_a", "40")}


# --- acknowledgements ---


def sent_and_received(queue: Queue, *deliveries: Delivery) -> list[QueueMessage]:
    for delivery in deliveries:
        SqsDeliveryQueue(queue.sqs, queue.url).enqueue_deliveries([delivery])
    return queue.queue_messages()


def test_an_acknowledged_message_is_deleted_and_its_lane_goes_on(deliveries: Queue):
    lane_deliveries = [a_delivery(sequence) for sequence in range(1, 13)]
    messages = sent_and_received(deliveries, *lane_deliveries)
    assert deliveries.receive() == []

    SqsMessageAcks(deliveries.sqs, deliveries.url).ack(messages)

    assert deliveries.messages() == lane_deliveries[10:]


def test_any_number_can_be_acknowledged_at_once(deliveries: Queue):
    ten = [a_delivery(pipeline_id=number) for number in range(10)]
    two = [a_delivery(pipeline_id=number) for number in range(10, 12)]
    messages = sent_and_received(deliveries, *ten) + sent_and_received(deliveries, *two)

    SqsMessageAcks(deliveries.sqs, deliveries.url).ack(messages)

    assert len(messages) == 12
    answer = deliveries.sqs.get_queue_attributes(QueueUrl=deliveries.url, AttributeNames=["All"])
    assert answer["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_a_nacked_message_without_delay_comes_again_at_once_and_first(deliveries: Queue):
    first, second = sent_and_received(deliveries, a_delivery(1), a_delivery(2))
    acks = SqsMessageAcks(deliveries.sqs, deliveries.url)

    acks.nack(second, seconds=0)
    acks.nack(first, seconds=0)

    assert deliveries.messages() == [a_delivery(1), a_delivery(2)]


@pytest.mark.parametrize(
    ("seconds", "timeout"),
    [(-3.2, 0), (0, 0), (0.01, 1), (5, 5), (5.2, 6), (59.999, 60), (1e9, 43_000)],
)
def test_a_nacked_message_never_comes_before_its_delay(seconds: float, timeout: int):
    client = boto3.client("sqs")
    expected = {"QueueUrl": "https://queue", "ReceiptHandle": "r", "VisibilityTimeout": timeout}

    with Stubber(client) as stubber:
        stubber.add_response("change_message_visibility", {}, expected)
        SqsMessageAcks(client, "https://queue").nack(
            QueueMessage("m", "g", "b", "r"), seconds=seconds
        )

    stubber.assert_no_pending_responses()


def test_an_expired_receipt_raises_nothing(deliveries: Queue):
    acks = SqsMessageAcks(deliveries.sqs, deliveries.url)
    (acknowledged,) = sent_and_received(deliveries, a_delivery(1))
    acks.ack([acknowledged])
    (next_message,) = sent_and_received(deliveries, a_delivery(2))

    acks.nack(acknowledged, seconds=5)
    acks.ack([QueueMessage("m", "g", "b", "no receipt"), acknowledged, next_message])

    assert deliveries.drain() == []


def test_an_outage_of_sqs_raises_nothing_for_a_receipt(failing_sqs: Any):
    message = QueueMessage("m", "g", "b", "r")

    SqsMessageAcks(failing_sqs, "https://queue").ack([message])
    SqsMessageAcks(failing_sqs, "https://queue").nack(message, seconds=1)


# --- bad messages ---

ReadQuarantined = Callable[[], list[tuple[str, str, str]]]

NOTICE = EventMessage("m1", "39", '{"text": "湖 \\uffff\t\n"}')
QUEUE_MESSAGE = QueueMessage("m1", "sub_a#39", '{"text": "湖 \\uffff\t\n"}', "r")


def quarantine_reader(queue: Queue) -> ReadQuarantined:
    return lambda: [
        (message["Attributes"]["MessageGroupId"], message["Body"], attributes_of(message)["reason"])
        for message in queue.drain()
    ]


@pytest.fixture(params=["fake", "sqs"])
def invalid_events(request: pytest.FixtureRequest) -> tuple[InvalidEventQueue, ReadQuarantined]:
    if request.param == "fake":
        fake = FakeInvalidEventQueue()
        return fake, lambda: [(event.group, event.body, reason) for event, reason in fake.parked]
    queue: Queue = request.getfixturevalue("bad_events")
    return SqsInvalidEventQueue(queue.sqs, queue.url), quarantine_reader(queue)


def test_a_bad_event_is_parked_whole_with_the_reason(
    invalid_events: tuple[InvalidEventQueue, ReadQuarantined],
):
    queue, read_quarantined = invalid_events

    queue.quarantine(NOTICE, "event_type: missing")

    assert read_quarantined() == [("39", NOTICE.body, "event_type: missing")]


def test_a_bad_message_is_parked_whole_with_the_reason(letters: Queue):
    SqsDeadLetterQueue(letters.sqs, letters.url).quarantine(QUEUE_MESSAGE, "not JSON")

    assert quarantine_reader(letters)() == [
        ("sub_a#39", QUEUE_MESSAGE.body, "bad message: not JSON")
    ]


def test_a_bad_message_that_comes_again_is_parked_once(bad_events: Queue):
    invalid_events = SqsInvalidEventQueue(bad_events.sqs, bad_events.url)

    invalid_events.quarantine(NOTICE, "once")
    invalid_events.quarantine(NOTICE, "twice")
    invalid_events.quarantine(EventMessage("m2", NOTICE.group, NOTICE.body), "another")

    assert [reason for _, _, reason in quarantine_reader(bad_events)()] == ["once", "another"]


REASONS = {
    "": "-",
    "\x00\x1b[2J\x7f": "\ufffd\ufffd[2J\x7f",
    "\uffff\ufffe": "\ufffd\ufffd",
    "\ud800": "\ufffd",
    "a\tb\nc\r": "a\tb\nc\r",
    "湖 \U0001f30a": "湖 \U0001f30a",
    "x" * 5000: "x" * 1000,
}


def test_no_reason_keeps_a_message_from_being_parked(bad_events: Queue, letters: Queue):
    for reason in REASONS:
        notice = EventMessage(deduplication_id(ascii(reason)), "39", "body")
        SqsInvalidEventQueue(bad_events.sqs, bad_events.url).quarantine(notice, reason)
        SqsDeadLetterQueue(letters.sqs, letters.url).quarantine(
            QueueMessage(notice.id, "sub_a#39", "body", "r"), reason
        )

    assert [reason for _, _, reason in quarantine_reader(bad_events)()] == list(REASONS.values())
    assert [reason for _, _, reason in quarantine_reader(letters)()] == [
        f"bad message: {reason and shown}"[:1000] for reason, shown in REASONS.items()
    ]


def test_the_largest_message_can_be_parked_whatever_the_reason(bad_events: Queue, letters: Queue):
    body, reason = "x" * LARGEST_MESSAGE, "\U0001f30a" * 5000

    SqsInvalidEventQueue(bad_events.sqs, bad_events.url).quarantine(
        EventMessage("m1", "39", body), reason
    )
    SqsDeadLetterQueue(letters.sqs, letters.url).quarantine(
        QueueMessage("m1", "sub_a#39", body, "r"), reason
    )

    assert [len(message["Body"]) for message in bad_events.drain() + letters.drain()] == [
        LARGEST_MESSAGE,
        LARGEST_MESSAGE,
    ]


# --- dead letters ---

FAILURE = Attempt(at=NOON + 0.25, outcome=Outcome.REJECTED, milliseconds=7, status=500)
SILENCE = Attempt(at=NOON + 90, outcome=Outcome.TIMED_OUT, milliseconds=10_000)
SHOWN = "https://ci.example/hook?key=…"


def dead(*attempts: Attempt, reason: str = "rejected") -> DeliveryRecord:
    record = DeliveryRecord.waiting(a_delivery(3, data={"湖": "\uffff"}))
    for attempt in attempts:
        record = record.with_attempt(attempt)
    return record.dead(reason)


@pytest.fixture(params=["fake", "sqs"])
def dead_letters(request: pytest.FixtureRequest) -> tuple[DeadLetterQueue, ReadMessages]:
    if request.param == "fake":
        fake = FakeDeadLetterQueue()
        return fake, lambda: [record.delivery for record in fake.records if record.delivery]
    queue: Queue = request.getfixturevalue("letters")
    return SqsDeadLetterQueue(queue.sqs, queue.url), queue.messages


def test_a_dead_letter_is_the_delivery_as_it_was(
    dead_letters: tuple[DeadLetterQueue, ReadMessages],
):
    queue, read_letters = dead_letters

    queue.send(dead(FAILURE), endpoint=SHOWN)

    assert read_letters() == [a_delivery(3, data={"湖": "\uffff"})]


def test_a_dead_letter_says_what_an_operator_reads(letters: Queue):
    SqsDeadLetterQueue(letters.sqs, letters.url).send(dead(SILENCE, FAILURE), endpoint=SHOWN)

    (message,) = letters.drain()
    assert message["Attributes"]["MessageGroupId"] == "sub_a#39"
    assert message["Body"] == encode(a_delivery(3, data={"湖": "\uffff"}))
    assert attributes_of(message) == {
        "reason": "rejected",
        "subscription": "sub_a",
        "endpoint": SHOWN,
        "event_type": "PIPELINE_CREATED",
        "pipeline_id": "39",
        "sequence": "3",
        "attempts": "2",
        "last_status": "500",
        "last_attempt_at": "2026-01-01T12:00:00.250+00:00",
    }


def test_a_letter_without_an_answer_has_the_outcome(letters: Queue):
    SqsDeadLetterQueue(letters.sqs, letters.url).send(dead(FAILURE, SILENCE), endpoint=SHOWN)

    (message,) = letters.drain()
    assert attributes_of(message)["last_status"] == "timed_out"


def test_an_unknown_value_is_written_as_a_dash(letters: Queue):
    SqsDeadLetterQueue(letters.sqs, letters.url).send(dead(reason=""), endpoint="")

    (message,) = letters.drain()
    attributes = attributes_of(message)
    assert len(attributes) == 9
    assert {name for name, value in attributes.items() if value == "-"} == {
        "reason",
        "endpoint",
        "last_status",
        "last_attempt_at",
    }


def test_a_second_death_is_a_second_letter_and_a_repeat_of_one_is_none(letters: Queue):
    queue = SqsDeadLetterQueue(letters.sqs, letters.url)

    queue.send(dead(FAILURE), endpoint=SHOWN)
    queue.send(dead(FAILURE), endpoint=SHOWN)
    queue.send(dead(FAILURE, FAILURE), endpoint=SHOWN)

    assert [attributes_of(letter)["attempts"] for letter in letters.drain()] == ["1", "2"]


def test_an_outage_of_sqs_fails_the_dead_letter(failing_sqs: Any):
    with pytest.raises(InfrastructureError):
        SqsDeadLetterQueue(failing_sqs, "https://queue").send(dead(FAILURE), endpoint=SHOWN)
