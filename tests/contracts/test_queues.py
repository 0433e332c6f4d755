"""What fan-out, delivering and the clock rely on in the queues they write to."""

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
from tests.fakes import NOON, FakeDeadLetterQueue, FakeDeliveryQueue, FakeInvalidEventQueue

LARGEST_MESSAGE = 1_040_384  # what the blueprint lets the queues of events and deliveries take
LANE = Lane("sub_a", "39")


class Queue:
    """A queue of the deployment, as a consumer sees it."""

    def __init__(self, url: str) -> None:
        self.sqs, self.url = boto3.client("sqs"), url

    def receive(self) -> list[dict[str, Any]]:
        """The messages that can be had now; their groups are locked until they go."""
        answer = self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=0,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))  # type: ignore[arg-type]

    def parcels(self) -> list[QueueMessage]:
        return [
            QueueMessage(
                one["MessageId"],
                one["Attributes"]["MessageGroupId"],
                one["Body"],
                one["ReceiptHandle"],
            )
            for one in self.receive()
        ]

    def drain(self) -> list[dict[str, Any]]:
        """Every message, in the order in which a consumer that deletes them gets them."""
        drained: list[dict[str, Any]] = []
        while some := self.receive():
            for one in some:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=one["ReceiptHandle"])
            drained += some
        return drained

    def messages(self) -> list[Message]:
        return [decode(one["Body"]) for one in self.drain()]

    def calls(self) -> list[str]:
        """The operations that are asked of SQS from now on."""
        made: list[str] = []
        self.sqs.meta.events.register("before-call.sqs", lambda model, **_: made.append(model.name))
        return made


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
    assert {one["DataType"] for one in message["MessageAttributes"].values()} == {"String"}
    return {name: one["StringValue"] for name, one in message["MessageAttributes"].items()}


# --- what fan-out sends ---

Sent = Callable[[], list[Message]]


@pytest.fixture(params=["fake", "sqs"])
def queue(request: pytest.FixtureRequest) -> tuple[DeliveryQueue, Sent]:
    if request.param == "fake":
        fake = FakeDeliveryQueue()
        return fake, lambda: list(fake.sent)
    queue: Queue = request.getfixturevalue("deliveries")
    return SqsDeliveryQueue(queue.sqs, queue.url), queue.messages


def test_what_is_sent_arrives_as_it_was(queue: tuple[DeliveryQueue, Sent]):
    box, sent = queue
    delivery = a_delivery(3, previous="TASK_FAILED", data={"湖": "\uffff\x00"})

    assert not box.enqueue_deliveries([delivery])

    assert sent() == [delivery]


def test_a_lane_gets_its_deliveries_in_the_order_they_were_sent(queue: tuple[DeliveryQueue, Sent]):
    box, sent = queue

    for sequence in (1, 2, 3):
        assert not box.enqueue_deliveries([a_delivery(sequence)])

    assert sent() == [a_delivery(1), a_delivery(2), a_delivery(3)]


def test_one_call_reaches_as_many_lanes_as_there_are(queue: tuple[DeliveryQueue, Sent]):
    box, sent = queue
    several = [a_delivery(subscription=f"sub_{number}") for number in range(25)]

    assert not box.enqueue_deliveries(several)

    assert sorted(one.lane.subscription_id for one in sent()) == sorted(
        one.lane.subscription_id for one in several
    )


def test_nothing_to_send_is_nothing_sent(queue: tuple[DeliveryQueue, Sent]):
    box, sent = queue

    assert not box.enqueue_deliveries([])

    assert sent() == []


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
    several = [a_delivery(subscription=f"sub_{n}", message=largest) for n in range(10)]
    calls = deliveries.calls()

    assert not queue.enqueue_deliveries(several)

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
        failed = [{"Id": one, "SenderFault": False, "Code": "InternalError"} for one in ids]
        stubber.add_response("send_message_batch", {"Successful": [], "Failed": failed})
    return stubber


def test_the_entries_that_failed_in_an_accepted_batch_are_named(deliveries: Queue):
    several = [a_delivery(subscription=f"sub_{number}") for number in range(12)]

    with refusing(deliveries.sqs, ["3", "0"], ["11"]):
        failed = SqsDeliveryQueue(deliveries.sqs, deliveries.url).enqueue_deliveries(several)

    assert failed == {"sub_0#39#1", "sub_3#39#1", "sub_11#39#1"}


def test_when_sqs_is_away_that_is_trouble_of_our_own(failing_sqs: Any):
    with pytest.raises(InfrastructureError):
        SqsDeliveryQueue(failing_sqs, "https://queue").enqueue_deliveries([a_delivery()])


# --- what the scheduler sends ---


@pytest.fixture(params=["fake", "sqs"])
def resumes(request: pytest.FixtureRequest) -> tuple[DeliveryQueue, Sent]:
    if request.param == "fake":
        fake = FakeDeliveryQueue()
        return fake, lambda: list(fake.resumes)
    queue: Queue = request.getfixturevalue("deliveries")
    return SqsDeliveryQueue(queue.sqs, queue.url), queue.messages


def test_word_comes_to_its_lane(resumes: tuple[DeliveryQueue, Sent]):
    queue, sent = resumes
    resumes = [Resume(Lane("sub_a", str(number)), token=number) for number in range(1, 12)]

    assert not queue.enqueue_resumes(resumes)

    heard = sent()
    assert len(heard) == 11
    assert all(resume in heard for resume in resumes)


def test_word_for_one_time_comes_once_and_for_another_again(deliveries: Queue):
    resumes = SqsDeliveryQueue(deliveries.sqs, deliveries.url)

    for token in (5, 5, 6):
        resumes.enqueue_resumes([Resume(LANE, token)])

    assert deliveries.messages() == [Resume(LANE, 5), Resume(LANE, 6)]


def test_word_never_overtakes_what_its_lane_already_has(deliveries: Queue):
    queue = SqsDeliveryQueue(deliveries.sqs, deliveries.url)
    queue.enqueue_deliveries([a_delivery(1)])
    queue.enqueue_resumes([Resume(LANE, 5)])
    queue.enqueue_deliveries([a_delivery(2)])

    assert deliveries.messages() == [a_delivery(1), Resume(LANE, 5), a_delivery(2)]


def test_lanes_that_could_not_be_told_are_named(deliveries: Queue):
    resumes = [Resume(LANE, 5), Resume(Lane("sub_a", "40"), 5)]

    with refusing(deliveries.sqs, ["1"]):
        deaf = SqsDeliveryQueue(deliveries.sqs, deliveries.url).enqueue_resumes(resumes)

    assert deaf == {Lane("sub_a", "40")}


# --- acknowledgements ---


def sent_and_received(queue: Queue, *deliveries: Delivery) -> list[QueueMessage]:
    for delivery in deliveries:
        SqsDeliveryQueue(queue.sqs, queue.url).enqueue_deliveries([delivery])
    return queue.parcels()


def test_what_is_acknowledged_goes_and_its_lane_goes_on(deliveries: Queue):
    several = [a_delivery(sequence) for sequence in range(1, 13)]
    parcels = sent_and_received(deliveries, *several)
    assert deliveries.receive() == []

    SqsMessageAcks(deliveries.sqs, deliveries.url).ack(parcels)

    assert deliveries.messages() == several[10:]


def test_any_number_can_be_acknowledged_at_once(deliveries: Queue):
    ten = [a_delivery(pipeline_id=number) for number in range(10)]
    two = [a_delivery(pipeline_id=number) for number in range(10, 12)]
    parcels = sent_and_received(deliveries, *ten) + sent_and_received(deliveries, *two)

    SqsMessageAcks(deliveries.sqs, deliveries.url).ack(parcels)

    assert len(parcels) == 12
    shown = deliveries.sqs.get_queue_attributes(QueueUrl=deliveries.url, AttributeNames=["All"])
    assert shown["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_what_is_postponed_by_nothing_comes_again_at_once_and_first(deliveries: Queue):
    first, second = sent_and_received(deliveries, a_delivery(1), a_delivery(2))
    acks = SqsMessageAcks(deliveries.sqs, deliveries.url)

    acks.nack(second, seconds=0)
    acks.nack(first, seconds=0)

    assert deliveries.messages() == [a_delivery(1), a_delivery(2)]


@pytest.mark.parametrize(
    ("seconds", "timeout"),
    [(-3.2, 0), (0, 0), (0.01, 1), (5, 5), (5.2, 6), (59.999, 60), (1e9, 43_000)],
)
def test_nothing_comes_earlier_than_it_was_postponed_to(seconds: float, timeout: int):
    client = boto3.client("sqs")
    expected = {"QueueUrl": "https://queue", "ReceiptHandle": "r", "VisibilityTimeout": timeout}

    with Stubber(client) as stubber:
        stubber.add_response("change_message_visibility", {}, expected)
        SqsMessageAcks(client, "https://queue").nack(
            QueueMessage("m", "g", "b", "r"), seconds=seconds
        )

    stubber.assert_no_pending_responses()


def test_a_receipt_that_is_no_longer_good_is_let_be(deliveries: Queue):
    acks = SqsMessageAcks(deliveries.sqs, deliveries.url)
    (gone,) = sent_and_received(deliveries, a_delivery(1))
    acks.ack([gone])
    (live,) = sent_and_received(deliveries, a_delivery(2))

    acks.nack(gone, seconds=5)
    acks.ack([QueueMessage("m", "g", "b", "no receipt"), gone, live])

    assert deliveries.drain() == []


def test_when_sqs_is_away_a_receipt_is_let_be(failing_sqs: Any):
    parcel = QueueMessage("m", "g", "b", "r")

    SqsMessageAcks(failing_sqs, "https://queue").ack([parcel])
    SqsMessageAcks(failing_sqs, "https://queue").nack(parcel, seconds=1)


# --- bad messages ---

Parked = Callable[[], list[tuple[str, str, str]]]

NOTICE = EventMessage("m1", "39", '{"text": "湖 \\uffff\t\n"}')
PARCEL = QueueMessage("m1", "sub_a#39", '{"text": "湖 \\uffff\t\n"}', "r")


def parked_in(queue: Queue) -> Parked:
    return lambda: [
        (one["Attributes"]["MessageGroupId"], one["Body"], attributes_of(one)["reason"])
        for one in queue.drain()
    ]


@pytest.fixture(params=["fake", "sqs"])
def invalid_events(request: pytest.FixtureRequest) -> tuple[InvalidEventQueue, Parked]:
    if request.param == "fake":
        fake = FakeInvalidEventQueue()
        return fake, lambda: [(one.group, one.body, reason) for one, reason in fake.parked]
    queue: Queue = request.getfixturevalue("bad_events")
    return SqsInvalidEventQueue(queue.sqs, queue.url), parked_in(queue)


def test_a_bad_event_is_parked_whole_with_the_reason(
    invalid_events: tuple[InvalidEventQueue, Parked],
):
    door, parked = invalid_events

    door.quarantine(NOTICE, "event_type: missing")

    assert parked() == [("39", NOTICE.body, "event_type: missing")]


def test_a_bad_message_is_parked_whole_with_the_reason(letters: Queue):
    SqsDeadLetterQueue(letters.sqs, letters.url).quarantine(PARCEL, "not JSON")

    assert parked_in(letters)() == [("sub_a#39", PARCEL.body, "bad message: not JSON")]


def test_a_bad_message_that_comes_again_is_parked_once(bad_events: Queue):
    invalid_events = SqsInvalidEventQueue(bad_events.sqs, bad_events.url)

    invalid_events.quarantine(NOTICE, "once")
    invalid_events.quarantine(NOTICE, "twice")
    invalid_events.quarantine(EventMessage("m2", NOTICE.group, NOTICE.body), "another")

    assert [reason for _, _, reason in parked_in(bad_events)()] == ["once", "another"]


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

    assert [reason for _, _, reason in parked_in(bad_events)()] == list(REASONS.values())
    assert [reason for _, _, reason in parked_in(letters)()] == [
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

    assert [len(one["Body"]) for one in bad_events.drain() + letters.drain()] == [
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
def dead_letters(request: pytest.FixtureRequest) -> tuple[DeadLetterQueue, Sent]:
    if request.param == "fake":
        fake = FakeDeadLetterQueue()
        return fake, lambda: [record.delivery for record in fake.records if record.delivery]
    queue: Queue = request.getfixturevalue("letters")
    return SqsDeadLetterQueue(queue.sqs, queue.url), queue.messages


def test_a_dead_letter_is_the_delivery_as_it_was(dead_letters: tuple[DeadLetterQueue, Sent]):
    graves, buried = dead_letters

    graves.send(dead(FAILURE), endpoint=SHOWN)

    assert buried() == [a_delivery(3, data={"湖": "\uffff"})]


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


def test_a_letter_without_an_answer_says_what_became_of_it(letters: Queue):
    SqsDeadLetterQueue(letters.sqs, letters.url).send(dead(FAILURE, SILENCE), endpoint=SHOWN)

    (message,) = letters.drain()
    assert attributes_of(message)["last_status"] == "timed_out"


def test_what_is_not_known_is_written_as_a_dash(letters: Queue):
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
    graves = SqsDeadLetterQueue(letters.sqs, letters.url)

    graves.send(dead(FAILURE), endpoint=SHOWN)
    graves.send(dead(FAILURE), endpoint=SHOWN)
    graves.send(dead(FAILURE, FAILURE), endpoint=SHOWN)

    assert [attributes_of(one)["attempts"] for one in letters.drain()] == ["1", "2"]


def test_when_sqs_is_away_no_letter_is_thought_to_be_buried(failing_sqs: Any):
    with pytest.raises(InfrastructureError):
        SqsDeadLetterQueue(failing_sqs, "https://queue").send(dead(FAILURE), endpoint=SHOWN)
