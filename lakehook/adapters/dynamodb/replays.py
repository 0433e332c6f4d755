"""Replays in the ledger's table: their items, and the queries that find them without a scan.

==================  ==================================================================
``replays#open``    keyed by subscription: one at a time, and the scheduler finds all
``replays#ended``   keyed by id, for 60 days
==================  ==================================================================
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lakehook.adapters.dynamodb.items import (
    Item,
    from_item,
    is_written,
    optional_milliseconds,
    optional_seconds,
    read_pages,
    to_item,
    to_milliseconds,
)
from lakehook.adapters.dynamodb.ledger import ABSENT
from lakehook.domain.errors import Conflict
from lakehook.domain.event import EventType
from lakehook.domain.rate_limit import Rate
from lakehook.domain.replay import DeliveryFilter, Replay, ReplayCriteria, ReplayState
from lakehook.ports.system import Clock
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FORM = 1
OPEN, ENDED = "replays#open", "replays#ended"


@dataclass(frozen=True)
class DynamoReplays:
    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock
    retention_seconds: float = 60 * 24 * 3600.0  # of finished replays

    def list_open(self) -> Sequence[Replay]:
        return self._in(OPEN)

    def list_finished(self) -> Sequence[Replay]:
        return self._in(ENDED)

    def save(self, replay: Replay) -> Replay:
        """Save, and return the replay with its times rounded to the stored millisecond."""
        saved = replace(replay, version=replay.version + 1)
        actions = self._actions(replay, saved)
        if not is_written(lambda: self.dynamodb.transact_write_items(TransactItems=actions)):
            raise Conflict(f"{replay.id} was changed since it was read")
        return replay_from_item(replay_to_item(saved, expires_at=None))

    def _actions(self, replay: Replay, saved: Replay) -> Any:
        as_read = _as_read(replay)
        if saved.is_open:
            item = replay_to_item(saved, expires_at=None)
            return [{"Put": {"TableName": self.table, "Item": item, **as_read}}]
        expires_at = int(self.clock.now() + self.retention_seconds)
        item = replay_to_item(saved, expires_at=expires_at)
        return [
            {"Delete": {"TableName": self.table, "Key": open_key(replay), **as_read}},
            {"Put": {"TableName": self.table, "Item": item}},
        ]

    def _in(self, partition: str) -> list[Replay]:
        items = read_pages(
            self.dynamodb.query,
            TableName=self.table,
            ConsistentRead=True,
            KeyConditionExpression="#partition = :partition",
            ExpressionAttributeNames={"#partition": Table.PARTITION_KEY},
            ExpressionAttributeValues=to_item({":partition": partition}),
        )
        return [replay_from_item(item) for item in items]


def open_key(replay: Replay) -> Item:
    return to_item({Table.PARTITION_KEY: OPEN, Table.SORT_KEY: replay.subscription_id})


def _key(replay: Replay) -> Item:
    if replay.is_open:
        return open_key(replay)
    return to_item({Table.PARTITION_KEY: ENDED, Table.SORT_KEY: replay.id})


def replay_to_item(replay: Replay, *, expires_at: int | None) -> Item:
    return _key(replay) | to_item(
        {
            Table.TTL: expires_at,
            "form": FORM,
            "id": replay.id,
            "subscription_id": replay.subscription_id,
            "state": str(replay.state),
            "reason": replay.reason or None,
            "started_at": to_milliseconds(replay.started_at),
            "ended_at": optional_milliseconds(replay.ended_at),
            "next_at": to_milliseconds(replay.next_at),
            "cursor": replay.cursor,
            "pipeline": replay.pipeline,
            "matched": replay.matched,
            "sent": replay.sent,
            "waiting": replay.waiting,
            "failed": replay.failed,
            "replay_version": replay.version,
            **_criteria_values(replay.criteria),
        }
    )


def _criteria_values(criteria: ReplayCriteria) -> dict[str, Any]:
    return {
        "since": to_milliseconds(criteria.since),
        "until": optional_milliseconds(criteria.until),
        "event_types": [str(event_type) for event_type in criteria.event_types],
        "status": str(criteria.status),
        "rate": str(criteria.rate),
        "asked": list(criteria.requested),
    }


def replay_from_item(item: Item) -> Replay:
    values = from_item(item)
    return Replay(
        id=values["id"],
        subscription_id=values["subscription_id"],
        criteria=_criteria_from_item(values),
        state=ReplayState(values["state"]),
        reason=values.get("reason", ""),
        started_at=values["started_at"] / 1000,
        ended_at=optional_seconds(values.get("ended_at")),
        next_at=values["next_at"] / 1000,
        cursor=values["cursor"],
        pipeline=values["pipeline"],
        matched=values.get("matched"),
        sent=values["sent"],
        waiting=values["waiting"],
        failed=values["failed"],
        version=values["replay_version"],
    )


def _criteria_from_item(values: dict[str, Any]) -> ReplayCriteria:
    since, until = values["asked"]
    return ReplayCriteria(
        since=values["since"] / 1000,
        until=optional_seconds(values.get("until")),
        event_types=tuple(EventType(event_type) for event_type in values["event_types"]),
        status=DeliveryFilter(values["status"]),
        rate=Rate.parse(values["rate"]),
        requested=(since, until),
    )


def _as_read(replay: Replay) -> Item:
    if replay.version == 0:
        return ABSENT
    return {
        "ConditionExpression": "id = :id AND replay_version = :version",
        "ExpressionAttributeValues": to_item({":id": replay.id, ":version": replay.version}),
    }
