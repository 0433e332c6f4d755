"""DynamoDB on a laptop: moto's tables, one call at a time, transactions of their own items only.

moto copies every table of a transaction, and restores the copies when it fails. That costs more
with every item in the tables, and undoes concurrent writes.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html

It also copies every item of every table for each statement of PartiQL, overwrites on ``INSERT``
and ignores the conditions of ``UPDATE``. Those that Lakehook writes are executed here.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html
"""

from copy import deepcopy
from threading import RLock
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from moto.dynamodb import urls
from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import (
    MockValidationException,
    MultipleTransactionsException,
    TooManyTransactionsException,
    TransactionCanceledException,
)
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from local.partiql import Write, unknown_table

_MAX_ACTIONS = 100  # limit of TransactWriteItems
_MAX_STATEMENTS = 25  # limit of BatchExecuteStatement

Item = dict[str, Any]
Reason = tuple[str | None, str | None, Item | None]

_NO_REASON: Reason = (None, None, None)


def install() -> None:
    """Install this; call it before a server or a mock starts. Earlier tables are lost."""
    if dynamodb_backends.backend is not SerialDynamoDB:
        dynamodb_backends.backend = SerialDynamoDB
        dynamodb_backends.clear()


class SerialDynamoDB(DynamoDBBackend):
    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._alone = RLock()

    @property
    def _url_module(self) -> SimpleNamespace:
        """Module of the URLs; moto would look for a module ``urls`` next to this one."""
        return SimpleNamespace(url_bases=urls.url_bases, url_paths=urls.url_paths)

    def get_item(self, *args: Any, **kwargs: Any) -> Any:
        with self._alone:
            return super().get_item(*args, **kwargs)

    def query(self, table_name: str, *args: Any, **kwargs: Any) -> Any:
        """Query; moto would sort all items of the table first, for each query."""
        table = self.get_table(table_name)
        keys = {name: DynamoType(value) for name, value in kwargs["hash_key_conditions"]}
        with self._alone, patch.object(table, "all_items", lambda: _items_with(table, keys)):
            return super().query(table_name, *args, **kwargs)

    def scan(self, *args: Any, **kwargs: Any) -> Any:
        with self._alone:
            return super().scan(*args, **kwargs)

    def put_item(self, *args: Any, **kwargs: Any) -> Any:
        with self._alone:
            return super().put_item(*args, **kwargs)

    def update_item(self, *args: Any, **kwargs: Any) -> Any:
        """Update, and return a copy, which later writes do not change."""
        with self._alone:
            return deepcopy(super().update_item(*args, **kwargs))

    def delete_item(self, *args: Any, **kwargs: Any) -> Any:
        with self._alone:
            return super().delete_item(*args, **kwargs)

    def transact_write_items(self, transact_items: list[Item]) -> None:
        """Check every condition before anything is written, so nothing needs to be undone."""
        actions = [next(iter(item.items())) for item in transact_items]
        if len(actions) > _MAX_ACTIONS:
            raise TooManyTransactionsException
        with self._alone:
            keys = [self._key(*action) for action in actions]
            if len({str(key) for key in keys}) < len(keys):
                raise MultipleTransactionsException
            reasons = [
                self._refusal(action, key) for (_, action), key in zip(actions, keys, strict=True)
            ]
            if any(reason != _NO_REASON for reason in reasons):
                raise TransactionCanceledException(reasons)
            for kind, action in actions:
                self._apply(kind, action)

    def batch_execute_statement(self, statements: list[Item]) -> list[Item]:
        if len(statements) > _MAX_STATEMENTS:
            raise MockValidationException(f"{len(statements)} statements in one request")
        with self._alone:
            return [self._execute(Write.parse(statement)) for statement in statements]

    def _execute(self, write: Write) -> Item:
        if write.table not in self.tables:
            return unknown_table()
        table = self.get_table(write.table)
        names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
        existing = self.get_item(table.name, write.key(names))
        current = existing.to_json()["Attributes"] if existing else None
        if refusal := write.refusal(current):
            return refusal
        self.put_item(table.name, write.apply(current))
        return {"TableName": table.name}

    def _key(self, kind: str, action: Item) -> tuple[str, Item]:
        table = self.get_table(action["TableName"])
        names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
        values = action["Item"] if kind == "Put" else action["Key"]
        return table.name, {name: values[name] for name in names}

    def _refusal(self, action: Item, key: tuple[str, Item]) -> Reason:
        condition = get_filter_expression(
            action.get("ConditionExpression"),
            action.get("ExpressionAttributeNames"),
            action.get("ExpressionAttributeValues"),
        )
        current = self.get_item(*key)
        if condition.expr(current):
            return _NO_REASON
        returns_old = action.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        shown = current.to_json()["Attributes"] if returns_old and current else None
        return ("ConditionalCheckFailed", "The conditional request failed", shown)

    def _apply(self, kind: str, action: Item) -> None:
        match kind:
            case "Put":
                self.put_item(action["TableName"], action["Item"])
            case "Delete":
                self.delete_item(action["TableName"], action["Key"])
            case "Update":
                self.update_item(
                    action["TableName"],
                    action["Key"],
                    update_expression=action["UpdateExpression"],
                    expression_attribute_names=action.get("ExpressionAttributeNames", {}),
                    expression_attribute_values=action.get("ExpressionAttributeValues", {}),
                )


def _items_with(table: Table, keys: dict[str, DynamoType]) -> list[Any]:
    """Return the items with these values, in moto's order."""
    if keys.keys() == {table.hash_key_attr}:
        partitions = [table.items.get(keys[table.hash_key_attr], {})]
    else:
        partitions = list(table.items.values())
    if not table.range_key_attr:
        partitions = [{"": partition} for partition in partitions if partition]
    items = [
        item
        for partition in partitions
        for item in partition.values()
        if all(_is(item.attrs.get(name), value) for name, value in keys.items())
    ]
    return sorted(
        items, key=lambda it: (it.hash_key, it.range_key) if it.range_key else it.hash_key
    )


def _is(value: DynamoType | None, expected: DynamoType) -> bool:
    if value is None or value.type != expected.type:
        return False
    return bool(value.value == expected.value or (value.type != "S" and value == expected))
