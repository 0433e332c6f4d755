"""Statements of PartiQL, up to 25 writes in one request: each succeeds or fails by itself.

The response is 200 even when every statement failed. An ``INSERT`` fails with ``DuplicateItem`` if
its key is taken, so it is a put on the condition that there is no such item.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html

A statement costs the units of the same write by ``PutItem``, also one that fails. No page says so,
but others have captured it, and that two statements of one item fail the whole request:
https://github.com/nubo-db/dynoxide/blob/main/src/actions/batch_execute_statement.rs
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import PAUSES_SECONDS, Item
from lakehook.ports.system import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_STATEMENTS = 25

Statement = dict[str, Any]

_TRANSIENT = (
    "InternalServerError",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "ThrottlingError",
    "TransactionConflict",
)


def insert(table: str, item: Item) -> Statement:
    """Write an item unless its key is taken. The names are ours, so none contains a quote."""
    names = ", ".join(f"'{name}': ?" for name in item)
    return {
        "Statement": f'INSERT INTO "{table}" VALUE {{{names}}}',
        "Parameters": list(item.values()),
    }


def update(
    table: str, key: Item, values: Item, *, removed: Collection[str], condition: Item
) -> Statement:
    """Change an item whose attributes equal those of the condition."""
    changes = [f'SET "{name}" = ?' for name in values] + [f'REMOVE "{name}"' for name in removed]
    where = " AND ".join(f'"{name}" = ?' for name in (*key, *condition))
    return {
        "Statement": f'UPDATE "{table}" {" ".join(changes)} WHERE {where}',
        "Parameters": [*values.values(), *key.values(), *condition.values()],
    }


def execute_writes(
    dynamodb: "DynamoDBClient", statements: Sequence[Statement]
) -> list[ClientError | None]:
    """Execute writes of different items; the error of each statement, None if it succeeded.

    Raises ``InfrastructureError`` if the whole request failed.
    """
    with translate_aws_errors():
        answer: Any = dynamodb.batch_execute_statement(Statements=statements)  # type: ignore[arg-type]
    return [_error_in(response) for response in answer["Responses"]]


def execute_writes_again(
    dynamodb: "DynamoDBClient", statements: Sequence[Statement], clock: Clock
) -> list[ClientError | None]:
    """Execute any number of writes, and retry those that met a limit or a transaction.

    botocore retries a request that failed, but no statement that failed in a successful request.
    """
    errors: list[ClientError | None] = [None] * len(statements)
    going = list(range(len(statements)))
    for pause in (*PAUSES_SECONDS, None):
        for start in range(0, len(going), MAX_STATEMENTS):
            part = going[start : start + MAX_STATEMENTS]
            outcomes = execute_writes(dynamodb, [statements[number] for number in part])
            for number, error in zip(part, outcomes, strict=True):
                errors[number] = error
        going = [number for number in going if _is_transient(errors[number])]
        if not going or pause is None:
            break
        clock.sleep(pause)
    return errors


def _is_transient(error: ClientError | None) -> bool:
    return error is not None and error.response["Error"]["Code"] in _TRANSIENT


def _error_in(response: dict[str, Any]) -> ClientError | None:
    if "Error" not in response:
        return None
    error: Any = {"Message": "", **response["Error"]}
    return ClientError({"Error": error}, "BatchExecuteStatement")
