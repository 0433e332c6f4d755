"""Time of the last notification of each source: one small item in the journal's table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import translate_aws_errors
from lakehook.adapters.dynamodb.devlake_items import devlake_item_key
from lakehook.adapters.dynamodb.items import from_item, to_item, to_milliseconds
from lakehook.domain.devlake.heard import Heard, LastAccepted, LastRefused, is_notice
from lakehook.domain.devlake.refusal import Refusal
from lakehook.domain.event import Event
from lakehook.ports.heard import ACCEPTED_EVERY_SECONDS, REFUSED_EVERY_SECONDS
from lakehook.ports.ingress import Now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_RECORD = "heard"


@dataclass
class DynamoHeard:
    """Fan-out records what was accepted, the ingress what it refused: neither reads it."""

    dynamodb: "DynamoDBClient"
    table: str
    now: Now
    _accepted_at: dict[str | None, float] = field(default_factory=dict)
    _refused_at: dict[str | None, float] = field(default_factory=dict)

    def accepted(self, event: Event) -> None:
        now = self.now()
        last = self._accepted_at.get(event.source, float("-inf"))
        if is_notice(event) and now - last >= ACCEPTED_EVERY_SECONDS:
            self._accepted_at[event.source] = now  # also if it fails: not for each event again
            values = {"accepted_at": to_milliseconds(now), "accepted_event_id": event.id}
            self._update(event.source, values)

    def refused(self, source: str | None, refusal: Refusal) -> None:
        now = self.now()
        last_at = self._refused_at.get(source, float("-inf"))
        if now - last_at >= REFUSED_EVERY_SECONDS:
            self._refused_at[source] = now
            last = LastRefused.of(refusal, now=now)
            values = {
                "refused_at": to_milliseconds(last.at),
                "refused_kind": last.kind,
                "refused_reason": last.reason,
            }
            self._update(source, values)

    def heard(self, source: str | None) -> Heard:
        with translate_aws_errors():
            answer = self.dynamodb.get_item(
                TableName=self.table, Key=devlake_item_key(source, _RECORD), ConsistentRead=True
            )
        values = from_item(answer.get("Item", {}))
        return Heard(_last_accepted(values), _last_refused(values))

    def _update(self, source: str | None, values: Mapping[str, Any]) -> None:
        assignments = ", ".join(f"{name} = :{name}" for name in values)
        with translate_aws_errors():
            self.dynamodb.update_item(
                TableName=self.table,
                Key=devlake_item_key(source, _RECORD),
                UpdateExpression=f"SET {assignments}",
                ExpressionAttributeValues=to_item(
                    {f":{name}": value for name, value in values.items()}
                ),
            )


def _last_accepted(values: Mapping[str, Any]) -> LastAccepted | None:
    if "accepted_at" not in values:
        return None
    return LastAccepted(values["accepted_at"] / 1000, values["accepted_event_id"])


def _last_refused(values: Mapping[str, Any]) -> LastRefused | None:
    if "refused_at" not in values:
        return None
    return LastRefused(
        values["refused_at"] / 1000, values["refused_kind"], values["refused_reason"]
    )
