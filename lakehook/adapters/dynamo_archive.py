"""The ledger on DynamoDB as people read it: by delivery, by lane, by subscription."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_item import to_item
from lakehook.adapters.dynamo_read import answers_of, pages_of
from lakehook.adapters.ledger_items import (
    FIRST_RECORD,
    LAST_RECORD,
    record_key,
    record_name,
    record_of,
)
from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, HeldLane, Status
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EVERY_LANE = "sub_"  # as every subscription's id begins
_IN_LANE = "#lane = :lane AND #record BETWEEN :first AND :last"
_NAMES = {"#lane": Table.PARTITION_KEY, "#record": Table.SORT_KEY}


@dataclass(frozen=True)
class DynamoArchive:
    dynamodb: "DynamoDBClient"
    table: str

    def find(self, lane: Lane, sequence: int) -> DeliveryRecord | None:
        with own_trouble():
            answer = self.dynamodb.get_item(
                TableName=self.table, Key=record_key(lane, sequence), ConsistentRead=True
            )
        return record_of(answer["Item"]) if "Item" in answer else None

    def of_lane(self, lane: Lane) -> Iterator[DeliveryRecord]:
        items = pages_of(
            self.dynamodb.query,
            TableName=self.table,
            ConsistentRead=True,
            ScanIndexForward=False,
            KeyConditionExpression=_IN_LANE,
            ExpressionAttributeNames=_NAMES,
            ExpressionAttributeValues=to_item(
                {":lane": str(lane), ":first": FIRST_RECORD, ":last": LAST_RECORD}
            ),
        )
        return map(record_of, items)

    def of_subscription(
        self, subscription_id: str | None, *, seen: Callable[[int], None]
    ) -> Iterator[DeliveryRecord]:
        answers = answers_of(
            self.dynamodb.scan,
            TableName=self.table,
            FilterExpression="begins_with(#lane, :lanes) AND #record BETWEEN :first AND :last",
            ExpressionAttributeNames=_NAMES,
            ExpressionAttributeValues=to_item(
                {
                    ":lanes": str(Lane(subscription_id, "")) if subscription_id else EVERY_LANE,
                    ":first": FIRST_RECORD,
                    ":last": LAST_RECORD,
                }
            ),
        )
        for answer in answers:
            seen(answer["ScannedCount"])
            yield from map(record_of, answer["Items"])

    def behind(self, held: HeldLane) -> int:
        answers = answers_of(
            self.dynamodb.query,
            TableName=self.table,
            Select="COUNT",
            ConsistentRead=True,
            KeyConditionExpression=_IN_LANE,
            FilterExpression="#status = :waiting",
            ExpressionAttributeNames={**_NAMES, "#status": "status"},
            ExpressionAttributeValues=to_item(
                {
                    ":lane": str(held.lane),
                    ":first": record_name(held.head + 1),
                    ":last": LAST_RECORD,
                    ":waiting": str(Status.WAITING),
                }
            ),
        )
        return sum(answer["Count"] for answer in answers)
