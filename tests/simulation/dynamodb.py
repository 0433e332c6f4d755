"""DynamoDB as the journal's adapter sees it: one table, behind the gate.

Unlike a dictionary, it does not read a batch at one instant, and it takes only a part of a batch
when it throttles. PartiQL is that of local/dynamodb.py, with its sources.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import from_item
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.journal_items import (
    COUNTER,
    EVENT,
    SKIPPED,
    accepted_from_item,
    pipeline_from_item,
    skipped_from_item,
)
from lakehook.domain.pipeline import AcceptedEvent, Pipeline
from lakehook.settings import PipelinesTable as Table
from local.partiql import Write
from tests.fakes import FakeJournal
from tests.simulation.faults import Fault, Gate
from tests.simulation.ports import TEAR_SECONDS
from tests.simulation.timeline import Timeline

TABLE = "pipelines"

Item = dict[str, Any]
Key = tuple[str, str]


class SimulatedDynamoDB:
    """Client of botocore's shape."""

    def __init__(self, gate: Gate) -> None:
        self.items: dict[Key, Item] = {}
        self.writes = 0
        self._gate = gate

    def batch_get_item(self, *, RequestItems: Any) -> dict[str, Any]:  # noqa: N803
        keys = [_key(key) for key in RequestItems[TABLE]["Keys"]]
        return self._call("batch_get_item", lambda: self._read(keys))

    def batch_write_item(self, *, RequestItems: Any) -> dict[str, Any]:  # noqa: N803
        return self._call("batch_write_item", lambda: self._put(RequestItems[TABLE]))

    def batch_execute_statement(self, *, Statements: Sequence[Item]) -> dict[str, Any]:  # noqa: N803
        return self._call("batch_execute_statement", lambda: self._execute(Statements))

    def update_item(self, **update: Any) -> None:
        raise AssertionError(f"no pipeline stalls: {update}")

    def query(self, **query: Any) -> dict[str, Any]:
        return self._call("query", lambda: self._query(query))

    def query_index(self) -> None:
        with translate_aws_errors():
            self._call("query_index", lambda: None)

    def scan(self, **scan: Any) -> dict[str, Any]:
        return self._call("scan", lambda: self._scan(scan))

    def _read(self, keys: Sequence[Key]) -> dict[str, Any]:
        """Read a batch in two parts, the counters last; others may write in between."""
        counters = [key for key in keys if key[1] == COUNTER]
        items = self._items(key for key in keys if key not in counters)
        if self._gate.faults.rate:
            self._gate.timeline.sleep(TEAR_SECONDS)
        return {"Responses": {TABLE: [*items, *self._items(counters)]}}

    def _items(self, keys: Iterable[Key]) -> list[Item]:
        return [self.items[key] for key in keys if key in self.items]

    def _put(self, requests: Sequence[Item]) -> dict[str, Any]:
        unprocessed = []
        for request in requests:
            if self._is_throttled():
                unprocessed.append(request)
            else:
                self._write(request["PutRequest"]["Item"])
        return {"UnprocessedItems": {TABLE: unprocessed} if unprocessed else {}}

    def _execute(self, statements: Sequence[Item]) -> dict[str, Any]:
        return {"Responses": [self._execute_alone(statement) for statement in statements]}

    def _execute_alone(self, statement: Item) -> dict[str, Any]:
        if self._is_throttled():
            return {"Error": {"Code": "ThrottlingError", "Message": "simulated"}}
        write = Write.parse(statement)
        current = self.items.get(_key(write.key((Table.PARTITION_KEY, Table.SORT_KEY))))
        if refusal := write.refusal(current):
            return refusal
        self._write(write.apply(current))
        return {"TableName": TABLE}

    def _write(self, item: Item) -> None:
        self.items[_key(item)] = item
        self.writes += 1

    def _is_throttled(self) -> bool:
        is_throttled = self._gate.faults.happens(Fault.ENTRY_FAILED, times_as_often=0.2)
        if is_throttled:
            self._gate.faults.touched(self._gate.timeline.context)
        return is_throttled

    def _query(self, query: Mapping[str, Any]) -> dict[str, Any]:
        values = from_item(query["ExpressionAttributeValues"])
        items_found = (
            item
            for (pipeline, record), item in sorted(self.items.items(), key=lambda entry: entry[0])
            if pipeline == values[":pipeline"] and values[":first"] <= record <= values[":last"]
        )
        return {"Items": list(items_found)}

    def _scan(self, scan: Mapping[str, Any]) -> dict[str, Any]:
        after = _key(scan["ExclusiveStartKey"]) if "ExclusiveStartKey" in scan else ("", "")
        keys = sorted(key for key in self.items if key > after)
        page = keys[: scan["Limit"]]
        values = from_item(scan["ExpressionAttributeValues"])
        answer: dict[str, Any] = {
            "Items": [self.items[key] for key in page if _is_within(self.items[key], values)],
            "ScannedCount": len(page),
        }
        if len(page) < len(keys):
            last = self.items[page[-1]]
            answer["LastEvaluatedKey"] = {
                name: last[name] for name in (Table.PARTITION_KEY, Table.SORT_KEY)
            }
        return answer

    def _call(self, method: str, effect: Callable[[], Any]) -> Any:
        return self._gate.call(f"journal.{method}", effect, _trouble)


@dataclass(frozen=True)
class SimulatedJournal(DynamoJournal):
    """The shipped one, but the index has nothing for the scheduler, as no pipeline stalls.

    One query stands for those of all partitions of a state.
    """

    def unfinished(self, *_: Any, **__: Any) -> Iterator[Pipeline]:
        assert isinstance(self.dynamodb, SimulatedDynamoDB)
        self.dynamodb.query_index()
        return iter(())


def _key(item: Item) -> Key:
    return item[Table.PARTITION_KEY]["S"], item[Table.SORT_KEY]["S"]


def _is_within(item: Item, values: Mapping[str, Any]) -> bool:
    fields = from_item(item)
    record, first = fields[Table.SORT_KEY], fields.get("recent_since", fields.get("accepted_at"))
    return (
        (record == COUNTER or record.startswith(EVENT))
        and fields["accepted_at"] >= values[":since"]
        and first <= values[":until"]
    )


def _trouble() -> ClientError:
    return ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "simulated")


def journal_in(items: Mapping[Key, Item], timeline: Timeline) -> FakeJournal:
    """Build what the items say, for those who judge."""
    journal = FakeJournal(clock=timeline)  # type: ignore[arg-type]
    for (pipeline, record), item in sorted(items.items(), key=lambda entry: entry[0]):
        values = from_item(item)
        if record == COUNTER:
            journal.pipelines[pipeline] = pipeline_from_item(values)
            for transition in journal.pipelines[pipeline].recent_transitions():
                _add(journal, pipeline, transition)
        elif record.startswith(EVENT):
            names = [*values.get("implied", ()), record]
            events = [accepted_from_item(from_item(items[pipeline, name])) for name in names]
            _add(journal, pipeline, events)
        elif record.startswith(SKIPPED):
            skipped = skipped_from_item(values)
            journal.skips[pipeline, skipped.event.id] = skipped
    return journal


def _add(journal: FakeJournal, pipeline: str, transition: Sequence[AcceptedEvent]) -> None:
    *inferred, newest = transition
    key = pipeline, newest.sequenced.event.id
    journal.accepted_events[key], journal.accepted[key] = newest.sequenced, newest.at
    journal.inferred[key] = [accepted.sequenced for accepted in inferred]
    for accepted in inferred:
        _add(journal, pipeline, [accepted])
