"""Other implementations of SQS against recorded answers of SQS: see tests/outside/sqs.

The more of it one gets right, the more its verdict on the contracts is worth.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.outside import OUTSIDE

History = dict[str, Any]

MAX_WAIT = 10
"""Recordings that wait longer for one step are replayed by the model alone."""
STRETCHED = 2
"""Times the recorded seconds, since a busy machine takes some for a request."""

HISTORIES: list[History] = [
    history
    for history in json.loads((OUTSIDE / "sqs" / "fifo.json").read_text(encoding="utf-8"))
    if all(words[0] <= MAX_WAIT for step, *words in history["steps"] if step == "wait")
]


class SqsReplay:
    """Queue of a recorded history in an SQS, and the receipts that it gave."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._sqs: Any = boto3.client("sqs")
        self._handles: dict[str, str] = {}
        attributes = {
            "VisibilityTimeout": settings.get("visibility_timeout", 30) * STRETCHED,
            "DelaySeconds": settings.get("delay", 0) * STRETCHED,
        }
        if settings.get("deduplication_per_group"):
            attributes |= {
                "DeduplicationScope": "messageGroup",
                "FifoThroughputLimit": "perMessageGroupId",
            }
        if limit := settings.get("max_receive_count"):
            self._letters = self._create("letters", {})
            (arn,) = self._attributes(self._letters, "QueueArn")
            policy = {"deadLetterTargetArn": arn, "maxReceiveCount": limit}
            attributes["RedrivePolicy"] = json.dumps(policy)
        self._queue = self._create("queue", attributes)

    def _create(self, name: str, attributes: Mapping[str, Any]) -> str:
        texts = {key: str(value) for key, value in attributes.items()}
        created = self._sqs.create_queue(
            QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true", **texts}
        )
        return str(created["QueueUrl"])

    def _attributes(self, queue: str, *names: str) -> list[str]:
        attributes = self._sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)[
            "Attributes"
        ]
        return [attributes[name] for name in names]

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.send_as(body, body)

    def send_as(self, deduplication_id: str, body: str) -> None:
        self._sqs.send_message(
            QueueUrl=self._queue,
            MessageBody=body,
            MessageGroupId=body[0],
            MessageDeduplicationId=deduplication_id,
        )

    def receive(
        self, limit: int, expected: list[str], options: dict[str, int] | None = None
    ) -> None:
        timeout = {"VisibilityTimeout": options["visibility"]} if options else {}
        assert self._received(self._queue, MaxNumberOfMessages=limit, **timeout) == expected

    def _received(self, queue: str, **options: int) -> list[str]:
        messages = self._sqs.receive_message(QueueUrl=queue, **options).get("Messages", [])
        self._handles |= {message["Body"]: message["ReceiptHandle"] for message in messages}
        return [message["Body"] for message in messages]

    def delete(self, body: str, refusal: dict[str, str] | None = None) -> None:
        handle = {"QueueUrl": self._queue, "ReceiptHandle": self._handles[body]}
        if refusal is None:
            self._sqs.delete_message(**handle)
            return
        with pytest.raises(ClientError) as refused:
            self._sqs.delete_message(**handle)
        assert refused.value.response["Error"]["Code"] == refusal["refused"]

    def change(self, body: str, seconds: int) -> None:
        self._sqs.change_message_visibility(
            QueueUrl=self._queue,
            ReceiptHandle=self._handles[body],
            VisibilityTimeout=seconds * STRETCHED,
        )

    def wait(self, seconds: float) -> None:
        time.sleep(seconds * STRETCHED)  # the other process has no clock of ours

    def purge(self) -> None:
        self._sqs.purge_queue(QueueUrl=self._queue)

    def dead_letters(self, expected: list[str]) -> None:
        options = {"MaxNumberOfMessages": 10, "WaitTimeSeconds": 2}
        assert self._received(self._letters, **options) == expected


@pytest.fixture(autouse=True)
def _store(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--store", default=None):
        pytest.skip("`make witness` starts other implementations of SQS, and runs this")


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history["name"])
def test_an_sqs_answers_as_recorded(history: History):
    replay = SqsReplay(history["queue"])

    for step, *words in history["steps"]:
        getattr(replay, step)(*words)
