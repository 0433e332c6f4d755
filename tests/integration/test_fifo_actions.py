"""Actions of boto3 on a FIFO queue of the laptop's cloud."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.sqs.models import sqs_backends

from local.sqs import install, uninstall


@pytest.fixture
def sqs() -> Iterator[Any]:
    install()
    with mock_aws():
        yield boto3.client("sqs")
    uninstall()


def make(sqs: Any, name: str, **attributes: str) -> tuple[str, str]:
    all_attributes = {"FifoQueue": "true", **attributes}
    url = sqs.create_queue(QueueName=name, Attributes=all_attributes)["QueueUrl"]
    response = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, response["Attributes"]["QueueArn"]


def with_dead_letters(sqs: Any, *bodies: str) -> tuple[str, str]:
    """Make a dead-letter queue with these messages, and return its URL and ARN."""
    dead, arn = make(sqs, "dead.fifo")
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    live, _ = make(sqs, "live.fifo", RedrivePolicy=policy, VisibilityTimeout="0")
    for body in bodies:
        send(sqs, live, body)
    for _ in range(2):
        receive(sqs, live)
    return dead, arn


def send(sqs: Any, url: str, body: str) -> None:
    sqs.send_message(
        QueueUrl=url, MessageBody=body, MessageGroupId=body[0], MessageDeduplicationId=body
    )


def receive(sqs: Any, url: str, **options: Any) -> list[Any]:
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **options)
    return answer.get("Messages", [])


def bodies(messages: list[Any]) -> list[str]:
    return [message["Body"] for message in messages]


def test_a_move_task_is_listed_and_cancelled(sqs: Any) -> None:
    dead, arn = with_dead_letters(sqs, "a0", "a1")

    handle = sqs.start_message_move_task(SourceArn=arn, MaxNumberOfMessagesPerSecond=1)
    (running,) = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
    cancelled = sqs.cancel_message_move_task(TaskHandle=handle["TaskHandle"])
    (ended,) = sqs.list_message_move_tasks(SourceArn=arn)["Results"]

    assert running["TaskHandle"] == handle["TaskHandle"]
    assert (running["Status"], running["ApproximateNumberOfMessagesToMove"]) == ("RUNNING", 2)
    assert cancelled["ApproximateNumberOfMessagesMoved"] == 0
    assert ended["Status"] == "CANCELLED"
    assert "TaskHandle" not in ended
    assert bodies(receive(sqs, dead)) == ["a0", "a1"]


def test_only_a_dead_letter_queue_can_be_moved(sqs: Any) -> None:
    _, arn = make(sqs, "plain.fifo")

    with pytest.raises(ClientError, match="Dead Letter Queue"):
        sqs.start_message_move_task(SourceArn=arn)
    with pytest.raises(sqs.exceptions.ResourceNotFoundException):
        sqs.start_message_move_task(SourceArn=f"{arn}x")
    with pytest.raises(sqs.exceptions.ResourceNotFoundException):
        sqs.cancel_message_move_task(TaskHandle="none")


def test_each_entry_of_a_batch_fails_alone(sqs: Any) -> None:
    url, _ = make(sqs, "q.fifo")
    entry = {"MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"}

    send_result = sqs.send_message_batch(
        QueueUrl=url,
        Entries=[{"Id": "good", **entry}, {"Id": "bad", **entry, "MessageGroupId": "g g"}],
    )
    (message,) = receive(sqs, url)
    delete_result = sqs.delete_message_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "good", "ReceiptHandle": message["ReceiptHandle"]},
            {"Id": "bad", "ReceiptHandle": "bogus"},
        ],
    )

    assert ids(send_result) == ids(delete_result) == (["good"], ["bad"])
    assert send_result["Failed"][0]["Code"] == "InvalidParameterValue"
    assert delete_result["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("MessageGroupId", "The request must contain the parameter MessageGroupId."),
        ("MessageDeduplicationId", "The queue should either have ContentBasedDeduplication"),
    ],
)
def test_a_batch_with_an_entry_without_an_id_is_refused_as_a_whole(
    sqs: Any, missing: str, message: str
) -> None:
    """Recorded on AWS on 2024-04-30, see tests/outside/sqs: ``test_send_batch_missing_…``."""
    url, _ = make(sqs, "q.fifo")
    ids = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    bad = {name: value for name, value in ids.items() if name != missing}

    with pytest.raises(ClientError, match=message) as refused:
        sqs.send_message_batch(
            QueueUrl=url,
            Entries=[
                {"Id": "good", "MessageBody": "x", **ids},
                {"Id": "bad", "MessageBody": "y", **bad},
            ],
        )

    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert receive(sqs, url) == []


def test_a_batch_with_the_same_entry_id_twice_is_refused(sqs: Any) -> None:
    url, _ = make(sqs, "q.fifo")
    entry = {"Id": "1", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"}

    with pytest.raises(sqs.exceptions.BatchEntryIdsNotDistinct):
        sqs.send_message_batch(QueueUrl=url, Entries=[entry, entry])

    assert receive(sqs, url) == []


def ids(answer: Any) -> tuple[list[str], list[str]]:
    return (
        [entry["Id"] for entry in answer["Successful"]],
        [entry["Id"] for entry in answer["Failed"]],
    )


def test_per_group_throughput_needs_deduplication_per_group(sqs: Any) -> None:
    url, _ = make(sqs, "q.fifo")

    with pytest.raises(ClientError, match="DeduplicationScope"):
        sqs.set_queue_attributes(
            QueueUrl=url, Attributes={"FifoThroughputLimit": "perMessageGroupId"}
        )


def test_only_the_attributes_asked_for_are_returned(sqs: Any) -> None:
    url, _ = make(sqs, "q.fifo", VisibilityTimeout="0", ContentBasedDeduplication="true")
    attribute = {"DataType": "String", "StringValue": "v"}
    sqs.send_message(
        QueueUrl=url,
        MessageBody="x",
        MessageGroupId="g",
        MessageAttributes={"some.k": attribute, "other": attribute},
    )

    (bare,) = receive(sqs, url)
    (selected,) = receive(
        sqs, url, MessageSystemAttributeNames=["MessageGroupId"], MessageAttributeNames=["some.*"]
    )

    assert set(bare) == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}
    assert selected["Attributes"] == {"MessageGroupId": "g"}
    assert selected["MessageAttributes"] == {"some.k": attribute}


def test_creating_a_queue_again_gives_the_same_queue_with_its_messages(sqs: Any) -> None:
    url, _ = make(sqs, "q.fifo")
    send(sqs, url, "a0")

    url_again, _ = make(sqs, "q.fifo")

    assert url_again == url
    assert bodies(receive(sqs, url_again)) == ["a0"]


def test_a_standard_queue_stays_motos(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="standard")["QueueUrl"]

    sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=0)
    (held,) = receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=held["ReceiptHandle"])

    assert receive(sqs, url) == []


def test_uninstalling_gives_sqs_back_to_moto() -> None:
    install()
    modelled = sqs_backends.backend

    uninstall()

    assert modelled.__module__ == "local.sqs.backend"
    assert sqs_backends.backend.__module__ == "moto.sqs.models"
