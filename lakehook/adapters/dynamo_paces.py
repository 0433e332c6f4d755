"""Paces on DynamoDB, in the ledger's table: one small item each, which says when a place is free.

Nobody reads before writing: a condition decides, and a refusal tells how things stand.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_item import Item, from_item, milliseconds, to_item
from lakehook.domain.errors import OwnTrouble
from lakehook.domain.rate import Place
from lakehook.ports.clock import Clock
from lakehook.settings import DeliveriesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PACE = "pace"
KEPT_SECONDS = 24 * 3600  # behind the last place that was given
MOST_TRIES = 5  # when others take places at the same time


@dataclass(frozen=True)
class DynamoPaces:
    dynamodb: "DynamoDBClient"
    table: str
    clock: Clock

    def reserve(self, name: str, *, every: float, latest: float) -> Place:
        """One write where nobody waits, two where somebody does."""
        kept_until = int(latest + every) + KEPT_SECONDS
        for _ in range(MOST_TRIES):
            now = self.clock.now()
            taken, free_at = self._take_now(name, now, every, kept_until)
            if taken:
                return Place(now, free_at)
            if free_at > latest:
                return Place(None, free_at)
            taken, free_at = self._take_next(name, now, every, latest, kept_until)
            if taken:
                return Place(free_at - every, free_at)
        raise OwnTrouble(f"{name}: its pace is being written all the time")

    def _take_now(self, name: str, now: float, every: float, kept_until: int) -> tuple[bool, float]:
        free_at, conditions = (
            "SET free_at = :then",
            "attribute_not_exists(free_at) OR free_at <= :now",
        )
        values = {":now": milliseconds(now), ":then": milliseconds(now + every)}
        return self._update(name, free_at, conditions, values, kept_until)

    def _take_next(
        self, name: str, now: float, every: float, latest: float, kept_until: int
    ) -> tuple[bool, float]:
        values = {
            ":now": milliseconds(now),
            ":latest": milliseconds(latest),
            ":every": milliseconds(every),
        }
        condition = "free_at > :now AND free_at <= :latest"
        return self._update(name, "SET free_at = free_at + :every", condition, values, kept_until)

    def _update(
        self, name: str, update: str, condition: str, values: dict[str, int], kept_until: int
    ) -> tuple[bool, float]:
        """Whether it was written, and which place is free, then or still."""
        with own_trouble():
            try:
                answer = self.dynamodb.update_item(
                    TableName=self.table,
                    Key=to_item({Table.PARTITION_KEY: f"{PACE}#{name}", Table.SORT_KEY: PACE}),
                    UpdateExpression=f"{update}, #ttl = :ttl",
                    ConditionExpression=condition,
                    ExpressionAttributeNames={"#ttl": Table.TTL},
                    ExpressionAttributeValues=to_item({**values, ":ttl": kept_until}),
                    ReturnValues="UPDATED_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self.dynamodb.exceptions.ConditionalCheckFailedException as error:
                response: Any = error.response
                return False, _free_at(response["Item"])
        return True, _free_at(answer["Attributes"])


def _free_at(item: Item) -> float:
    return float(from_item(item)["free_at"]) / 1000
