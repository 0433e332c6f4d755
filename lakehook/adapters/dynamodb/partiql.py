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

Writes of several threads at the same time go together in one request (group commit). A write waits
a little for those of the other lanes of its batch, while any of them is under way. Those that come
while a request is in flight go together in the next one. A lone write waits for nothing. No thread
of its own is needed: one of those that wait sends the request for all.
"""

from collections.abc import Callable, Collection, Sequence
from threading import Event, Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import PAUSES_SECONDS, Item
from lakehook.domain.errors import InfrastructureError
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


PATIENCE_SECONDS = 1.0
"""Of a write that waits for a request in flight; a slow one delays the next by no more."""

LINGER_SECONDS = 0.02
"""Of a write while other lanes are under way. Their receivers seldom answer at the same moment."""

Execute = Callable[[Sequence[Statement]], Sequence[ClientError | None]]


class _Write:
    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.is_taken = False  # its request is in flight, or has ended
        self.turn = Event()  # set when it may send what waits, or when its request has ended
        self.error: ClientError | None = None
        self.failure: Exception | None = None


class GroupCommit:
    """Writes that wait. At most 25 go in one request, each of another item.

    A thread that works on a lane, and may write soon, enters it as a context.
    """

    def __init__(
        self,
        *,
        linger_seconds: float = LINGER_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._linger_seconds = linger_seconds
        self._patience_seconds = patience_seconds
        self._lock = Lock()
        self._under_way = 0
        self._waiting: list[_Write] = []
        self._all_wait = Event()
        self._is_busy = False

    def __enter__(self) -> None:
        with self._lock:
            self._under_way += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._under_way -= 1
            self._notice_if_all_wait()

    def __call__(self, statement: Statement, execute: Execute) -> ClientError | None:
        """Execute a statement, perhaps with others; return its own error, or None.

        A failure of the whole request is raised in each of its threads.
        """
        write = _Write(statement)
        if not self._enters(write):
            write.turn.wait(self._patience_seconds)
        self._linger(write)
        if group := self._take(write):
            self._commit(group, execute)
        else:
            write.turn.wait()
        if write.failure:
            raise InfrastructureError(str(write.failure)) from write.failure
        return write.error

    def _enters(self, write: _Write) -> bool:
        """Queue the write; whether it need not wait, since no request is in flight."""
        with self._lock:
            self._waiting.append(write)
            self._notice_if_all_wait()
            is_first, self._is_busy = not self._is_busy, True
            return is_first

    def _notice_if_all_wait(self) -> None:
        if len(self._waiting) >= self._under_way:
            self._all_wait.set()

    def _linger(self, write: _Write) -> None:
        """Give the other lanes a moment to write, too."""
        with self._lock:
            if write.is_taken:
                return
            self._all_wait.clear()
            self._notice_if_all_wait()
        self._all_wait.wait(self._linger_seconds)

    def _take(self, write: _Write) -> list[_Write]:
        """Take a write and the others that wait; nothing if another thread has taken it."""
        with self._lock:
            if write.is_taken:
                return []
            self._waiting.remove(write)
            group = [write, *self._waiting[: MAX_STATEMENTS - 1]]
            del self._waiting[: MAX_STATEMENTS - 1]
            for taken in group:
                taken.is_taken = True
                taken.turn.clear()
            return group

    def _commit(self, group: Sequence[_Write], execute: Execute) -> None:
        try:
            errors = execute([write.statement for write in group])
            for write, error in zip(group, errors, strict=True):
                write.error = error
        except Exception as failure:  # noqa: BLE001  each thread raises it
            for write in group:
                write.failure = failure
        finally:
            self._pass_on()
            for write in group:
                write.turn.set()

    def _pass_on(self) -> None:
        """Let the first that waits send the next request."""
        with self._lock:
            self._is_busy = bool(self._waiting)
            if self._waiting:
                self._waiting[0].turn.set()
