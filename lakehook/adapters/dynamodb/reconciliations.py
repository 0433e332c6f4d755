"""State of the scheduled reconcile.

The state of a source is one item of the pipelines table. It is read as one of a batch, and written
by an update: for these the scheduler has permission already.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lakehook.adapters.dynamodb.items import (
    batch_get,
    from_item,
    is_written,
    optional_milliseconds,
    optional_seconds,
    to_item,
    to_milliseconds,
)
from lakehook.adapters.dynamodb.journal_items import Values
from lakehook.adapters.dynamodb.last_heard import devlake_item_key
from lakehook.domain.devlake.reconciliation import Cursor, Reconciliation, UnreadPages
from lakehook.domain.pipeline import PipelineState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_RECORD = "reconcile"


@dataclass(frozen=True)
class DynamoReconciliations:
    dynamodb: "DynamoDBClient"
    table: str

    def find(self, source: str | None) -> Reconciliation | None:
        items = batch_get(self.dynamodb, self.table, [devlake_item_key(source, _RECORD)])
        return _reconciliation(source, from_item(items[0])) if items else None

    def save(self, reconciliation: Reconciliation) -> Reconciliation | None:
        saved = replace(reconciliation, version=reconciliation.version + 1)
        update = {
            "TableName": self.table,
            "Key": devlake_item_key(reconciliation.source, _RECORD),
            **_update(_values(saved), version=reconciliation.version),
        }
        is_saved = is_written(lambda: self.dynamodb.update_item(**update))
        return _reconciliation(saved.source, _values(saved)) if is_saved else None


def _update(values: Values, *, version: int) -> Any:
    """Build the conditional update: set fields with a value, remove the others."""
    kept = {name: value for name, value in values.items() if value is not None}
    obsolete = values.keys() - kept.keys()
    set_ = ", ".join(f"#{name} = :{name}" for name in kept)
    remove = f" REMOVE {', '.join(f'#{name}' for name in sorted(obsolete))}" if obsolete else ""
    as_read = "#version = :as_read" if version else "attribute_not_exists(#version)"
    return {
        "UpdateExpression": f"SET {set_}{remove}",
        "ConditionExpression": as_read,
        "ExpressionAttributeNames": {f"#{name}": name for name in values},
        "ExpressionAttributeValues": to_item(
            {f":{name}": value for name, value in kept.items()}
            | ({":as_read": version} if version else {})
        ),
    }


def _values(state: Reconciliation) -> Values:
    return {
        "version": state.version,
        "started_at": to_milliseconds(state.started_at),
        "due_at": to_milliseconds(state.due_at),
        "watermark": to_milliseconds(state.watermark),
        "backlog": state.backlog and _backlog_values(state.backlog),
        "bound_at": optional_milliseconds(state.bound_at),
        "cursor": state.cursor and _cursor_values(state.cursor),
        "published": {id_: to_milliseconds(at) for id_, at in state.published.items()},
        "succeeded_at": optional_milliseconds(state.succeeded_at),
        "failed_at": optional_milliseconds(state.failed_at),
        "error": state.error,
        "failures": state.failures,
    }


def _backlog_values(backlog: UnreadPages) -> Values:
    return {"since": to_milliseconds(backlog.since), "page": backlog.page}


def _cursor_values(cursor: Cursor) -> Values:
    return {
        "stage": str(cursor.state),
        "stalled": cursor.stalled,
        "entered_at": to_milliseconds(cursor.entered_at),
        "key": cursor.key,
    }


def _reconciliation(source: str | None, values: Values) -> Reconciliation:
    backlog, cursor = values.get("backlog"), values.get("cursor")
    return Reconciliation(
        source=source,
        version=values["version"],
        started_at=values["started_at"] / 1000,
        due_at=values["due_at"] / 1000,
        watermark=values["watermark"] / 1000,
        backlog=backlog and UnreadPages(since=backlog["since"] / 1000, page=backlog["page"]),
        bound_at=optional_seconds(values.get("bound_at")),
        cursor=cursor and _cursor(cursor),
        published={id_: at / 1000 for id_, at in values["published"].items()},
        succeeded_at=optional_seconds(values.get("succeeded_at")),
        failed_at=optional_seconds(values.get("failed_at")),
        error=values.get("error"),
        failures=values["failures"],
    )


def _cursor(values: Values) -> Cursor:
    return Cursor(
        state=PipelineState(values["stage"]),
        stalled=values["stalled"],
        entered_at=values["entered_at"] / 1000,
        key=values["key"],
    )
