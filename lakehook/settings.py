"""Settings shared by the stack, the functions and the command.

The stack writes them, and the others read them; each name is defined once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

UNSET = "-"
"""Value of an empty list: CloudFormation rejects an output without a value."""

REFUSED, ALLOWED = EMPTY_SECRET = ("refused", "allowed")
"""Whether notifications may be signed with an empty secret, so that anybody can sign."""


class Settings:
    """Settings from the environment: ``deliveries_queue_url`` is ``DELIVERIES_QUEUE_URL``."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read every field; a missing one is a ``KeyError`` that names the variable."""
        return cls(**{field.name: env[field.name.upper()] for field in fields(cls)})

    def to_env(self) -> dict[str, str]:
        return {field.name.upper(): getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, kw_only=True)
class IngressSettings(Settings):
    events_queue_url: str
    pipelines_table: str
    notification_secret_arn: str
    empty_secret: str  # one of EMPTY_SECRET
    devlake_api_url: str  # or UNSET
    devlake_ui_url: str  # or UNSET
    devlake_sources: str  # JSON, see ``DevLakeSources``
    devlake_api_secret_arn: str


@dataclass(frozen=True, kw_only=True)
class FanoutSettings(Settings):
    subscriptions_table: str
    pipelines_table: str
    events_queue_url: str
    deliveries_queue_url: str
    events_dead_letter_queue_url: str
    event_retention_days: str = "30"


@dataclass(frozen=True, kw_only=True)
class DeliverSettings(Settings):
    subscriptions_table: str
    deliveries_table: str
    deliveries_queue_url: str
    dead_letter_queue_url: str
    secrets_key: str
    retry_schedule: str
    allowed_networks: str
    email_sender: str  # or UNSET
    visibility_seconds: str
    record_retention_days: str = "60"
    ca_bundle_arn: str = UNSET  # or an ARN of Systems Manager or Secrets Manager


@dataclass(frozen=True, kw_only=True)
class SchedulerSettings(Settings):
    subscriptions_table: str
    deliveries_table: str
    deliveries_queue_url: str
    pipelines_table: str
    events_queue_url: str
    stall_thresholds: str
    devlake_api_url: str  # or UNSET
    devlake_ui_url: str  # or UNSET
    devlake_sources: str  # JSON, see ``DevLakeSources``
    devlake_api_secret_arn: str
    operators_topic_arn: str
    stack_name: str
    reconcile_seconds: str = "300"
    status_seconds: str = "300"

    @property
    def knows_an_api(self) -> bool:
        """Whether an API is configured for any DevLake, without parsing the settings."""
        return self.devlake_api_url != UNSET or '"api_url"' in self.devlake_sources


@dataclass(frozen=True, kw_only=True)
class ResourceNames:
    """Names of the resources that the operations use."""

    subscriptions_table: str
    pipelines_table: str
    deliveries_table: str
    events_queue_url: str
    deliveries_queue_url: str
    dead_letter_queue_url: str
    events_dead_letter_queue_url: str
    secrets_key: str
    allowed_networks: str
    email_sender: str  # or UNSET
    event_retention_days: str


@dataclass(frozen=True, kw_only=True)
class ApiSettings(ResourceNames, Settings):
    """All that the operations need."""


@dataclass(frozen=True, kw_only=True)
class StackOutputs(ResourceNames):
    """Outputs of the stack: ``events_queue_url`` is the output ``EventsQueueUrl``."""

    ingress_url: str
    notification_secret_arn: str
    devlake_api_url: str  # or UNSET
    devlake_ui_url: str  # or UNSET
    devlake_sources: str  # JSON, see ``DevLakeSources``
    devlake_api_secret_arn: str
    api_url: str
    operators_topic_arn: str

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, str]) -> Self:
        """Read every field; a missing output is a ``KeyError`` that names it."""
        return cls(**{field.name: outputs[output_name(field.name)] for field in fields(cls)})

    def to_outputs(self) -> dict[str, str]:
        return {output_name(field.name): getattr(self, field.name) for field in fields(self)}


def output_name(field_name: str) -> str:
    return "".join(word.capitalize() for word in field_name.split("_"))


class SubscriptionsTable:
    PARTITION_KEY = "id"


class PipelinesTable:
    """The journal. Its index is sparse: only counters of unfinished pipelines."""

    PARTITION_KEY = "pipeline_id"
    SORT_KEY = "record"
    TTL = "expires_at"
    DEVLAKE = "devlake#"  # and a source: partition of the records about its DevLake
    ACTIVE_INDEX = "active"
    ACTIVE = "active"
    ENTERED_AT = "entered_at"


class DeliveriesTable:
    """The ledger. Its indexes are sparse: held lanes, open breakers, dead letters."""

    PARTITION_KEY = "lane"
    SORT_KEY = "record"
    TTL = "expires_at"
    DUE_INDEX = "due"
    DUE_SHARD = "due_shard"
    DUE_AT = "due_at"
    HELD_INDEX = "held"
    HELD_BY = "held_by"
    HELD_SINCE = "held_since"
    SUSPENDED_INDEX = "suspended"
    SUSPENDED_SUBSCRIPTION = "suspended_subscription"
    SUSPENDED_REASON = "suspended_reason"


def parse_list(text: str) -> tuple[str, ...]:
    """Parse a list of a setting: names separated by commas, or ``-`` for none."""
    return () if text == UNSET else tuple(text.split(","))


def parse_optional(text: str) -> str | None:
    """Return a setting's value, or None for ``-``."""
    return None if text == UNSET else text
