"""Contract of the two queues of a dead letter: redriving and discarding."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest

from lakehook.adapters.sqs.dead_letters import (
    SqsDeadLetterQueue,
    SqsDeadLetterRedriver,
    SqsInvalidEventQueue,
    SqsParkedEvents,
)
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.lane import MOVED_BY_SQS, DeliveryRecord
from lakehook.domain.queue_message import Resume, decode, encode
from lakehook.ports.queues import (
    DeadLetterQueue,
    DeadLetterRedriver,
    EventMessage,
    QueueMessage,
)
from lakehook.settings import StackOutputs
from tests.builders import a_delivery
from tests.contracts.conftest import drain
from tests.fakes import FakeDeadLetterQueue, FakeRandom
from tests.fakes_ops import FakeDeadLetterRedriver


@dataclass
class Queues:
    dead_letters: DeadLetterQueue
    redriver: DeadLetterRedriver
    read_letters: Callable[[], list[str]]  # on the dead-letter queue, by id
    read_redriven: Callable[[], list[str]]  # to the deliveries queue, by id


@pytest.fixture(params=["fake", "sqs"])
def queues(request: pytest.FixtureRequest) -> Queues:
    if request.param == "sqs":
        return on_sqs(request.getfixturevalue("deployment"))
    letters, redriver = FakeDeadLetterQueue(), FakeDeadLetterRedriver()
    return Queues(letters, redriver, lambda: ids(letters.records), lambda: ids(redriver.sent))


def on_sqs(deployment: StackOutputs) -> Queues:
    sqs, url = boto3.client("sqs"), deployment.dead_letter_queue_url
    return Queues(
        SqsDeadLetterQueue(sqs, url),
        SqsDeadLetterRedriver(sqs, deployment.deliveries_queue_url, FakeRandom()),
        lambda: [decode(message["Body"]).id for message in drain(url)],  # type: ignore[union-attr]
        lambda: [
            decode(message["Body"]).id  # type: ignore[union-attr]
            for message in drain(deployment.deliveries_queue_url)
        ],
    )


def ids(records: list[DeliveryRecord]) -> list[str]:
    return [f"{record.lane}#{record.sequence}" for record in records]


def a_letter(sequence: int = 1, pipeline: int = 39) -> DeliveryRecord:
    return DeliveryRecord.waiting(a_delivery(sequence, pipeline_id=pipeline)).dead("timed_out")


# --- copies ---


def test_the_copy_of_a_letter_goes_and_others_stay_to_be_seen_at_once(queues: Queues):
    for pipeline in (39, 40):
        for sequence in (1, 2, 3):
            queues.dead_letters.send(a_letter(sequence, pipeline), endpoint="")
    # Sent again, since it could not be recorded.
    queues.dead_letters.send(replace(a_letter(2), version=1), endpoint="")

    assert queues.dead_letters.delete_copies([a_letter(2), a_letter(1, 40)]) == 2

    letters = queues.read_letters()
    assert [letter for letter in letters if "#39#" in letter] == ["sub_a#39#1", "sub_a#39#3"]
    assert [letter for letter in letters if "#40#" in letter] == ["sub_a#40#2", "sub_a#40#3"]


def test_a_letter_that_the_queue_has_lost_is_no_error(queues: Queues):
    queues.dead_letters.send(a_letter(1), endpoint="")

    assert queues.dead_letters.delete_copies([a_letter(2)]) == 0
    assert queues.dead_letters.delete_copies([]) == 0

    assert queues.read_letters() == ["sub_a#39#1"]


def test_a_letter_is_found_behind_many_of_other_lanes(queues: Queues):
    for pipeline in range(35):
        queues.dead_letters.send(a_letter(1, pipeline), endpoint="")

    assert queues.dead_letters.delete_copies([a_letter(1, 34)]) == 1

    assert len(queues.read_letters()) == 34


def test_an_invalid_message_among_the_letters_stays(deployment: StackOutputs):
    queues = on_sqs(deployment)
    queues.dead_letters.quarantine(
        QueueMessage(id="m", group="g", body="nonsense", receipt="r"), "bad"
    )
    queues.dead_letters.send(a_letter(), endpoint="")

    assert queues.dead_letters.delete_copies([a_letter()]) == 1

    (message,) = drain(deployment.dead_letter_queue_url)
    assert message["Body"] == "nonsense"


def test_a_message_moved_without_a_reason_is_found_and_deleted(deployment: StackOutputs):
    queues, sqs = on_sqs(deployment), boto3.client("sqs")
    resume = Resume(a_delivery(1).lane, 1)
    queues.dead_letters.send(a_letter(1), endpoint="")
    for number, body in enumerate((encode(a_delivery(2)), encode(resume), "nonsense")):
        sqs.send_message(
            QueueUrl=deployment.dead_letter_queue_url,
            MessageBody=body,
            MessageGroupId="sub_a#39",
            MessageDeduplicationId=str(number),
        )
    reader: Any = queues.dead_letters

    assert reader.without_reason() == [a_delivery(2), resume, None]

    moved = DeliveryRecord.waiting(a_delivery(2)).dead(MOVED_BY_SQS)
    assert queues.dead_letters.delete_copies([moved]) == 1
    assert reader.without_reason() == [resume, None]


# --- redriver ---


def test_a_letter_may_come_back_again_and_again(queues: Queues):
    for _ in range(2):
        queues.redriver.send(a_letter(), endpoint="")

    assert queues.read_redriven() == ["sub_a#39#1"] * 2


def test_a_letter_comes_back_in_its_lane_with_what_an_operator_reads(deployment: StackOutputs):
    letter = replace(a_letter(3), attempts=9)

    on_sqs(deployment).redriver.send(letter, endpoint="https://ci.example/")

    (message,) = drain(deployment.deliveries_queue_url)
    attributes = {
        name: value["StringValue"] for name, value in message["MessageAttributes"].items()
    }
    assert message["Attributes"]["MessageGroupId"] == "sub_a#39"
    assert attributes == {
        "reason": "timed_out",
        "subscription": "sub_a",
        "endpoint": "https://ci.example/",
        "event_type": "PIPELINE_CREATED",
        "pipeline_id": "39",
        "sequence": "3",
        "attempts": "9",
        "last_status": "-",
        "last_attempt_at": "-",
    }
    assert decode(message["Body"]) == letter.delivery


class Keeping:
    """SQS that deletes nothing, and says so in a 200 response."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sqs, name)

    def delete_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:  # noqa: N803
        failed = [
            {"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in Entries
        ]
        return {"Successful": [], "Failed": failed, "Queue": QueueUrl}


def test_a_parked_event_is_seen_by_all_who_look_until_it_is_deleted(deployment: StackOutputs):
    sqs, url = boto3.client("sqs"), deployment.events_dead_letter_queue_url
    parked = SqsParkedEvents(sqs, url)
    for number in ("1", "2"):
        message = EventMessage(id=number, group="39", body=f"not JSON {number}")
        SqsInvalidEventQueue(sqs, url).quarantine(message, f"not JSON: line {number}")

    first, second = parked.list()

    assert (first.pipeline_key, first.body, first.reason) == (
        "39",
        "not JSON 1",
        "not JSON: line 1",
    )
    assert parked.list() == [first, second]
    with pytest.raises(InfrastructureError, match=first.id):
        SqsParkedEvents(Keeping(sqs), url).delete([first.id])  # type: ignore[arg-type]
    assert (parked.count(), parked.delete([first.id]), parked.delete([first.id])) == (2, 1, 0)
    assert parked.list() == [second]
