"""The past on DynamoDB: the journal, read through from its front.

No index finds events by their time: it would cost a write for each event, for what is seldom
asked. A page may hold nothing that is meant, and is then only a place to read on from.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_item import from_item, milliseconds, to_item
from lakehook.adapters.journal_items import EVENT, accepted_of
from lakehook.ports.replay import Found, PastPage
from lakehook.settings import PipelinesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MOST_ITEMS = 500
_BETWEEN = "/"  # no id of a pipeline has one, but the key of one of a named source has
_BEHIND_A_SLASH = " "  # no key and no id of an event has one


@dataclass(frozen=True)
class DynamoPast:
    dynamodb: "DynamoDBClient"
    table: str
    items_a_page: int = MOST_ITEMS

    def page(self, *, since: float, until: float, after: str) -> PastPage:
        start = {"ExclusiveStartKey": _key(after)} if after else {}
        with own_trouble():
            answer: Any = self.dynamodb.scan(
                TableName=self.table,
                ConsistentRead=True,
                Limit=self.items_a_page,
                FilterExpression="begins_with(#record, :event)"
                " AND accepted_at BETWEEN :since AND :until",
                ExpressionAttributeNames={"#record": Table.SORT_KEY},
                ExpressionAttributeValues=to_item(
                    {":event": EVENT, ":since": milliseconds(since), ":until": milliseconds(until)}
                ),
                **start,
            )
        found = [Found(accepted_of(from_item(one)), _cursor(one)) for one in answer["Items"]]
        last = answer.get("LastEvaluatedKey")
        return PastPage(found, _cursor(last) if last else "", answer["ScannedCount"])


def _cursor(item: Any) -> str:
    pipeline, record = item[Table.PARTITION_KEY]["S"], item[Table.SORT_KEY]["S"]
    between = _BEHIND_A_SLASH if _BETWEEN in pipeline else _BETWEEN
    return f"{pipeline}{between}{record}"


def _key(cursor: str) -> Any:
    between = _BEHIND_A_SLASH if _BEHIND_A_SLASH in cursor else _BETWEEN
    pipeline, _, record = cursor.partition(between)
    return to_item({Table.PARTITION_KEY: pipeline, Table.SORT_KEY: record})
