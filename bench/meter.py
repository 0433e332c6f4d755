"""Clients of AWS that know nothing, keep nothing, and count what is asked of them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
"""

import re
from math import ceil
from threading import Lock
from types import SimpleNamespace
from typing import Any

WRITE_UNIT_BYTES = 1024
A_READ_UNIT = 1  # a consistent read of up to 4 KB, also of what is not there
IN_A_TRANSACTION = 2  # times as dear
_NAME = re.compile(r"'([^']+)': \?")


class Meter:
    """Plays DynamoDB and SQS."""

    exceptions = SimpleNamespace(
        ConditionalCheckFailedException=KeyError, TransactionCanceledException=KeyError
    )

    def __init__(self) -> None:
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        self.reads = self.writes = self.sent = 0
        self.read_units = self.write_units = 0

    def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803
        self.reads += 1
        self.read_units += sum(
            len(requestitem["Keys"]) * A_READ_UNIT for requestitem in RequestItems.values()
        )
        return {"Responses": {}}

    def put_item(self, **put: Any) -> None:
        with self._lock:
            self.writes += 1
            self.write_units += _write_units(put["Item"])

    def batch_execute_statement(self, *, Statements: Any) -> Any:  # noqa: N803
        """Count the units of inserts: a value for each name of the statement."""
        items = [_item_of(statement) for statement in Statements]
        with self._lock:
            self.writes += 1
            self.write_units += sum(map(_write_units, items))
        return {"Responses": [{} for _ in items]}

    def transact_write_items(self, *, TransactItems: Any) -> None:  # noqa: N803
        with self._lock:
            self.writes += 1
            puts = [transactitem["Put"]["Item"] for transactitem in TransactItems]
            self.write_units += sum(IN_A_TRANSACTION * _write_units(item) for item in puts)

    def send_message_batch(self, **_batch: Any) -> Any:
        self.sent += 1
        return {}


def _item_of(statement: dict[str, Any]) -> dict[str, Any]:
    names = _NAME.findall(statement["Statement"])
    return dict(zip(names, statement["Parameters"], strict=True))


def _write_units(item: dict[str, Any]) -> int:
    return ceil(_size({"M": item}) / WRITE_UNIT_BYTES)


def _size(value: dict[str, Any]) -> int:
    """As DynamoDB counts: names and values in UTF-8, three bytes for a list or map, one more each.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    ((kind, held),) = value.items()
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _size(one) for name, one in held.items())
    if kind == "L":
        return 3 + sum(1 + _size(one) for one in held)
    if kind == "N":
        return ceil(len(held) / 2) + 1
    return len(held.encode()) if kind == "S" else 1
