"""AWS requests of an hour for a subscriber that is down or disabled, with ever more lanes waiting.

The scheduler ticks each minute, and the delivery function processes what it sends. Both use a table
in memory that counts. Requests of the scheduler without any subscriber are left out.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.harness import Row, check_limit
from infra.stage import RETRY_SCHEDULE
from lakehook.adapters.dynamodb.endpoints import DynamoEndpointHealthStore
from lakehook.adapters.dynamodb.items import Item, to_item
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.adapters.dynamodb.ledger_items import lane_to_item, record_to_item
from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions, subscription_to_item
from lakehook.delivery.dependencies import DeliveryPorts
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, HeldLane, SuspendedReason
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.subscription import CACHE_PROPAGATION_SECONDS, Subscription
from lakehook.settings import DeliveriesTable as Table
from tests.builders import a_delivery, a_subscription
from tests.delivering import DeliverFunction
from tests.fakes import NOON
from tests.ticking import a_tick

WAITING = (10, 1_000, 100_000)
ON = "counting clients"
MINUTES, DAY = 60, 86_400
MAX_REQUESTS = {"down": 20, "disabled": 20}  # one probe, as it has been down for a day; and none
SQS_REQUESTS = 3  # a resume is sent, received and deleted
INDEXES = {
    Table.DUE_INDEX: (Table.DUE_SHARD, Table.DUE_AT),
    Table.HELD_INDEX: (Table.HELD_BY, Table.HELD_SINCE),
    Table.SUSPENDED_INDEX: (Table.SUSPENDED_SUBSCRIPTION, Table.HELD_SINCE),
}
Entry = tuple[str, int, str, str]  # of an index: its partition, and its order there; and a key


def measure(*, quick: bool) -> Sequence[Row]:
    counts = WAITING[:2] if quick else WAITING
    down, disabled = a_subscription(), a_subscription(disabled_reason="failed for five days")
    return [
        *(_row("down", count_requests(count, down), count) for count in counts),
        *(_row("disabled", count_requests(count, disabled), count) for count in counts),
    ]


def _row(state: str, requests: int, count: int) -> Row:
    name = f"an hour of a subscriber that is {state}, {count:,} lanes waiting: requests"
    limit = check_limit(requests, MAX_REQUESTS[state], unit="")
    return Row(measure=name, value=requests, unit="", on=ON, **limit)


def count_requests(count: int, subscription: Subscription) -> int:
    idle, hour = Hour(), Hour()
    hour.seed(count, subscription)
    return hour.requests() - idle.requests()


class CountingTable:
    """Fake of DynamoDB for one writer, whose conditions all hold, but for that of a lease."""

    def __init__(self) -> None:
        self.requests = 0
        self.items: dict[tuple[str, str], Item] = {}
        self.subscriptions: list[Item] = []
        self._indexes: dict[str, list[Entry]] = {name: [] for name in INDEXES}

    def put(self, item: Item) -> None:
        self.delete(item)
        self.items[_key(item)] = item
        for name, entry in _entries(item):
            insort(self._indexes[name], entry)

    def delete(self, key: Item) -> None:
        if item_before := self.items.pop(_key(key), None):
            for name, entry in _entries(item_before):
                index = self._indexes[name]
                del index[bisect_left(index, entry)]

    def query(self, **request: Any) -> Any:
        self.requests += 1
        values = {name: next(iter(v.values())) for name, v in _values(request).items()}
        if "IndexName" not in request:
            return {"Items": self._items_of_lane(values)}
        index = self._indexes[request["IndexName"]]
        partition = values.get(":shard") or values[":partition"]
        until, limit = int(values.get(":until", 10**15)), request.get("Limit", 1_000)
        start = request.get("ExclusiveStartKey", {}).get("start")
        first = start or bisect_left(index, (partition, 0, "", ""))
        entries = [e for e in index[first : first + limit] if e[0] == partition and e[1] <= until]
        continuation = (
            {"LastEvaluatedKey": {"start": first + limit}} if len(entries) == limit else {}
        )
        return {"Items": [self.items[entry[2:]] for entry in entries], **continuation}

    def _items_of_lane(self, values: dict[str, str]) -> list[Item]:
        lane, first, last = values[":lane"], values[":first"], values[":last"]
        keys = sorted(key for key in self.items if key[0] == lane and first <= key[1] <= last)
        return [self.items[key] for key in keys]

    def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803  as boto3 has it
        self.requests += 1
        ((table, request),) = RequestItems.items()
        items = [self.items[_key(key)] for key in request["Keys"] if _key(key) in self.items]
        return {"Responses": {table: items}}

    def get_item(self, *, Key: Item, **_: Any) -> Any:  # noqa: N803
        self.requests += 1
        if "id" in Key:
            return {"Item": to_item({"id": "generation", "generation": 1})}
        item = self.items.get(_key(Key))
        return {"Item": item} if item else {}

    def scan(self, **_: Any) -> Any:
        self.requests += 1
        return {"Items": self.subscriptions}

    def update_item(self, *, Key: Item, **request: Any) -> None:  # noqa: N803
        self.requests += 1
        item, values = dict(self.items[_key(Key)]), _values(request)
        assert item.get(Table.DUE_AT) == values.get(":due_at"), "one writer loses no lease"
        item |= {Table.DUE_AT: values[":token"], Table.DUE_SHARD: values[":shard"]}
        for name in (Table.SUSPENDED_SUBSCRIPTION, Table.SUSPENDED_REASON):
            item.pop(name, None)
        self.put(item)

    def put_item(self, *, Item: Item, **_: Any) -> None:  # noqa: N803
        self.requests += 1
        self.put(Item)

    def transact_write_items(self, *, TransactItems: Any) -> None:  # noqa: N803
        self.requests += 1
        for action in TransactItems:
            ((verb, change),) = action.items()
            if verb == "Put":
                self.put(change["Item"])
            else:
                self.delete(change["Key"])


class Deliver(DeliverFunction):
    """The delivery function at such a table; every attempt fails."""

    def __init__(self, table: Any) -> None:
        super().__init__()
        self.schedule = RetrySchedule.parse(RETRY_SCHEDULE)
        self.attempts.otherwise = self.attempts.failure
        self._ports = replace(
            super().ports(),
            ledger=DynamoLedger(table, "deliveries", self.clock),
            endpoint_health=DynamoEndpointHealthStore(table, "deliveries"),
            subscriptions=DynamoSubscriptions(
                table, "subscriptions", self.clock, fresh_for_seconds=CACHE_PROPAGATION_SECONDS
            ),
        )

    def ports(self) -> DeliveryPorts:
        return self._ports


class Hour:
    def __init__(self) -> None:
        self._table, self._resumed = CountingTable(), 0
        self._deliver = Deliver(self._table)

    def seed(self, count: int, subscription: Subscription) -> None:
        """Open its breaker, and let its lanes have waited for a day."""
        self._table.subscriptions = [subscription_to_item(subscription)]
        self._open_breaker(subscription.id)
        is_blocked = subscription.is_blocked
        reason = SuspendedReason.BLOCKED if is_blocked else SuspendedReason.CIRCUIT_OPEN
        for number in range(count):
            since = NOON - DAY + number / 2
            held = HeldLane.held_at(Lane(subscription.id, str(number)), 1, now=since)
            self._table.put(lane_to_item(held.suspended_for(reason)))
            record = DeliveryRecord.waiting(a_delivery(1, pipeline_id=number))
            self._table.put(record_to_item(record, expires_at=None))
        self._table.requests = 0

    def _open_breaker(self, subscription_id: str) -> None:
        healthy = EndpointHealth(subscription_id=subscription_id)
        opened = replace(
            healthy,
            failures=9,
            lanes=("1", "2", "3"),
            failing_since=NOON - DAY,
            due_at=NOON,
            probes=9,
            version=1,
        )
        assert self._deliver.ports().endpoint_health.save(healthy, opened)

    def requests(self) -> int:
        ports = self._deliver.ports()
        tick = a_tick(
            ports.ledger,
            ports.queue,
            ports.clock,
            endpoint_health=ports.endpoint_health,
            subscriptions=ports.subscriptions,
        )
        for _ in range(MINUTES):
            tick.resume_lanes()
            tick.probe_endpoints()
            tick.recheck_subscriptions()
            self._process()
            self._deliver.clock.sleep(60)
        return self._table.requests + self._resumed * SQS_REQUESTS

    def _process(self) -> None:
        resumes = self._deliver.queue.resumes
        while resumes:
            self._resumed += 1
            self._deliver.receive(resumes.pop(0))
        errors = [
            error for name, error in self._deliver.telemetry.reports if name == "internal_error"
        ]
        assert not errors, errors


def _entries(item: Item) -> list[tuple[str, Entry]]:
    """Return the entries of an item in the indexes."""
    return [
        (name, (item[partition]["S"], int(item[order]["N"]), *_key(item)))
        for name, (partition, order) in INDEXES.items()
        if partition in item and order in item
    ]


def _key(item: Item) -> tuple[str, str]:
    return item[Table.PARTITION_KEY]["S"], item[Table.SORT_KEY]["S"]


def _values(request: Any) -> Item:
    return dict(request["ExpressionAttributeValues"])
