"""Reading several items at once, consistently, whatever DynamoDB leaves for later."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import own_trouble
from lakehook.adapters.dynamo_item import Item
from lakehook.domain.errors import OwnTrouble

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TURNS = 5
_MOST_KEYS = 100  # BatchGetItem


def batch_get(dynamodb: "DynamoDBClient", table: str, keys: Sequence[Item]) -> Iterator[Item]:
    """Read up to 100 different keys. A throttled table answers a part; the rest is asked again."""
    assert len(keys) <= _MOST_KEYS, f"{len(keys)} keys in one read"
    request: Any = {table: {"Keys": list(keys), "ConsistentRead": True}}
    for _ in range(_TURNS):
        if not keys or not request:
            return
        with own_trouble():
            answer = dynamodb.batch_get_item(RequestItems=request)
        yield from answer["Responses"].get(table, [])
        request = answer.get("UnprocessedKeys")
    if request:
        raise OwnTrouble(f"{table}: BatchGetItem left keys unread {_TURNS} times")


def pages_of(call: Any, **request: Any) -> Iterator[Item]:
    """Every item of a query or scan, page by page, each page when it is needed."""
    for answer in answers_of(call, **request):
        yield from answer["Items"]


def answers_of(call: Any, *, later_limit: int | None = None, **request: Any) -> Iterator[Any]:
    """A query or scan page by page, with what DynamoDB says of each page.

    ``later_limit`` is that of every page but the first: who has come so far, wants more.
    """
    while True:
        with own_trouble():
            answer = call(**request)
        yield answer
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        request |= {"Limit": later_limit} if later_limit else {}
