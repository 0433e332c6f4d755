"""Summary of what is held, by the index of held lanes and dead letters of a subscription.

One COUNT for each subscription: a lane's record has the sort key ``lane``, so what the filter keeps
are lanes, and what it leaves out are dead letters. A page of the index is 1 MB, some 8,000 entries;
a subscription that holds more is shown with the count of one page, and that there are more.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import Item, batch_get_all, to_item
from lakehook.adapters.dynamodb.ledger_indexes import HELD
from lakehook.adapters.dynamodb.ledger_items import (
    LANE,
    is_lane,
    lane_from_item,
    record_from_item,
    record_key,
)
from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.ports.stores import HeldSummary
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CALLS_AT_A_TIME = 16  # the client keeps 20 connections
RECORDS_AT_A_TIME = 50  # one has up to 128 KiB, and one read answers 16 MB at most


@dataclass(frozen=True)
class HeldIndex:
    dynamodb: "DynamoDBClient"
    table: str

    def summarize(self, subscription_ids: Sequence[str]) -> Mapping[str, HeldSummary]:
        with ThreadPoolExecutor(CALLS_AT_A_TIME) as pool:
            counts = pool.map(self._count, subscription_ids)
            counted = dict(zip(subscription_ids, counts, strict=True))
            holding = {name: one for name, one in counted.items() if one.lanes or one.dead}
            oldest = dict(zip(holding, pool.map(self._oldest, holding), strict=True))
        lanes, records = self._read([entry for entry in oldest.values() if entry])
        return {
            name: _with_oldest(summary, oldest[name], lanes, records)
            for name, summary in holding.items()
        }

    def _count(self, subscription_id: str) -> HeldSummary:
        answer = self._query(
            subscription_id,
            Select="COUNT",
            FilterExpression="#record = :lane",
            names={"#record": Table.SORT_KEY},
            values={":lane": LANE},
        )
        lanes = answer["Count"]
        return HeldSummary(
            lanes=lanes,
            dead=answer["ScannedCount"] - lanes,
            is_truncated="LastEvaluatedKey" in answer,
        )

    def _oldest(self, subscription_id: str) -> Item | None:
        entries = self._query(subscription_id, Limit=1)["Items"]
        return entries[0] if entries else None

    def _query(
        self,
        subscription_id: str,
        *,
        names: Mapping[str, str] | None = None,
        values: Mapping[str, str] | None = None,
        **request: Any,
    ) -> Any:
        with translate_aws_errors():
            return self.dynamodb.query(
                TableName=self.table,
                IndexName=HELD.name,
                KeyConditionExpression="#subscription = :subscription",
                ExpressionAttributeNames={"#subscription": HELD.partition_key, **(names or {})},
                ExpressionAttributeValues=to_item(
                    {":subscription": subscription_id, **(values or {})}
                ),
                **request,
            )

    def _read(
        self, entries: Sequence[Item]
    ) -> tuple[dict[Lane, HeldLane], dict[tuple[Lane, int], DeliveryRecord]]:
        """The lanes that are the oldest, their heads, and the dead letters that are."""
        keys = [
            {name: entry[name] for name in (Table.PARTITION_KEY, Table.SORT_KEY)}
            for entry in entries
        ]
        items = list(batch_get_all(self.dynamodb, self.table, keys, at_a_time=RECORDS_AT_A_TIME))
        held = [lane_from_item(item) for item in items if is_lane(item)]
        heads = batch_get_all(
            self.dynamodb,
            self.table,
            [record_key(lane.lane, lane.head) for lane in held],
            at_a_time=RECORDS_AT_A_TIME,
        )
        deliveries = [item for item in items if not is_lane(item)]
        records = [record_from_item(item) for item in (*deliveries, *heads)]
        return {lane.lane: lane for lane in held}, {
            (record.lane, record.sequence): record for record in records
        }


def _with_oldest(
    summary: HeldSummary,
    entry: Item | None,
    lanes: Mapping[Lane, HeldLane],
    records: Mapping[tuple[Lane, int], DeliveryRecord],
) -> HeldSummary:
    """Add the oldest lane, unless the table no longer has it."""
    if entry is None:
        return summary
    since = int(entry[Table.HELD_SINCE]["N"]) / 1000
    lane = Lane.parse(entry[Table.PARTITION_KEY]["S"])
    if not is_lane(entry):
        head = records.get((lane, int(entry[Table.SORT_KEY]["S"])))
        return replace(summary, since=since, head=head)
    held = lanes.get(lane)
    head = records.get((lane, held.head)) if held else None
    return replace(summary, since=since, lane=held, head=head)
