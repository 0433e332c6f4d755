"""The journal on DynamoDB: a pipeline's counter, and each of its events with its sequence."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_item import Item, from_item, to_item
from lakehook.adapters.dynamo_read import batch_get, pages_of
from lakehook.domain.delivery import NumberedEvent
from lakehook.domain.document import text_of
from lakehook.domain.event import Event
from lakehook.domain.pipeline import Pipeline
from lakehook.ports import Accepted, Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_COUNTER = "counter"
_EVENT = "event#"


@dataclass(frozen=True)
class DynamoJournal:
    """Plays ``Journal`` for fan-out and ``Chronicle`` for the command."""

    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock
    retention_seconds: float = 30 * 24 * 3600.0

    def open(self, event: Event) -> tuple[Pipeline, NumberedEvent | None]:
        keys = [_key(event.pipeline_id, _COUNTER), _key(event.pipeline_id, _name(event))]
        found = {
            item["record"]: item
            for item in map(from_item, batch_get(self.dynamodb, self.table, keys))
        }
        counter = found.get(_COUNTER, {})
        pipeline = Pipeline(
            event.pipeline_id, counter.get("sequence", 0), counter.get("event_type")
        )
        known = found.get(_name(event))
        return pipeline, _numbered(known) if known else None

    def append(self, pipeline: Pipeline, numbered: NumberedEvent) -> None:
        now = self.clock.now()
        with own_trouble():
            self.dynamodb.transact_write_items(
                TransactItems=[
                    {"Put": self._event(numbered, now)},
                    {"Put": self._counter(pipeline, numbered, now)},
                ]
            )

    def history(self, pipeline_id: str) -> Sequence[Accepted]:
        items = pages_of(
            self.dynamodb.query,
            TableName=self.table,
            ConsistentRead=True,
            KeyConditionExpression="pipeline_id = :pipeline AND begins_with(#record, :event)",
            ExpressionAttributeNames={"#record": "record"},
            ExpressionAttributeValues=to_item({":pipeline": pipeline_id, ":event": _EVENT}),
        )
        events = [
            Accepted(_numbered(item), item["accepted_at"] / 1000) for item in map(from_item, items)
        ]
        return sorted(events, key=lambda one: one.numbered.sequence)

    def _event(self, numbered: NumberedEvent, now: float) -> Any:
        event = numbered.event
        item = {
            "pipeline_id": event.pipeline_id,
            "record": _name(event),
            "event_id": event.id,
            "event": text_of(event.document),
            "sequence": numbered.sequence,
            "previous_event_type": numbered.previous_event_type,
            "accepted_at": round(now * 1000),
            "expires_at": int(now + self.retention_seconds),
        }
        return {
            "TableName": self.table,
            "Item": to_item(item),
            "ConditionExpression": "attribute_not_exists(pipeline_id)",
        }

    def _counter(self, pipeline: Pipeline, numbered: NumberedEvent, now: float) -> Any:
        item = {
            "pipeline_id": pipeline.id,
            "record": _COUNTER,
            "sequence": numbered.sequence,
            "event_type": str(numbered.event.type),
            "changed_at": round(now * 1000),
        }
        put: Item = {
            "TableName": self.table,
            "Item": to_item(item),
            "ConditionExpression": "attribute_not_exists(pipeline_id)",
        }
        if pipeline.sequence:
            put["ConditionExpression"] = "#sequence = :sequence"
            put["ExpressionAttributeNames"] = {"#sequence": "sequence"}
            put["ExpressionAttributeValues"] = to_item({":sequence": pipeline.sequence})
        return put


def _key(pipeline_id: str, record: str) -> Item:
    return to_item({"pipeline_id": pipeline_id, "record": record})


def _name(event: Event) -> str:
    return _EVENT + event.id


def _numbered(item: Item) -> NumberedEvent:
    event = Event(item["event_id"], json.loads(item["event"]))
    return NumberedEvent(event, item["sequence"], item.get("previous_event_type"))
