"""Endpoints in the ledger's table: circuit breakers, rate limits, and results of pings.

Each is a small item: of an endpoint that is not healthy, of a limit with its next free send time,
of a ping for a day. Of a limit nothing is read before a write: a condition decides, and a rejection
returns the current item.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import (
    Item,
    batch_get_all,
    from_item,
    get_item,
    is_written,
    optional_milliseconds,
    optional_seconds,
    to_item,
    to_milliseconds,
)
from lakehook.adapters.dynamodb.ledger_items import BREAKERS, attempt_from_item, attempt_to_item
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.queue_message import Ping, PingResult
from lakehook.domain.rate_limit import Reservation
from lakehook.ports.system import Clock
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HEALTH = "health"
FORM = 1


def is_health(item: Item) -> bool:
    return bool(item[Table.SORT_KEY]["S"] == HEALTH)


def health_key(subscription_id: str) -> Item:
    """Return the key: a partition without a pipeline, next to the subscription's lanes."""
    return to_item({Table.PARTITION_KEY: f"{subscription_id}#", Table.SORT_KEY: HEALTH})


@dataclass(frozen=True)
class DynamoEndpointHealthStore:
    dynamodb: "DynamoDBClient"
    table: str

    def find(self, subscription_id: str) -> EndpointHealth:
        item = get_item(self.dynamodb, self.table, health_key(subscription_id))
        return health_from_item(item) if item else EndpointHealth(subscription_id=subscription_id)

    def find_many(self, subscription_ids: Collection[str]) -> Mapping[str, EndpointHealth]:
        keys = [health_key(subscription_id) for subscription_id in subscription_ids]
        healths = map(health_from_item, batch_get_all(self.dynamodb, self.table, keys))
        return {health.subscription_id: health for health in healths}

    def save(self, before: EndpointHealth, after: EndpointHealth) -> bool:
        condition: Any = {
            "ConditionExpression": "health_version = :version",
            "ExpressionAttributeValues": to_item({":version": before.version}),
        }
        if before.version == 0:
            condition = {
                "ConditionExpression": "attribute_not_exists(#lane)",
                "ExpressionAttributeNames": {"#lane": Table.PARTITION_KEY},
            }
        return is_written(lambda: self._write(after, condition))

    def _write(self, after: EndpointHealth, condition: Any) -> None:
        if after.is_healthy:
            key = health_key(after.subscription_id)
            self.dynamodb.delete_item(TableName=self.table, Key=key, **condition)
        else:
            self.dynamodb.put_item(TableName=self.table, Item=_health_to_item(after), **condition)


def _health_to_item(health: EndpointHealth) -> Item:
    """Build the item. It is in the index if the scheduler is to look at it."""
    check_at = health.check_at
    return health_key(health.subscription_id) | to_item(
        {
            Table.DUE_SHARD: None if check_at is None else BREAKERS,
            Table.DUE_AT: optional_milliseconds(check_at),
            "is_open": health.is_open,
            "form": FORM,
            "failures": health.failures,
            "lanes": list(health.lanes),
            "failing_since": optional_milliseconds(health.failing_since),
            "retry_after_until": to_milliseconds(health.retry_after_until),
            "probes": health.probes,
            "resume_batch_size": health.resume_batch_size,
            "average_ms": round(health.average_ms),
            "permits": [to_milliseconds(permit) for permit in health.permits],
            "unanswered_since": optional_milliseconds(health.unanswered_since),
            "slow_since": optional_milliseconds(health.slow_since),
            "last_attempt": health.last_attempt and attempt_to_item(health.last_attempt),
            "last_success_at": optional_milliseconds(health.last_success_at),
            "health_version": health.version,
        }
    )


def health_from_item(item: Item) -> EndpointHealth:
    """Read an item. In those of the release before only an open breaker has a due time."""
    values = from_item(item)
    due_at = optional_seconds(values.get(Table.DUE_AT))
    return EndpointHealth(
        subscription_id=values[Table.PARTITION_KEY].rstrip("#"),
        failures=values["failures"],
        lanes=tuple(values["lanes"]),
        failing_since=optional_seconds(values.get("failing_since")),
        due_at=due_at if values.get("is_open", True) else None,
        retry_after_until=values["retry_after_until"] / 1000,
        probes=values["probes"],
        resume_batch_size=values["resume_batch_size"],
        average_ms=float(values["average_ms"]),
        permits=tuple(permit / 1000 for permit in values["permits"]),
        unanswered_since=optional_seconds(values.get("unanswered_since")),
        slow_since=optional_seconds(values.get("slow_since")),
        last_attempt=attempt_from_item(last) if (last := values.get("last_attempt")) else None,
        last_success_at=optional_seconds(values.get("last_success_at")),
        version=values["health_version"],
    )


RATE_LIMIT = "rate_limit"
KEPT_SECONDS = 24 * 3600  # after the last reserved time
MAX_TRIES = 5  # if others reserve at the same time


@dataclass(frozen=True)
class DynamoRateLimitStore:
    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock

    def reserve(self, key: str, *, interval: float, not_later_than: float) -> Reservation:
        """Reserve in one write if no lane waits, in two otherwise."""
        kept_until = int(not_later_than + interval) + KEPT_SECONDS
        for _ in range(MAX_TRIES):
            now = self.clock.now()
            taken, next_free_at = self._take_now(key, now, interval, kept_until)
            if taken:
                return Reservation(now, next_free_at)
            if next_free_at > not_later_than:
                return Reservation(None, next_free_at)
            taken, next_free_at = self._take_next(key, now, interval, not_later_than, kept_until)
            if taken:
                return Reservation(next_free_at - interval, next_free_at)
        raise InfrastructureError(f"{key}: its rate limit is being written all the time")

    def _take_now(
        self, key: str, now: float, interval: float, kept_until: int
    ) -> tuple[bool, float]:
        condition = "attribute_not_exists(next_free_at) OR next_free_at <= :now"
        values = {":now": to_milliseconds(now), ":then": to_milliseconds(now + interval)}
        return self._update(key, "SET next_free_at = :then", condition, values, kept_until)

    def _take_next(
        self, key: str, now: float, interval: float, latest: float, kept_until: int
    ) -> tuple[bool, float]:
        values = {
            ":now": to_milliseconds(now),
            ":latest": to_milliseconds(latest),
            ":interval": to_milliseconds(interval),
        }
        condition = "next_free_at > :now AND next_free_at <= :latest"
        return self._update(
            key, "SET next_free_at = next_free_at + :interval", condition, values, kept_until
        )

    def _update(
        self, key: str, update: str, condition: str, values: dict[str, int], kept_until: int
    ) -> tuple[bool, float]:
        """Return whether it was written, and the next free time."""
        with translate_aws_errors():
            try:
                answer = self.dynamodb.update_item(
                    TableName=self.table,
                    Key=to_item(
                        {Table.PARTITION_KEY: f"{RATE_LIMIT}#{key}", Table.SORT_KEY: RATE_LIMIT}
                    ),
                    UpdateExpression=f"{update}, #ttl = :ttl",
                    ConditionExpression=condition,
                    ExpressionAttributeNames={"#ttl": Table.TTL},
                    ExpressionAttributeValues=to_item({**values, ":ttl": kept_until}),
                    ReturnValues="UPDATED_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self.dynamodb.exceptions.ConditionalCheckFailedException as error:
                response: Any = error.response
                return False, _next_free_at(response.get("Item", {}))  # it may have expired
        return True, _next_free_at(answer["Attributes"])


def _next_free_at(item: Item) -> float:
    return float(from_item(item).get("next_free_at", 0)) / 1000


PING_KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True)
class DynamoPings:
    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock

    def record(self, ping: Ping, result: PingResult) -> None:
        item = _ping_key(ping) | to_item(
            {
                Table.TTL: int(self.clock.now()) + PING_KEPT_SECONDS,
                "attempt": attempt_to_item(result.attempt),
                "echoed": result.echoed,
            }
        )
        with translate_aws_errors():
            self.dynamodb.put_item(TableName=self.table, Item=item)

    def find(self, ping: Ping) -> PingResult | None:
        item = get_item(self.dynamodb, self.table, _ping_key(ping))
        if item is None:
            return None
        values = from_item(item)
        return PingResult(attempt_from_item(values["attempt"]), echoed=values["echoed"])


def _ping_key(ping: Ping) -> Item:
    """Return the key, in the partition of the endpoint's health."""
    return to_item({Table.PARTITION_KEY: f"{ping.subscription_id}#", Table.SORT_KEY: ping.event_id})
