"""DynamoDB's typed values, to and from plain ones, and consistent reads, and write conflicts.

boto3 has a serializer, but importing boto3 takes a tenth of a function's start.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lakehook.adapters.aws import translate_aws_errors
from lakehook.domain.errors import InfrastructureError
from lakehook.ports.system import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAUSES_SECONDS = (0.05, 0.2)  # a transaction holds its items for milliseconds

Item = dict[str, Any]

_TURNS = 5
_MAX_KEYS = 100  # limit of BatchGetItem
_MAX_PUTS = 25  # limit of BatchWriteItem
_WRITE_UNIT_BYTES = 1024


def is_lost_race(error: ClientError) -> bool:
    """Whether the item has changed since it was read, or a transaction is changing it now."""
    return bool(_codes(error) & {"ConditionalCheckFailed", "TransactionConflict"})


def retry_conflicts(write: Callable[[], Any], clock: Clock) -> None:
    """Retry a write that conflicts with a transaction; any other error is final.

    A single write is rejected while a transaction holds the item, and botocore does not retry it:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
    """
    for pause in PAUSES_SECONDS:
        try:
            write()
        except ClientError as error:
            if _codes(error) != {"TransactionConflict"}:
                raise
            clock.sleep(pause)
        else:
            return
    write()


def _codes(error: ClientError) -> set[str]:
    """Return the error codes; of a transaction, those of each of its actions."""
    response: Any = error.response
    code = response["Error"]["Code"]
    if code != "TransactionCanceledException":
        return {code.removesuffix("Exception")}
    reasons = {reason.get("Code") for reason in response.get("CancellationReasons", ())}
    return {reason for reason in reasons if reason and reason != "None"}


_SCALARS: Mapping[type, Callable[[Any], Item]] = {
    str: lambda value: {"S": value},
    bool: lambda value: {"BOOL": value},
    int: lambda value: {"N": str(value)},
    bytes: lambda value: {"B": value},
    type(None): lambda _: {"NULL": True},
}
_AS_THEY_ARE = frozenset(("S", "BOOL", "B"))


def to_item(values: Mapping[str, Any]) -> Item:
    """Write plain values, omitting None."""
    return {name: _typed(value) for name, value in values.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in item.items()}


def to_milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def optional_milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else to_milliseconds(seconds)


def optional_seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def get_item(dynamodb: "DynamoDBClient", table: str, key: Item) -> Item | None:
    """Read one item consistently."""
    with translate_aws_errors():
        answer = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)
    return answer.get("Item")


def is_written(write: Callable[[], Any]) -> bool:
    """Write on a condition; false if it does not hold, or a transaction changes the item now."""
    with translate_aws_errors():
        try:
            write()
        except ClientError as error:
            if not is_lost_race(error):
                raise
            return False
    return True


def _typed(value: Any) -> Item:
    if written := _SCALARS.get(type(value)):
        return written(value)
    if isinstance(value, str):  # a StrEnum
        return {"S": value}
    if isinstance(value, int):  # an IntEnum, such as http.HTTPStatus
        return {"N": str(int(value))}
    if isinstance(value, Mapping):
        return {"M": {name: _typed(member) for name, member in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [_typed(member) for member in value]}
    raise TypeError(f"{type(value).__name__} is nothing that we keep")


def _plain(typed: Mapping[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    if kind in _AS_THEY_ARE:
        return value
    match kind:
        case "N":
            return int(value)
        case "L":
            return [_plain(member) for member in value]
        case "M":
            return from_item(value)
    return None


def batch_get(dynamodb: "DynamoDBClient", table: str, keys: Sequence[Item]) -> list[Item]:
    """Read up to 100 different keys."""
    return batch_get_tables(dynamodb, {table: keys})[table]


def batch_get_tables(
    dynamodb: "DynamoDBClient", keys: Mapping[str, Sequence[Item]]
) -> dict[str, list[Item]]:
    """Read up to 100 different keys of tables. What a throttled one leaves out is read again."""
    assert sum(map(len, keys.values())) <= _MAX_KEYS, f"{len(keys)} keys in one read"
    items: dict[str, list[Item]] = {table: [] for table in keys}
    request: Any = {
        table: {"Keys": list(several), "ConsistentRead": True}
        for table, several in keys.items()
        if several
    }
    for _ in range(_TURNS):
        if not request:
            return items
        with translate_aws_errors():
            answer = dynamodb.batch_get_item(RequestItems=request)
        for table, read in answer["Responses"].items():
            items[table] += read
        request = answer.get("UnprocessedKeys")
    if request:
        raise InfrastructureError(
            f"{', '.join(request)}: BatchGetItem left keys unread {_TURNS} times"
        )
    return items


def batch_get_all(
    dynamodb: "DynamoDBClient", table: str, keys: Sequence[Item], *, at_a_time: int = _MAX_KEYS
) -> Iterator[Item]:
    """Read however many different keys, in no order."""
    for start in range(0, len(keys), at_a_time):
        yield from batch_get(dynamodb, table, keys[start : start + at_a_time])


def batch_put(
    dynamodb: "DynamoDBClient", table: str, items: Sequence[Item], clock: Clock
) -> list[Item]:
    """Put different items, unconditionally; return those that a throttled table has not taken."""
    rest: list[Item] = []
    for start in range(0, len(items), _MAX_PUTS):
        rest += _put_part(dynamodb, table, items[start : start + _MAX_PUTS], clock)
    return rest


def _put_part(
    dynamodb: "DynamoDBClient", table: str, items: Sequence[Item], clock: Clock
) -> list[Item]:
    request: Any = {table: [{"PutRequest": {"Item": item}} for item in items]}
    for pause in (*PAUSES_SECONDS, None):
        with translate_aws_errors():
            request = dynamodb.batch_write_item(RequestItems=request).get("UnprocessedItems")
        if not request or pause is None:
            break
        clock.sleep(pause)
    return [put["PutRequest"]["Item"] for put in (request or {}).get(table, ())]


def write_units(item: Item) -> int:
    """Return the units that a write of the item costs, without indexes."""
    return -(-item_bytes(item) // _WRITE_UNIT_BYTES)


def item_bytes(item: Item) -> int:
    """Return the size that writes and storage are charged by.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "B":
            return len(held)
        case "N":
            return (len(held) + 1) // 2 + 1
        case "L":
            return 3 + sum(1 + _value_bytes(member) for member in held)
        case "M":
            return 3 + len(held) + item_bytes(held)
    return 1


def read_pages(call: Any, **request: Any) -> Iterator[Item]:
    """Yield every item of a query or scan; pages are read as needed."""
    for answer in read_responses(call, **request):
        yield from answer["Items"]


def read_responses(call: Any, *, later_limit: int | None = None, **request: Any) -> Iterator[Any]:
    """Yield the responses of a query or scan, page by page.

    ``later_limit`` applies to every page but the first: a caller that gets there needs more.
    """
    while True:
        with translate_aws_errors():
            answer = call(**request)
        yield answer
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        request |= {"Limit": later_limit} if later_limit else {}
