"""Contents of the queues, the ledger and the log of an installation."""

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lakehook.adapters.dynamodb.ledger_items import LANE, record_from_item
from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus
from lakehook.settings import DeliveriesTable
from local.installation import LocalLakehook
from tests.integration.eventually import PATIENCE

COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


class Evidence:
    def __init__(self, lakehook: LocalLakehook, log: Path) -> None:
        self._deployment = lakehook.deployment
        self._log = log
        self._letters: defaultdict[str, list[Any]] = defaultdict(list)
        self._sqs, self._dynamodb = lakehook.client("sqs"), lakehook.client("dynamodb")

    def nothing_is_under_way(self) -> bool:
        """Asked twice: each count has its own moment, and a message may slip between them."""
        urls = (self._deployment.events_queue_url, self._deployment.deliveries_queue_url)
        return all(self._messages_in(url) == 0 for url in urls * 2)

    def records(self, lane: Lane) -> list[DeliveryRecord]:
        items = self._dynamodb.query(
            TableName=self._deployment.deliveries_table,
            ConsistentRead=True,
            KeyConditionExpression="#lane = :lane",
            ExpressionAttributeNames={"#lane": DeliveriesTable.PARTITION_KEY},
            ExpressionAttributeValues={":lane": {"S": str(lane)}},
        )["Items"]
        return [
            record_from_item(item) for item in items if item[DeliveriesTable.SORT_KEY]["S"] != LANE
        ]

    def statuses(self, lane: Lane) -> list[DeliveryStatus]:
        return [record.status for record in self.records(lane)]

    def letter(self, lane: Lane) -> Any:
        """The next dead letter of a lane, taken off its queue."""
        return self._next(self._deployment.dead_letter_queue_url, str(lane))

    def parked(self, pipeline_id: str) -> Any:
        """The next bad message of a pipeline, taken off its queue."""
        return self._next(self._deployment.events_dead_letter_queue_url, pipeline_id)

    @property
    def logged(self) -> bytes:
        """Return the whole log of the functions."""
        return self._log.read_bytes()

    @property
    def stored(self) -> bytes:
        """All that the three tables hold, as it is."""
        deployment = self._deployment
        tables = (
            deployment.subscriptions_table,
            deployment.pipelines_table,
            deployment.deliveries_table,
        )
        items = [item for table in tables for item in self._dynamodb.scan(TableName=table)["Items"]]
        return b"\n".join(_leaves(items))

    @property
    def queued(self) -> bytes:
        """Return all that could be received from the four queues now; it stays there."""
        deployment = self._deployment
        urls = (
            deployment.events_queue_url,
            deployment.deliveries_queue_url,
            deployment.dead_letter_queue_url,
            deployment.events_dead_letter_queue_url,
        )
        return b"\n".join(_leaves([self._peek(url) for url in urls]))

    def _peek(self, queue_url: str) -> list[Any]:
        peeked: list[Any] = []
        while messages := self._sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=0,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages"):
            peeked += messages
        for message in peeked:
            self._sqs.change_message_visibility(
                QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return peeked

    def _next(self, queue_url: str, group: str) -> Any:
        """Return the next letter of a group; those of other groups are kept for later calls."""
        deadline = time.monotonic() + PATIENCE
        while not self._letters[group]:
            assert time.monotonic() < deadline, f"no letter of {group}"
            self._take(queue_url)
        return self._letters[group].pop(0)

    def _take(self, queue_url: str) -> None:
        for letter in self._sqs.receive_message(
            QueueUrl=queue_url,
            WaitTimeSeconds=10,
            MessageSystemAttributeNames=["MessageGroupId"],
            MessageAttributeNames=["All"],
        ).get("Messages", []):
            self._sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=letter["ReceiptHandle"])
            self._letters[letter["Attributes"]["MessageGroupId"]].append(letter)

    def _messages_in(self, queue_url: str) -> int:
        attributes = self._sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=COUNTS)[
            "Attributes"
        ]
        return sum(int(attributes[name]) for name in COUNTS)


def _leaves(value: Any) -> Iterator[bytes]:
    match value:
        case dict():
            for name, element in value.items():
                yield str(name).encode()
                yield from _leaves(element)
        case list():
            for element in value:
                yield from _leaves(element)
        case bytes():
            yield value
        case _:
            yield str(value).encode()


def attributes_of(letter: Any) -> dict[str, str]:
    return {
        name: value["StringValue"] for name, value in letter.get("MessageAttributes", {}).items()
    }
