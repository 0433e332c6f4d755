"""Subscriptions on DynamoDB, read through one small item that says when they have changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_item import Item, from_item, to_item
from lakehook.adapters.dynamo_read import pages_of
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.errors import ChangedMeanwhile
from lakehook.domain.event import EventType
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.subscription import Ordering, Signing, Subscription
from lakehook.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_GENERATION = to_item({"id": "generation"})
FORM = 1


@dataclass
class DynamoSubscriptions:
    """``fresh_for_seconds`` is how long an answer may be used without asking for changes.

    Zero asks on every reading: then a change is in force as soon as it has been written.
    """

    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock
    fresh_for_seconds: float = 0.0
    _generation: int | None = None
    _asked_at: float = float("-inf")
    _known: Mapping[str, Subscription] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def all(self) -> Sequence[Subscription]:
        with self._lock:
            self._refresh()
            return list(self._known.values())

    def find(self, subscription_id: str, *, anew: bool = False) -> Subscription | None:
        with self._lock:
            if anew or subscription_id not in self._known:
                self._asked_at = float("-inf")
            self._refresh()
            return self._known.get(subscription_id)

    def save(self, subscription: Subscription) -> Subscription:
        saved = replace(subscription, version=subscription.version + 1)
        put: Any = {
            "TableName": self.table,
            "Item": _item(saved),
            "ConditionExpression": "attribute_not_exists(id) OR version = :read",
            "ExpressionAttributeValues": to_item({":read": subscription.version}),
        }
        with own_trouble():
            try:
                self.dynamodb.transact_write_items(
                    TransactItems=[{"Put": put}, {"Update": self._bump()}]
                )
            except self.dynamodb.exceptions.TransactionCanceledException as error:
                _refuse_changed(error, subscription)
                raise
        return saved

    def disable(self, subscription_id: str, reason: str) -> None:
        """Block it until an operator enables it; the first reason stands."""
        update = {
            "TableName": self.table,
            "Key": to_item({"id": subscription_id}),
            "UpdateExpression": "SET disabled_reason = if_not_exists(disabled_reason, :reason)"
            " ADD version :one",
            "ConditionExpression": "attribute_exists(id)",
            "ExpressionAttributeValues": to_item({":reason": reason, ":one": 1}),
        }
        with own_trouble():
            self.dynamodb.transact_write_items(
                TransactItems=[{"Update": update}, {"Update": self._bump()}]  # type: ignore[typeddict-item]
            )
        with self._lock:
            self._asked_at = float("-inf")

    def _bump(self) -> Any:
        return {
            "TableName": self.table,
            "Key": _GENERATION,
            "UpdateExpression": "ADD generation :one",
            "ExpressionAttributeValues": to_item({":one": 1}),
        }

    def _refresh(self) -> None:
        now = self.clock.now()
        if now < self._asked_at + self.fresh_for_seconds:
            return
        generation = self._read_generation()
        if generation != self._generation:
            self._known = {one.id: one for one in self._scan()}
            self._generation = generation
        self._asked_at = now

    def _read_generation(self) -> int:
        with own_trouble():
            answer = self.dynamodb.get_item(
                TableName=self.table, Key=_GENERATION, ConsistentRead=True
            )
        return int(from_item(answer.get("Item", {})).get("generation", 0))

    def _scan(self) -> list[Subscription]:
        items = pages_of(self.dynamodb.scan, TableName=self.table, ConsistentRead=True)
        return [_subscription(item) for item in items if item["id"] != _GENERATION["id"]]


def _refuse_changed(error: ClientError, subscription: Subscription) -> None:
    reasons: Any = error.response.get("CancellationReasons", [{}])
    if reasons[0].get("Code") == "ConditionalCheckFailed":
        raise ChangedMeanwhile(
            f"{subscription.id} has been changed meanwhile; look at it and try again"
        ) from None


def _schedule(text: str | None) -> RetrySchedule | None:
    return RetrySchedule.parse(text) if text else None


def _item(subscription: Subscription) -> Item:
    return to_item(
        {
            "id": subscription.id,
            "form": FORM,
            "name": subscription.name,
            "url": subscription.endpoint.url,
            "event_types": [str(one) for one in subscription.event_types],
            "signing": str(subscription.signing),
            "ordering": str(subscription.ordering),
            "retry_schedule": subscription.retry_schedule and str(subscription.retry_schedule),
            "paused_at": subscription.paused_at,
            "disabled_reason": subscription.disabled_reason,
            "deadline_ms": round(subscription.deadline_seconds * 1000),
            "sealed_secrets": list(subscription.sealed_secrets),
            "header_names": list(subscription.header_names),
            "sealed_headers": subscription.sealed_headers,
            "created_at": subscription.created_at,
            "version": subscription.version,
            "removed_at": subscription.removed_at,
        }
    )


def _subscription(item: Item) -> Subscription:
    values = from_item(item)
    return Subscription(
        id=values["id"],
        name=values["name"],
        endpoint=Endpoint.parse(values["url"]),
        event_types=tuple(EventType(one) for one in values["event_types"]),
        signing=Signing(values["signing"]),
        deadline_seconds=values["deadline_ms"] / 1000,
        ordering=Ordering(values.get("ordering", Ordering.STRICT)),
        retry_schedule=_schedule(values.get("retry_schedule")),
        paused_at=values.get("paused_at"),
        disabled_reason=values.get("disabled_reason"),
        sealed_secrets=tuple(values["sealed_secrets"]),
        header_names=tuple(values["header_names"]),
        sealed_headers=values.get("sealed_headers"),
        created_at=values["created_at"],
        removed_at=values.get("removed_at"),
        version=values["version"],
    )
