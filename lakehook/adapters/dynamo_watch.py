"""Pipelines that have not ended, on DynamoDB: by a sparse index over the journal's counters.

The index holds whole counters, so that a look at it is all that the clock reads. It may lag behind
the table: a lease is asked of the table itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_conflict import is_lost_race
from lakehook.adapters.dynamo_item import from_item, to_item
from lakehook.adapters.dynamo_read import pages_of
from lakehook.adapters.journal_items import COUNTER, pipeline_of, unended_name
from lakehook.domain.lifecycle import Stage
from lakehook.domain.pipeline import Pipeline
from lakehook.ports.clock import Clock
from lakehook.settings import PipelinesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_NAMES = {"#unended": Table.UNENDED, "#entered_at": Table.ENTERED_AT}
_STILL = "#unended = :unended AND #entered_at = :entered_at"
_FREE = "(attribute_not_exists(leased_until) OR leased_until <= :now)"


@dataclass(frozen=True)
class DynamoWatch:
    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock

    def unended(
        self, stage: Stage, *, until: float, since: float | None = None, stalled: bool = False
    ) -> Iterator[Pipeline]:
        first, last = 0 if since is None else _ms(since), _ms(until)
        if first > last:  # DynamoDB refuses to look between them
            return iter(())
        unended = unended_name(stage, stalled=stalled)
        values = {":unended": unended, ":since": first, ":until": last}
        items = pages_of(
            self.dynamodb.query,
            TableName=self.table,
            IndexName=Table.UNENDED_INDEX,
            KeyConditionExpression="#unended = :unended AND #entered_at BETWEEN :since AND :until",
            ExpressionAttributeNames=_NAMES,
            ExpressionAttributeValues=to_item(values),
        )
        return map(pipeline_of, map(from_item, items))

    def lease(self, pipeline: Pipeline, *, until: float) -> bool:
        assert pipeline.entered_at is not None, f"pipeline {pipeline.key} is in no state"
        round_ = pipeline.round
        values = {
            ":unended": unended_name(round_.stage, stalled=round_.stalled),
            ":entered_at": _ms(pipeline.entered_at),
            ":now": _ms(self.clock.now()),
            ":until": _ms(until),
        }
        with own_trouble():
            try:
                self.dynamodb.update_item(
                    TableName=self.table,
                    Key=to_item({Table.PARTITION_KEY: pipeline.key, Table.SORT_KEY: COUNTER}),
                    UpdateExpression="SET leased_until = :until",
                    ConditionExpression=f"{_STILL} AND {_FREE}",
                    ExpressionAttributeNames=_NAMES,
                    ExpressionAttributeValues=to_item(values),
                )
            except ClientError as error:
                if not is_lost_race(error):
                    raise
                return False
        return True


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
