"""Subscriptions on DynamoDB, read through one small item that says when they have changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_conflict import retry_conflicts
from lakehook.adapters.dynamo_item import from_item, to_item
from lakehook.adapters.dynamo_read import pages_of
from lakehook.adapters.subscription_items import item_of, subscription_of
from lakehook.domain.errors import ChangedMeanwhile
from lakehook.domain.subscription import Subscription
from lakehook.ports.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_GENERATION = to_item({"id": "generation"})


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
            "Item": item_of(saved),
            "ConditionExpression": "attribute_not_exists(id) OR version = :read",
            "ExpressionAttributeValues": to_item({":read": subscription.version}),
        }
        with own_trouble():
            try:
                self._transact([{"Put": put}, {"Update": self._bump()}])
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
            self._transact([{"Update": update}, {"Update": self._bump()}])
        with self._lock:
            self._asked_at = float("-inf")

    def _transact(self, actions: list[Any]) -> None:
        """All that change anything meet at the generation, so they are in each other's way."""
        retry_conflicts(
            lambda: self.dynamodb.transact_write_items(TransactItems=actions), self.clock
        )

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
        return [subscription_of(item) for item in items if item["id"] != _GENERATION["id"]]


def _refuse_changed(error: ClientError, subscription: Subscription) -> None:
    reasons: Any = error.response.get("CancellationReasons", [{}])
    if reasons[0].get("Code") == "ConditionalCheckFailed":
        raise ChangedMeanwhile(
            f"{subscription.id} has been changed meanwhile; look at it and try again"
        ) from None
