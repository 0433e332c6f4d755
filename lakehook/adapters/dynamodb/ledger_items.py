"""Items of the ledger: lanes, deliveries and their attempts, written and read back.

====================  =======================================================
record                one delivery (``0000000003``), or the lane itself (``lane``)
version               of the item's form; a release reads its own and the one before
times                 whole milliseconds, except ``expires_at``: seconds, for DynamoDB
====================  =======================================================
"""

from typing import Any
from zlib import crc32

from lakehook.adapters.dynamodb.items import Item, from_item, to_item, to_milliseconds
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.delivery import Delivery, Lane, SequencedEvent
from lakehook.domain.event import Event
from lakehook.domain.json_document import read_stored, to_json
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane, SuspendedReason
from lakehook.settings import DeliveriesTable as Table

FORM = 1
LANE = "lane"
SHARDS = tuple("0123")  # of the index over due times: one partition takes 1,000 writes a second
BREAKERS = "breakers"  # partition of that index, so that many due lanes delay no probe


def attempt_to_item(attempt: Attempt) -> dict[str, Any]:
    item = {
        "at": to_milliseconds(attempt.at),
        "outcome": str(attempt.outcome),
        "milliseconds": attempt.milliseconds,
        "status": attempt.status,
        "excerpt": attempt.excerpt or None,
    }
    return {name: value for name, value in item.items() if value is not None}


def attempt_from_item(values: dict[str, Any]) -> Attempt:
    return Attempt(
        at=values["at"] / 1000,
        outcome=Outcome(values["outcome"]),
        milliseconds=values["milliseconds"],
        status=values.get("status"),
        excerpt=values.get("excerpt", ""),
    )


def shard_of(text: str) -> str:
    return SHARDS[crc32(text.encode()) % len(SHARDS)]


def record_name(sequence: int) -> str:
    return f"{sequence:010d}"


FIRST_RECORD, LAST_RECORD = record_name(0), record_name(10**10 - 1)


def record_key(lane: Lane, sequence: int) -> Item:
    return to_item({Table.PARTITION_KEY: str(lane), Table.SORT_KEY: record_name(sequence)})


def lane_key(lane: Lane) -> Item:
    return to_item({Table.PARTITION_KEY: str(lane), Table.SORT_KEY: LANE})


def is_lane(item: Item) -> bool:
    """Whether it is a lane's own record, and not a delivery's."""
    return bool(item[Table.SORT_KEY]["S"] == LANE)


def record_to_item(record: DeliveryRecord, *, expires_at: int | None) -> Item:
    delivery = record.delivery
    dead = record.status is DeliveryStatus.DEAD  # then it is in the index, like held lanes
    return to_item(
        {
            Table.PARTITION_KEY: str(record.lane),
            Table.SORT_KEY: record_name(record.sequence),
            Table.TTL: expires_at,
            Table.HELD_BY: record.lane.subscription_id if dead else None,
            Table.HELD_SINCE: to_milliseconds(record.changed_at) if dead else None,
            "form": FORM,
            "status": str(record.status),
            "event_id": record.event_id,
            "event_type": record.event_type,
            "attempts": record.attempts,
            "attempts_log": [attempt_to_item(attempt) for attempt in record.attempts_log],
            "reason": record.reason or None,
            "attempts_started": record.attempts_started or None,
            "late": True if delivery and delivery.late else None,
            "replayed": True if delivery and delivery.replayed else None,
            "replayed_by": record.replayed_by or None,
            "changed_at": to_milliseconds(record.changed_at),
            "record_version": record.version,
            "event": delivery and to_json(delivery.event.document),
            "previous_event_type": delivery and delivery.sequenced.previous_event_type,
        }
    )


def record_from_item(item: Item) -> DeliveryRecord:
    values = from_item(item)
    lane = Lane.parse(values[Table.PARTITION_KEY])
    sequence = int(values[Table.SORT_KEY])
    return DeliveryRecord(
        lane=lane,
        sequence=sequence,
        event_id=values["event_id"],
        event_type=values["event_type"],
        status=DeliveryStatus(values["status"]),
        attempts=values["attempts"],
        attempts_log=tuple(attempt_from_item(attempt) for attempt in values["attempts_log"]),
        reason=values.get("reason", ""),
        attempts_started=values.get("attempts_started", 0),
        replayed_by=values.get("replayed_by", ""),
        version=values["record_version"],
        changed_at=values["changed_at"] / 1000,
        delivery=_delivery_from_item(values, lane, sequence),
    )


def lane_to_item(held: HeldLane) -> Item:
    return to_item(
        {
            Table.PARTITION_KEY: str(held.lane),
            Table.SORT_KEY: LANE,
            Table.DUE_SHARD: None if held.due_at is None else shard_of(str(held.lane)),
            Table.DUE_AT: None if held.due_at is None else to_milliseconds(held.due_at),
            Table.HELD_BY: held.lane.subscription_id,
            Table.HELD_SINCE: to_milliseconds(held.held_since),
            "form": FORM,
            "head": held.head,
            "attempts": held.attempts,
            "head_is_dead": held.head_is_dead or None,
            Table.SUSPENDED_SUBSCRIPTION: _partition_without_due_time(held),
            Table.SUSPENDED_REASON: held.suspended_reason and str(held.suspended_reason),
            "retry_at": to_milliseconds(held.retry_at) or None,
            "retry_after_until": to_milliseconds(held.retry_after_until) or None,
            "reserved_at": to_milliseconds(held.reserved_at) or None,
            "lane_version": held.version,
        }
    )


def _partition_without_due_time(held: HeldLane) -> str | None:
    """Return the partition of the index that finds the lane when its time has come."""
    if held.suspended:
        return held.lane.subscription_id
    return behind_dead_letters(held.lane.subscription_id) if held.head_is_dead else None


def behind_dead_letters(subscription_id: str) -> str:
    """Return the partition of lanes behind dead letters, apart from those that may be resumed."""
    return f"{subscription_id}#dead"


def lane_from_item(item: Item) -> HeldLane:
    values = from_item(item)
    reason = values.get(Table.SUSPENDED_REASON)
    return HeldLane(
        lane=Lane.parse(values[Table.PARTITION_KEY]),
        head=values["head"],
        due_at=values[Table.DUE_AT] / 1000 if Table.DUE_AT in values else None,
        held_since=values[Table.HELD_SINCE] / 1000,
        attempts=values["attempts"],
        head_is_dead=values.get("head_is_dead", False),
        suspended_reason=reason and SuspendedReason(reason),
        retry_at=values.get("retry_at", 0) / 1000,
        retry_after_until=values.get("retry_after_until", 0) / 1000,
        reserved_at=values.get("reserved_at", 0) / 1000,
        version=values["lane_version"],
    )


def _delivery_from_item(values: dict[str, Any], lane: Lane, sequence: int) -> Delivery | None:
    if "event" not in values:
        return None
    event = Event.restored(values["event_id"], read_stored(values["event"]))
    sequenced = SequencedEvent(event, sequence, values.get("previous_event_type"))
    late, replayed = values.get("late", False), values.get("replayed", False)
    return Delivery(lane, sequenced, late=late, replayed=replayed)
