"""Rate limits in the ledger's table: one small item per limit, with its next free send time.

Nothing is read before a write: a condition decides, and a rejection returns the current item.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import Item, from_item, to_item, to_milliseconds
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.rate_limit import Reservation
from lakehook.ports.system import Clock
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

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

    def _take_now(self, name: str, now: float, every: float, kept_until: int) -> tuple[bool, float]:
        next_free_at, conditions = (
            "SET next_free_at = :then",
            "attribute_not_exists(next_free_at) OR next_free_at <= :now",
        )
        values = {":now": to_milliseconds(now), ":then": to_milliseconds(now + every)}
        return self._update(name, next_free_at, conditions, values, kept_until)

    def _take_next(
        self, name: str, now: float, every: float, latest: float, kept_until: int
    ) -> tuple[bool, float]:
        values = {
            ":now": to_milliseconds(now),
            ":latest": to_milliseconds(latest),
            ":every": to_milliseconds(every),
        }
        condition = "next_free_at > :now AND next_free_at <= :latest"
        return self._update(
            name, "SET next_free_at = next_free_at + :every", condition, values, kept_until
        )

    def _update(
        self, name: str, update: str, condition: str, values: dict[str, int], kept_until: int
    ) -> tuple[bool, float]:
        """Return whether it was written, and the next free time."""
        with translate_aws_errors():
            try:
                answer = self.dynamodb.update_item(
                    TableName=self.table,
                    Key=to_item(
                        {Table.PARTITION_KEY: f"{RATE_LIMIT}#{name}", Table.SORT_KEY: RATE_LIMIT}
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
