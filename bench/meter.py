"""DynamoDB and SQS as counting clients: they answer at once, and count what AWS would bill.

Tables and indexes are those of the template. A write costs the larger of the item before and after
it. An index costs a write for each entry that is put or deleted, so two if its key changes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any

from lakehook.adapters.dynamodb.items import item_bytes, write_units
from local.partiql import Write

TEMPLATE = Path(__file__).parent.parent / "local" / "template.json"
READ_UNIT_BYTES = 4096  # of a consistent read; one of nothing costs a unit
ITEM_OVERHEAD_BYTES = 100
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"""

Item = dict[str, Any]


@dataclass(frozen=True)
class Index:
    keys: Sequence[str]
    projected: frozenset[str] | None  # None: all attributes

    def entry(self, item: Item | None) -> Item | None:
        if item is None or any(name not in item for name in self.keys):
            return None
        if self.projected is None:
            return item
        return {name: value for name, value in item.items() if name in self.projected}

    def units(self, before: Item | None, after: Item | None) -> int:
        entry_before, entry_after = self.entry(before), self.entry(after)
        if entry_before == entry_after:
            return 0
        if (
            entry_before
            and entry_after
            and all(entry_before[name] == entry_after[name] for name in self.keys)
        ):
            return max(write_units(entry_before), write_units(entry_after))
        return sum(write_units(entry) for entry in (entry_before, entry_after) if entry)


@dataclass
class MeteredTable:
    keys: Sequence[str]
    indexes: Sequence[Index]
    items: dict[str, Item] = field(default_factory=dict)

    @property
    def stored_bytes(self) -> int:
        return sum(item_bytes(item) + ITEM_OVERHEAD_BYTES for item in self.items.values())

    def find(self, values: Item) -> Item | None:
        return self.items.get(self._key(values))

    def put(self, item: Item) -> tuple[int, int]:
        """Write an item, and return the units of the table and of its indexes."""
        before = self.items.get(self._key(item))
        self.items[self._key(item)] = item
        units = max(write_units(version) for version in (before, item) if version)
        return units, sum(index.units(before, item) for index in self.indexes)

    def _key(self, values: Item) -> str:
        return "/".join(values[name]["S"] for name in self.keys)


class Meter:
    """Client of DynamoDB and SQS; tables are named as in the template: pipelines, deliveries, …"""

    exceptions = SimpleNamespace(
        ConditionalCheckFailedException=KeyError, TransactionCanceledException=KeyError
    )

    def __init__(self) -> None:
        self._lock = Lock()
        self.tables = dict(_tables())
        self.reset()

    def reset(self) -> None:
        """Reset the counts; what is stored stays."""
        self.requests: Counter[str] = Counter()
        self.read_units = self.write_units = self.index_units = 0

    def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803
        with self._lock:
            self.requests["BatchGetItem"] += 1
            return {
                "Responses": {
                    name: [item for key in request["Keys"] if (item := self._read(name, key))]
                    for name, request in RequestItems.items()
                }
            }

    def get_item(self, *, TableName: str, Key: Item, **_: Any) -> Any:  # noqa: N803
        with self._lock:
            self.requests["GetItem"] += 1
            item = self._read(TableName, Key)
            return {"Item": item} if item else {}

    def scan(self, *, TableName: str, **_: Any) -> Any:  # noqa: N803
        self.requests["Scan"] += 1
        return {"Items": list(self.tables[TableName].items.values())}

    def put_item(self, *, TableName: str, Item: Item, **_: Any) -> None:  # noqa: N803
        with self._lock:
            self.requests["PutItem"] += 1
            self._write(TableName, Item)

    def batch_write_item(self, *, RequestItems: Any) -> Any:  # noqa: N803
        with self._lock:
            self.requests["BatchWriteItem"] += 1
            for name, puts in RequestItems.items():
                for put in puts:
                    self._write(name, put["PutRequest"]["Item"])
        return {}

    def batch_execute_statement(self, *, Statements: Any) -> Any:  # noqa: N803
        with self._lock:
            self.requests["BatchExecuteStatement"] += 1
            return {
                "Responses": [self._execute(Write.parse(statement)) for statement in Statements]
            }

    def send_message_batch(self, **_batch: Any) -> Any:
        self.requests["SendMessageBatch"] += 1
        return {}

    def _execute(self, write: Write) -> Item:
        table = self.tables[write.table]
        current = table.find(write.key(table.keys))
        if refusal := write.refusal(current):
            return refusal
        self._write(write.table, write.apply(current))
        return {}

    def _read(self, name: str, key: Item) -> Item | None:
        item = self.tables[name].find(key)
        self.read_units += max(1, -(-item_bytes(item or {}) // READ_UNIT_BYTES))
        return item

    def _write(self, name: str, item: Item) -> None:
        units, index_units = self.tables[name].put(item)
        self.write_units += units
        self.index_units += index_units


def _tables() -> Iterator[tuple[str, MeteredTable]]:
    template = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    for id_, resource in template["Resources"].items():
        if resource["Type"] == "AWS::DynamoDB::Table":
            properties = resource["Properties"]
            keys = _keys(properties)
            indexes = properties.get("GlobalSecondaryIndexes", ())
            name = id_.removeprefix("Tables")[:-8].lower()
            yield name, MeteredTable(keys, [_index(index, keys) for index in indexes])


def _keys(described: Mapping[str, Any]) -> Sequence[str]:
    return [key["AttributeName"] for key in described["KeySchema"]]


def _index(described: Mapping[str, Any], table_keys: Sequence[str]) -> Index:
    keys, projection = _keys(described), described["Projection"]
    if projection["ProjectionType"] == "ALL":
        return Index(keys, None)
    attributes = projection.get("NonKeyAttributes", ())
    return Index(keys, frozenset((*table_keys, *keys, *attributes)))
