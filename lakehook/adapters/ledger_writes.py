"""How the ledger is written: each write on condition that nobody else has written meanwhile.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
"""

from typing import Any

from lakehook.adapters.dynamo_item import Item, to_item
from lakehook.adapters.ledger_items import lane_item, lane_key, record_item
from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, HeldLane, Status
from lakehook.settings import DeliveriesTable as Table

ABSENT = {
    "ConditionExpression": "attribute_not_exists(#lane)",
    "ExpressionAttributeNames": {"#lane": Table.PARTITION_KEY},
}


def record_put(
    table: str, record: DeliveryRecord, written: DeliveryRecord, *, retention_seconds: float
) -> Item:
    """Write a record as it is to be ``written``, over the version that was read."""
    expires_at = int(written.changed_at + retention_seconds) if written.status.is_final else None
    item = record_item(written, expires_at=expires_at)
    return {"TableName": table, "Item": item, **_as_read(record)}


def _as_read(record: DeliveryRecord) -> Item:
    """Nothing is written over what others have written meanwhile, but that it has arrived."""
    if record.status is Status.DELIVERED:
        return _of_the_same_replay(record)
    if record.version == 0:
        return ABSENT
    # A success that was written blindly may have this very version.
    values = {":version": record.version, ":delivered": str(Status.DELIVERED)}
    return {
        "ConditionExpression": "record_version = :version AND #status <> :delivered",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": to_item(values),
    }


def _of_the_same_replay(record: DeliveryRecord) -> Item:
    """What arrived before is no answer to a replay that has lined it up since."""
    if not record.replayed_by:
        return {"ConditionExpression": "attribute_not_exists(replayed_by)"}
    return {
        "ConditionExpression": "replayed_by = :replay",
        "ExpressionAttributeValues": to_item({":replay": record.replayed_by}),
    }


def lane_change(
    table: str, lane: Lane, before: HeldLane | None, after: HeldLane | None
) -> dict[str, Any]:
    """An action of a transaction: the lane from ``before`` to ``after``."""
    change: Item = {"TableName": table, **_unmoved(before)}
    if after is None:
        return {"Delete": {"Key": lane_key(lane), **change}}
    return {"Put": {"Item": lane_item(after), **change}}


def _unmoved(before: HeldLane | None) -> Item:
    if before is None:
        return ABSENT
    return {
        "ConditionExpression": "lane_version = :version",
        "ExpressionAttributeValues": to_item({":version": before.version}),
    }
