"""Replays on DynamoDB, in the ledger's table: those that are open are found without a scan."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_conflict import is_lost_race
from lakehook.adapters.dynamo_item import Item, to_item
from lakehook.adapters.dynamo_read import pages_of
from lakehook.adapters.ledger_writes import ABSENT
from lakehook.adapters.replay_items import ENDED, OPEN, open_key, replay_item, replay_of
from lakehook.domain.errors import ChangedMeanwhile
from lakehook.domain.replay import Replay
from lakehook.ports.clock import Clock
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class DynamoReplays:
    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock
    retention_seconds: float = 60 * 24 * 3600.0  # of what has ended

    def open(self) -> Sequence[Replay]:
        return self._in(OPEN)

    def ended(self) -> Sequence[Replay]:
        return self._in(ENDED)

    def save(self, replay: Replay) -> Replay:
        """As whoever reads it finds it: its times are kept to the millisecond."""
        saved = replace(replay, version=replay.version + 1)
        with own_trouble():
            try:
                self.dynamodb.transact_write_items(TransactItems=self._actions(replay, saved))
            except ClientError as error:
                if not is_lost_race(error):
                    raise
                raise ChangedMeanwhile(f"{replay.id} has been changed meanwhile") from None
        return replay_of(replay_item(saved, expires_at=None))

    def _actions(self, replay: Replay, saved: Replay) -> Any:
        as_read = _as_read(replay)
        if saved.is_open:
            item = replay_item(saved, expires_at=None)
            return [{"Put": {"TableName": self.table, "Item": item, **as_read}}]
        expires_at = int(self.clock.now() + self.retention_seconds)
        item = replay_item(saved, expires_at=expires_at)
        return [
            {"Delete": {"TableName": self.table, "Key": open_key(replay), **as_read}},
            {"Put": {"TableName": self.table, "Item": item}},
        ]

    def _in(self, partition: str) -> list[Replay]:
        items = pages_of(
            self.dynamodb.query,
            TableName=self.table,
            ConsistentRead=True,
            KeyConditionExpression="#partition = :partition",
            ExpressionAttributeNames={"#partition": Table.PARTITION_KEY},
            ExpressionAttributeValues=to_item({":partition": partition}),
        )
        return [replay_of(item) for item in items]


def _as_read(replay: Replay) -> Item:
    if replay.version == 0:
        return ABSENT
    return {
        "ConditionExpression": "id = :id AND replay_version = :version",
        "ExpressionAttributeValues": to_item({":id": replay.id, ":version": replay.version}),
    }
