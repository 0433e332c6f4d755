"""Reviving on DynamoDB: deliveries of one lane wait anew, and it is held, in one transaction.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_item import Item, to_item
from lakehook.adapters.dynamo_ledger import refuse_moved
from lakehook.adapters.ledger_items import record_item
from lakehook.adapters.ledger_writes import ABSENT, lane_change
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.ports.clock import Clock
from lakehook.ports.replay import Revived

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class DynamoRevival:
    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock

    def revive(
        self, revived: Sequence[Revived], *, before: HeldLane | None, after: HeldLane
    ) -> None:
        now = self.clock.now()
        actions: list[Any] = [{"Put": self._put(one, now)} for one in revived]
        actions.append(lane_change(self.table, after.lane, before, after))
        with own_trouble():
            try:
                self.dynamodb.transact_write_items(TransactItems=actions)
            except ClientError as error:
                refuse_moved(error)
                raise

    def _put(self, one: Revived, now: float) -> Item:
        written = replace(one.record, version=one.record.version + 1, changed_at=now)
        item = record_item(written, expires_at=None)
        return {"TableName": self.table, "Item": item, **_as_it_was(one.was)}


def _as_it_was(was: DeliveryRecord | None) -> Item:
    """A success too may be written over here: it is to be sent again."""
    if was is None:
        return ABSENT
    return {
        "ConditionExpression": "record_version = :version AND #status = :status",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": to_item({":version": was.version, ":status": str(was.status)}),
    }
