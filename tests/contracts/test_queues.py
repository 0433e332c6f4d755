"""What fan-out, delivering and the clock rely on in the queues they write to."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from lakehook.adapters.sqs_dead_letters import SqsDeadLetters, SqsSiding
from lakehook.adapters.sqs_deliveries import SqsDeliveries, SqsReceipts
from lakehook.domain.delivery import Delivery, Lane, fingerprint
from lakehook.domain.errors import OwnTrouble
from lakehook.domain.event import MAX_EVENT_BYTES
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.message import Message, Resume, decode, encode
from lakehook.domain.outcome import Attempt, Outcome
from lakehook.ports.events import Notice, Outbox, Siding
from lakehook.ports.letters import DeadLetters
from lakehook.ports.messages import Bell, Parcel
from lakehook.settings import Deployment
from tests.builders import a_delivery
from tests.fakes import NOON, FakeBell, FakeDeadLetters, FakeOutbox, FakeSiding

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

    def parcels(self) -> list[Parcel]:
        return [
            Parcel(
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
def deliveries(deployment: Deployment) -> Queue:
    return Queue(deployment.deliveries_queue_url)


@pytest.fixture
def letters(deployment: Deployment) -> Queue:
    return Queue(deployment.dead_letter_queue_url)


@pytest.fixture
def bad_events(deployment: Deployment) -> Queue:
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


# --- the outbox of fan-out ---

Sent = Callable[[], list[Message]]


@pytest.fixture(params=["fake", "sqs"])
def outbox(request: pytest.FixtureRequest) -> tuple[Outbox, Sent]:
    if request.param == "fake":
        fake = FakeOutbox()
        return fake, lambda: list(fake.sent)
    queue: Queue = request.getfixturevalue("deliveries")
    return SqsDeliveries(queue.sqs, queue.url), queue.messages


def test_what_is_sent_arrives_as_it_was(outbox: tuple[Outbox, Sent]):
    box, sent = outbox
    delivery = a_delivery(3, previous="TASK_FAILED", data={"湖": "\uffff\x00"})

    assert not box.send([delivery])

    assert sent() == [delivery]


def test_a_lane_gets_its_deliveries_in_the_order_they_were_sent(outbox: tuple[Outbox, Sent]):
    box, sent = outbox

    for sequence in (1, 2, 3):
        assert not box.send([a_delivery(sequence)])

    assert sent() == [a_delivery(1), a_delivery(2), a_delivery(3)]


def test_one_call_reaches_as_many_lanes_as_there_are(outbox: tuple[Outbox, Sent]):
    box, sent = outbox
    several = [a_delivery(subscription=f"sub_{number}") for number in range(25)]

    assert not box.send(several)

    assert sorted(one.lane.subscription_id for one in sent()) == sorted(
        one.lane.subscription_id for one in several
    )


def test_nothing_to_send_is_nothing_sent(outbox: tuple[Outbox, Sent]):
    box, sent = outbox

    assert not box.send([])

    assert sent() == []


def test_a_delivery_goes_into_the_group_of_its_lane_under_an_id_of_its_own(deliveries: Queue):
    SqsDeliveries(deliveries.sqs, deliveries.url).send([a_delivery(7)])

    (message,) = deliveries.receive()
    assert message["Attributes"]["MessageGroupId"] == "sub_a#39"
    assert message["Attributes"]["MessageDeduplicationId"] == fingerprint("sub_a#39#7")


def test_a_delivery_sent_again_is_one_message_even_when_the_first_has_gone(deliveries: Queue):
    outbox = SqsDeliveries(deliveries.sqs, deliveries.url)
    outbox.send([a_delivery(1)])
    outbox.send([a_delivery(1)])
    assert deliveries.messages() == [a_delivery(1)]

    assert not outbox.send([a_delivery(1)])

    assert deliveries.messages() == []


def test_batches_are_packed_by_bytes_and_not_by_characters(deliveries: Queue):
    outbox = SqsDeliveries(deliveries.sqs, deliveries.url)
    largest = "é" * (MAX_EVENT_BYTES // 2 - 200)
    several = [a_delivery(subscription=f"sub_{n}", message=largest) for n in range(10)]
    calls = deliveries.calls()

    assert not outbox.send(several)

    assert calls == ["SendMessageBatch"] * 5
    assert len(deliveries.messages()) == 10


def test_small_messages_go_ten_at_a_time(deliveries: Queue):
    calls = deliveries.calls()

    SqsDeliveries(deliveries.sqs, deliveries.url).send(
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
        failed = SqsDeliveries(deliveries.sqs, deliveries.url).send(several)

    assert failed == {"sub_0#39#1", "sub_3#39#1", "sub_11#39#1"}


def test_when_sqs_is_away_that_is_trouble_of_our_own(failing_sqs: Any):
    with pytest.raises(OwnTrouble):
        SqsDeliveries(failing_sqs, "https://queue").send([a_delivery()])


# --- the bell of the clock ---


@pytest.fixture(params=["fake", "sqs"])
def bell(request: pytest.FixtureRequest) -> tuple[Bell, Sent]:
    if request.param == "fake":
        fake = FakeBell()
        return fake, lambda: list(fake.rung)
    queue: Queue = request.getfixturevalue("deliveries")
    return SqsDeliveries(queue.sqs, queue.url), queue.messages


def test_word_comes_to_its_lane(bell: tuple[Bell, Sent]):
    ringer, rung = bell
    resumes = [Resume(Lane("sub_a", str(number)), token=number) for number in range(1, 12)]

    assert not ringer.ring(resumes)

    heard = rung()
    assert len(heard) == 11
    assert all(resume in heard for resume in resumes)


def test_word_for_one_time_comes_once_and_for_another_again(deliveries: Queue):
    bell = SqsDeliveries(deliveries.sqs, deliveries.url)

    for token in (5, 5, 6):
        bell.ring([Resume(LANE, token)])

    assert deliveries.messages() == [Resume(LANE, 5), Resume(LANE, 6)]


def test_word_never_overtakes_what_its_lane_already_has(deliveries: Queue):
    queue = SqsDeliveries(deliveries.sqs, deliveries.url)
    queue.send([a_delivery(1)])
    queue.ring([Resume(LANE, 5)])
    queue.send([a_delivery(2)])

    assert deliveries.messages() == [a_delivery(1), Resume(LANE, 5), a_delivery(2)]


def test_lanes_that_could_not_be_told_are_named(deliveries: Queue):
    resumes = [Resume(LANE, 5), Resume(Lane("sub_a", "40"), 5)]

    with refusing(deliveries.sqs, ["1"]):
        deaf = SqsDeliveries(deliveries.sqs, deliveries.url).ring(resumes)

    assert deaf == {Lane("sub_a", "40")}


# --- receipts ---


def sent_and_received(queue: Queue, *deliveries: Delivery) -> list[Parcel]:
    for delivery in deliveries:
        SqsDeliveries(queue.sqs, queue.url).send([delivery])
    return queue.parcels()


def test_what_is_acknowledged_goes_and_its_lane_goes_on(deliveries: Queue):
    several = [a_delivery(sequence) for sequence in range(1, 13)]
    parcels = sent_and_received(deliveries, *several)
    assert deliveries.receive() == []

    SqsReceipts(deliveries.sqs, deliveries.url).acknowledge(parcels)

    assert deliveries.messages() == several[10:]


def test_any_number_can_be_acknowledged_at_once(deliveries: Queue):
    ten = [a_delivery(pipeline_id=number) for number in range(10)]
    two = [a_delivery(pipeline_id=number) for number in range(10, 12)]
    parcels = sent_and_received(deliveries, *ten) + sent_and_received(deliveries, *two)

    SqsReceipts(deliveries.sqs, deliveries.url).acknowledge(parcels)

    assert len(parcels) == 12
    shown = deliveries.sqs.get_queue_attributes(QueueUrl=deliveries.url, AttributeNames=["All"])
    assert shown["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_what_is_postponed_by_nothing_comes_again_at_once_and_first(deliveries: Queue):
    first, second = sent_and_received(deliveries, a_delivery(1), a_delivery(2))
    receipts = SqsReceipts(deliveries.sqs, deliveries.url)

    receipts.postpone(second, seconds=0)
    receipts.postpone(first, seconds=0)

    assert deliveries.messages() == [a_delivery(1), a_delivery(2)]


@pytest.mark.parametrize(
    ("seconds", "timeout"), [(0, 0), (0.01, 1), (5, 5), (5.2, 6), (59.999, 60), (1e9, 43_000)]
)
def test_nothing_comes_earlier_than_it_was_postponed_to(seconds: float, timeout: int):
    client = boto3.client("sqs")
    expected = {"QueueUrl": "https://queue", "ReceiptHandle": "r", "VisibilityTimeout": timeout}

    with Stubber(client) as stubber:
        stubber.add_response("change_message_visibility", {}, expected)
        SqsReceipts(client, "https://queue").postpone(Parcel("m", "g", "b", "r"), seconds=seconds)

    stubber.assert_no_pending_responses()


def test_a_receipt_that_is_no_longer_good_is_let_be(deliveries: Queue):
    receipts = SqsReceipts(deliveries.sqs, deliveries.url)
    (gone,) = sent_and_received(deliveries, a_delivery(1))
    receipts.acknowledge([gone])
    (live,) = sent_and_received(deliveries, a_delivery(2))

    receipts.postpone(gone, seconds=5)
    receipts.acknowledge([Parcel("m", "g", "b", "no receipt"), gone, live])

    assert deliveries.drain() == []


def test_when_sqs_is_away_a_receipt_is_let_be(failing_sqs: Any):
    parcel = Parcel("m", "g", "b", "r")

    SqsReceipts(failing_sqs, "https://queue").acknowledge([parcel])
    SqsReceipts(failing_sqs, "https://queue").postpone(parcel, seconds=1)


# --- bad messages ---

Parked = Callable[[], list[tuple[str, str, str]]]

NOTICE = Notice("m1", "39", '{"text": "湖 \\uffff\t\n"}')
PARCEL = Parcel("m1", "sub_a#39", '{"text": "湖 \\uffff\t\n"}', "r")


def parked_in(queue: Queue) -> Parked:
    return lambda: [
        (one["Attributes"]["MessageGroupId"], one["Body"], attributes_of(one)["reason"])
        for one in queue.drain()
    ]


@pytest.fixture(params=["fake", "sqs"])
def siding(request: pytest.FixtureRequest) -> tuple[Siding, Parked]:
    if request.param == "fake":
        fake = FakeSiding()
        return fake, lambda: [(one.group, one.body, reason) for one, reason in fake.parked]
    queue: Queue = request.getfixturevalue("bad_events")
    return SqsSiding(queue.sqs, queue.url), parked_in(queue)


def test_a_bad_event_is_parked_whole_with_the_reason(siding: tuple[Siding, Parked]):
    door, parked = siding

    door.park(NOTICE, "event_type: missing")

    assert parked() == [("39", NOTICE.body, "event_type: missing")]


def test_a_bad_message_is_parked_whole_with_the_reason(letters: Queue):
    SqsDeadLetters(letters.sqs, letters.url).park(PARCEL, "not JSON")

    assert parked_in(letters)() == [("sub_a#39", PARCEL.body, "bad message: not JSON")]


def test_a_bad_message_that_comes_again_is_parked_once(bad_events: Queue):
    siding = SqsSiding(bad_events.sqs, bad_events.url)

    siding.park(NOTICE, "once")
    siding.park(NOTICE, "twice")
    siding.park(Notice("m2", NOTICE.group, NOTICE.body), "another")

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
        notice = Notice(fingerprint(ascii(reason)), "39", "body")
        SqsSiding(bad_events.sqs, bad_events.url).park(notice, reason)
        SqsDeadLetters(letters.sqs, letters.url).park(
            Parcel(notice.id, "sub_a#39", "body", "r"), reason
        )

    assert [reason for _, _, reason in parked_in(bad_events)()] == list(REASONS.values())
    assert [reason for _, _, reason in parked_in(letters)()] == [
        f"bad message: {reason and shown}"[:1000] for reason, shown in REASONS.items()
    ]


def test_the_largest_message_can_be_parked_whatever_the_reason(bad_events: Queue, letters: Queue):
    body, reason = "x" * LARGEST_MESSAGE, "\U0001f30a" * 5000

    SqsSiding(bad_events.sqs, bad_events.url).park(Notice("m1", "39", body), reason)
    SqsDeadLetters(letters.sqs, letters.url).park(Parcel("m1", "sub_a#39", body, "r"), reason)

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
        record = record.tried(attempt)
    return record.dead(reason)


@pytest.fixture(params=["fake", "sqs"])
def dead_letters(request: pytest.FixtureRequest) -> tuple[DeadLetters, Sent]:
    if request.param == "fake":
        fake = FakeDeadLetters()
        return fake, lambda: [record.delivery for record in fake.buried if record.delivery]
    queue: Queue = request.getfixturevalue("letters")
    return SqsDeadLetters(queue.sqs, queue.url), queue.messages


def test_a_dead_letter_is_the_delivery_as_it_was(dead_letters: tuple[DeadLetters, Sent]):
    graves, buried = dead_letters

    graves.bury(dead(FAILURE), endpoint=SHOWN)

    assert buried() == [a_delivery(3, data={"湖": "\uffff"})]


def test_a_dead_letter_says_what_an_operator_reads(letters: Queue):
    SqsDeadLetters(letters.sqs, letters.url).bury(dead(SILENCE, FAILURE), endpoint=SHOWN)

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
    SqsDeadLetters(letters.sqs, letters.url).bury(dead(FAILURE, SILENCE), endpoint=SHOWN)

    (message,) = letters.drain()
    assert attributes_of(message)["last_status"] == "timed_out"


def test_what_is_not_known_is_written_as_a_dash(letters: Queue):
    SqsDeadLetters(letters.sqs, letters.url).bury(dead(reason=""), endpoint="")

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
    graves = SqsDeadLetters(letters.sqs, letters.url)

    graves.bury(dead(FAILURE), endpoint=SHOWN)
    graves.bury(dead(FAILURE), endpoint=SHOWN)
    graves.bury(dead(FAILURE, FAILURE), endpoint=SHOWN)

    assert [attributes_of(one)["attempts"] for one in letters.drain()] == ["1", "2"]


def test_when_sqs_is_away_no_letter_is_thought_to_be_buried(failing_sqs: Any):
    with pytest.raises(OwnTrouble):
        SqsDeadLetters(failing_sqs, "https://queue").bury(dead(FAILURE), endpoint=SHOWN)
