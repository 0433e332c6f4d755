"""Time of the last notification of each source: one small item in the journal's table."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.items import Item, from_item, get_item, to_item, to_milliseconds
from lakehook.domain.devlake.last_heard import (
    ACCEPTED_EVERY_SECONDS,
    Heard,
    LastAccepted,
    LastRefused,
    is_notice,
)
from lakehook.domain.event import DEFAULT_SOURCE, Event
from lakehook.ports.ingress import REFUSED_EVERY_SECONDS, Now
from lakehook.settings import PipelinesTable as Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from lakehook.domain.devlake.refusal import Refusal

_RECORD = "heard"
_MAY_REPLACE = (
    "attribute_not_exists(refused_at) OR refused_is_notice = :refused_is_notice"
    " OR accepted_at > refused_at"
)
"""Replace only a refusal of the same kind, or one that an accepted notification followed."""


def devlake_item_key(source: str | None, record: str) -> Item:
    """Return the key; the ``#`` keeps it apart from pipelines, whose ids have none."""
    partition = f"{Table.DEVLAKE}{source or DEFAULT_SOURCE}"
    return to_item({Table.PARTITION_KEY: partition, Table.SORT_KEY: record})


@dataclass
class DynamoHeard:
    """Recorder of last notifications. Fan-out writes accepted ones, the ingress rejected ones."""

    dynamodb: "DynamoDBClient"
    table: str
    now: Now
    _accepted_at: dict[str | None, float] = field(default_factory=dict)
    _refused_at: dict[tuple[str | None, bool], float] = field(default_factory=dict)

    def accepted(self, event: Event) -> None:
        now = self.now()
        last = self._accepted_at.get(event.source, float("-inf"))
        if is_notice(event) and now - last >= ACCEPTED_EVERY_SECONDS:
            self._accepted_at[event.source] = now  # also after a failure, which is not retried
            values = {"accepted_at": to_milliseconds(now), "accepted_event_id": event.id}
            self._update(event.source, values)

    def refused(self, source: str | None, refusal: "Refusal") -> None:
        now = self.now()
        key = (source, refusal.is_notice)
        last_at = self._refused_at.get(key, float("-inf"))
        if now - last_at >= REFUSED_EVERY_SECONDS:
            self._refused_at[key] = now
            last = LastRefused.of(refusal, now=now)
            values = {
                "refused_at": to_milliseconds(last.at),
                "refused_kind": last.kind,
                "refused_reason": last.reason,
                "refused_is_notice": last.is_notice,
            }
            self._update(source, values, "" if last.is_notice else _MAY_REPLACE)

    def heard(self, source: str | None) -> Heard:
        key = devlake_item_key(source, _RECORD)
        values = from_item(get_item(self.dynamodb, self.table, key) or {})
        return Heard(_last_accepted(values), _last_refused(values))

    def _update(self, source: str | None, values: Mapping[str, Any], condition: str = "") -> None:
        assignments = ", ".join(f"{name} = :{name}" for name in values)
        only_if: Any = {"ConditionExpression": condition} if condition else {}
        is_refused = self.dynamodb.exceptions.ConditionalCheckFailedException
        with translate_aws_errors(), suppress(is_refused):
            self.dynamodb.update_item(
                TableName=self.table,
                Key=devlake_item_key(source, _RECORD),
                UpdateExpression=f"SET {assignments}",
                ExpressionAttributeValues=to_item(
                    {f":{name}": value for name, value in values.items()}
                ),
                **only_if,
            )


def _last_accepted(values: Mapping[str, Any]) -> LastAccepted | None:
    if "accepted_at" not in values:
        return None
    return LastAccepted(values["accepted_at"] / 1000, values["accepted_event_id"])


def _last_refused(values: Mapping[str, Any]) -> LastRefused | None:
    if "refused_at" not in values:
        return None
    return LastRefused(
        values["refused_at"] / 1000,
        values["refused_kind"],
        values["refused_reason"],
        values.get("refused_is_notice", True),
    )
