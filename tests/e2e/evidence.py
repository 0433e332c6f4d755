"""What the queues and the ledger of an installation hold."""

from collections import defaultdict
from typing import Any

from lakehook.adapters.ledger_items import LANE, record_of
from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, Status
from lakehook.settings import DeliveriesTable
from local.installation import LocalLakehook

COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


class Evidence:
    def __init__(self, lakehook: LocalLakehook) -> None:
        self._deployment = lakehook.deployment
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
        return [record_of(one) for one in items if one[DeliveriesTable.SORT_KEY]["S"] != LANE]

    def statuses(self, lane: Lane) -> list[Status]:
        return [record.status for record in self.records(lane)]

    def letter(self, lane: Lane) -> Any:
        """The next dead letter of a lane, taken off its queue."""
        return self._next(self._deployment.dead_letter_queue_url, str(lane))

    def parked(self, pipeline_id: str) -> Any:
        """The next bad message of a pipeline, taken off its queue."""
        return self._next(self._deployment.events_dead_letter_queue_url, pipeline_id)

    def _next(self, queue_url: str, group: str) -> Any:
        """What is met of other groups on the way is kept for those who ask for it."""
        while not self._letters[group]:
            (letter,) = self._sqs.receive_message(
                QueueUrl=queue_url,
                WaitTimeSeconds=10,
                MessageSystemAttributeNames=["MessageGroupId"],
                MessageAttributeNames=["All"],
            )["Messages"]
            self._sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=letter["ReceiptHandle"])
            self._letters[letter["Attributes"]["MessageGroupId"]].append(letter)
        return self._letters[group].pop(0)

    def _messages_in(self, queue_url: str) -> int:
        attributes = self._sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=COUNTS)[
            "Attributes"
        ]
        return sum(int(attributes[name]) for name in COUNTS)


def attributes_of(letter: Any) -> dict[str, str]:
    return {
        name: value["StringValue"] for name, value in letter.get("MessageAttributes", {}).items()
    }
