"""How the ledger's nouns are written as items, and read back.

====================  =======================================================
record                one delivery (``0000000003``), or the lane itself (``lane``)
version               of the item's form; a release reads its own and the one before
times                 whole milliseconds, but ``expires_at``, which DynamoDB wants in seconds
====================  =======================================================
"""

from typing import Any
from zlib import crc32

from lakehook.adapters.attempt_items import attempt_item, attempt_of
from lakehook.adapters.dynamo_item import Item, from_item, milliseconds, to_item
from lakehook.domain.delivery import Delivery, Lane, NumberedEvent
from lakehook.domain.document import read_stored, text_of
from lakehook.domain.event import Event
from lakehook.domain.lane import DeliveryRecord, HeldLane, Status, SuspendedReason
from lakehook.settings import DeliveriesTable as Table

FORM = 1
LANE = "lane"
SHARDS = tuple("0123")  # of the index over due times: one partition takes 1,000 writes a second


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
    """Whether it is a lane's own record, and no delivery's."""
    return bool(item[Table.SORT_KEY]["S"] == LANE)


def record_item(record: DeliveryRecord, *, expires_at: int | None) -> Item:
    delivery = record.delivery
    dead = record.status is Status.DEAD  # and so in the index, beside the lanes that are held
    return to_item(
        {
            Table.PARTITION_KEY: str(record.lane),
            Table.SORT_KEY: record_name(record.sequence),
            Table.TTL: expires_at,
            Table.HELD_BY: record.lane.subscription_id if dead else None,
            Table.HELD_SINCE: milliseconds(record.changed_at) if dead else None,
            "form": FORM,
            "status": str(record.status),
            "event_id": record.event_id,
            "event_type": record.event_type,
            "attempts": record.attempts,
            "log": [attempt_item(attempt) for attempt in record.log],
            "reason": record.reason or None,
            "announced": record.announced or None,
            "late": True if delivery and delivery.late else None,
            "replayed": True if delivery and delivery.replayed else None,
            "replayed_by": record.replayed_by or None,
            "changed_at": milliseconds(record.changed_at),
            "record_version": record.version,
            "event": delivery and text_of(delivery.event.document),
            "previous_event_type": delivery and delivery.numbered.previous_event_type,
        }
    )


def record_of(item: Item) -> DeliveryRecord:
    values = from_item(item)
    lane = Lane.parse(values[Table.PARTITION_KEY])
    sequence = int(values[Table.SORT_KEY])
    return DeliveryRecord(
        lane=lane,
        sequence=sequence,
        event_id=values["event_id"],
        event_type=values["event_type"],
        status=Status(values["status"]),
        attempts=values["attempts"],
        log=tuple(attempt_of(attempt) for attempt in values["log"]),
        reason=values.get("reason", ""),
        announced=values.get("announced", 0),
        replayed_by=values.get("replayed_by", ""),
        version=values["record_version"],
        changed_at=values["changed_at"] / 1000,
        delivery=_delivery_of(values, lane, sequence),
    )


def lane_item(held: HeldLane) -> Item:
    return to_item(
        {
            Table.PARTITION_KEY: str(held.lane),
            Table.SORT_KEY: LANE,
            Table.DUE_SHARD: shard_of(str(held.lane)),
            Table.DUE_AT: milliseconds(held.due_at),
            Table.HELD_BY: held.lane.subscription_id,
            Table.HELD_SINCE: milliseconds(held.held_since),
            "form": FORM,
            "head": held.head,
            "attempts": held.attempts,
            "dead": held.dead or None,
            Table.ASLEEP_OF: held.lane.subscription_id if held.suspended else None,
            Table.SUSPENDED_REASON: held.suspended_reason and str(held.suspended_reason),
            "retry_at": milliseconds(held.retry_at) or None,
            "hinted_until": milliseconds(held.hinted_until) or None,
            "place": milliseconds(held.place) or None,
            "lane_version": held.version,
        }
    )


def held_lane(item: Item) -> HeldLane:
    values = from_item(item)
    reason = values.get(Table.SUSPENDED_REASON)
    return HeldLane(
        lane=Lane.parse(values[Table.PARTITION_KEY]),
        head=values["head"],
        due_at=values[Table.DUE_AT] / 1000,
        held_since=values[Table.HELD_SINCE] / 1000,
        attempts=values["attempts"],
        dead=values.get("dead", False),
        suspended_reason=reason and SuspendedReason(reason),
        retry_at=values.get("retry_at", 0) / 1000,
        hinted_until=values.get("hinted_until", 0) / 1000,
        place=values.get("place", 0) / 1000,
        version=values["lane_version"],
    )


def _delivery_of(values: dict[str, Any], lane: Lane, sequence: int) -> Delivery | None:
    if "event" not in values:
        return None
    event = Event(values["event_id"], read_stored(values["event"]))
    numbered = NumberedEvent(event, sequence, values.get("previous_event_type"))
    late, replayed = values.get("late", False), values.get("replayed", False)
    return Delivery(lane, numbered, late=late, replayed=replayed)
