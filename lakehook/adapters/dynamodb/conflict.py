"""Detection of write conflicts in DynamoDB's errors.

A single write is rejected while a transaction holds the item, and botocore does not retry it:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from lakehook.ports.system import Clock

PAUSES_SECONDS = (0.05, 0.2)  # a transaction holds its items for milliseconds


def is_lost_race(error: ClientError) -> bool:
    """Whether the item has changed since it was read, or a transaction is changing it now."""
    return bool(_codes(error) & {"ConditionalCheckFailed", "TransactionConflict"})


def retry_conflicts(write: Callable[[], Any], clock: Clock) -> None:
    """Retry a write that conflicts with a transaction; any other error is final."""
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
