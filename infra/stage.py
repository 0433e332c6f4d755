"""Deployment stages: the settings of one installation, as ``stages.toml`` declares them.

pydantic reads the file's tables. A setting that cannot work is refused in one line, with its table,
key and value, before anything is built.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import field
from difflib import get_close_matches
from math import ceil
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    ConfigDict,
    StrictBool,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from infra.setting_types import (
    ACCOUNT_ID,
    PRINCIPAL_ARN,
    THIS_ACCOUNT,
    TYPE_ERRORS,
    AccountId,
    BundleArn,
    CodeDeployConfig,
    Concurrency,
    KeyArn,
    PolicyName,
    Principal,
    Qualifier,
    Region,
    ReservedConcurrency,
    Tags,
    Texts,
    Timeout,
    TopicArn,
    allowed,
    check,
    of_ids,
    to_texts,
)
from lakehook.domain.errors import InvalidInput
from lakehook.domain.retry import JITTER, RetrySchedule
from lakehook.domain.subscription import MAX_DEADLINE_SECONDS

STAGES = "stages.toml"
PRODUCTION = "production"

PARAMETERS_DIGEST = "parameters-digest"
"""The name, in the CDK's context, of a digest of the parameters that a deployment is given."""

DEADLINE_MARGIN_SECONDS = 5
"""Seconds that a function needs around a request: reading, signing, and writing the result."""

SCHEDULER_INTERVAL_SECONDS = 60

MAX_SUBNETS, MAX_SECURITY_GROUPS = 16, 5
"""https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html"""

MAX_PRODUCERS, MAX_PRODUCERS_CHARACTERS = 48, 3_000
"""A queue's policy has 50 principals and 8,192 bytes, and contains each name twice.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
"""

MAX_QUEUE_DAYS = 14
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""

RETRY_SCHEDULE = "5,300,1800,7200,18000,36000,50400,72000,86400"
"""5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h."""

LOGS_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192),
    *(2557, 2922, 3288, 3653),
)
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""

MIN_SIMILARITY = 0.85
"""``[prodution]`` is as similar to ``[production]``; ``[preprod]`` is not."""

_DAY_SECONDS = 24 * 3600
_NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
"""Short enough that the name of each queue stays within the 80 characters of SQS."""


class InvalidStages(ValueError):
    """The error of a file of stages: one line with the file, the table, the key and the value."""


_validated = dataclass(
    frozen=True, kw_only=True, config=ConfigDict(extra="forbid", validate_default=True)
)


@_validated
class Network:
    """The VPC of a stage, given by its subnets.

    Deliveries then reach private endpoints, or leave from a fixed address. The subnets need a route
    to SQS, DynamoDB and KMS, to SES if mail is sent, to Secrets Manager if an API of DevLake is
    configured, and to the service with the CA bundle: by a NAT gateway or by VPC endpoints.
    """

    subnets: Annotated[Texts, of_ids("subnet", MAX_SUBNETS)]
    security_groups: Annotated[Texts, of_ids("sg", MAX_SECURITY_GROUPS)]


@_validated
class Retention:
    """Retention of data: events for replays, records to explain deliveries, and logs."""

    retry_schedule: StrictStr = RETRY_SCHEDULE
    events_days: StrictInt = 30
    records_days: StrictInt = 60
    logs_days: Annotated[
        StrictInt,
        allowed(f"choose one of {', '.join(map(str, LOGS_DAYS))}", lambda days: days in LOGS_DAYS),
    ] = 90

    @field_validator("retry_schedule")
    @classmethod
    def _read_schedule(cls, text: str) -> str:
        try:
            RetrySchedule.parse(text)
        except InvalidInput as error:
            raise PydanticCustomError("not_allowed", "{allowed}", {"allowed": str(error)}) from None
        return text

    @field_validator("events_days", "records_days", "logs_days")
    @classmethod
    def _outlive(cls, days: int, info: ValidationInfo) -> int:
        for minimum, purpose in _minimum_days(info):
            check(days >= minimum, f"choose at least the {ceil(minimum)} days {purpose}")
        return days


def _minimum_days(info: ValidationInfo) -> list[tuple[float, str]]:
    """List what the setting must outlive; nothing while an earlier setting is invalid."""
    valid = info.data
    if info.field_name == "events_days" and "retry_schedule" in valid:
        delays = RetrySchedule.parse(valid["retry_schedule"]).delays
        return [
            (MAX_QUEUE_DAYS, "that a queue may hold a message back"),
            (sum(delays) * (1 + JITTER) / _DAY_SECONDS, "that a delivery may be retried"),
        ]
    if info.field_name == "records_days" and "events_days" in valid:
        return [(valid["events_days"], "that an event can be replayed")]
    if info.field_name == "logs_days" and "records_days" in valid:
        return [(valid["records_days"], "that a delivery can be explained")]
    return []


@_validated
class Stage:
    """The settings of a stage; times are in seconds.

    With ``retain_on_delete`` the stack refuses deletion, its tables, queues, key, secrets and logs
    outlive it all the same, and its tables can be restored to a point in time. A reserved
    concurrency of ``None`` reserves nothing: the function shares what the account has left.
    Without ``account`` or ``region``, it is deployed wherever the credentials lead.
    """

    name: Annotated[
        StrictStr,
        allowed(
            "choose up to 24 lower-case letters, digits and hyphens, a letter first; "
            "it becomes part of every queue's name",
            _NAME.fullmatch,
        ),
    ]
    retain_on_delete: StrictBool
    alarms: StrictBool
    fanout_concurrency: Concurrency
    deliver_concurrency: Concurrency
    ingress_concurrency: ReservedConcurrency
    api_concurrency: ReservedConcurrency
    ingress_timeout_seconds: Timeout = 15
    fanout_timeout_seconds: Timeout = 30
    deliver_timeout_seconds: Timeout = 28
    scheduler_timeout_seconds: Timeout = 60
    api_timeout_seconds: Timeout = 60
    retention: Retention = field(default_factory=Retention)
    producers: Annotated[tuple[Principal, ...], BeforeValidator(to_texts)] = (THIS_ACCOUNT,)
    network: Network | None = None
    account: AccountId | None = None
    region: Region | None = None
    qualifier: Qualifier | None = None
    permissions_boundary: PolicyName | None = None
    tags: Tags = field(default_factory=dict)
    operators_topic_arn: TopicArn | None = None
    secrets_key_arn: KeyArn | None = None
    dashboard: StrictBool = False
    deployment_config: CodeDeployConfig | None = None
    ca_bundle_arn: BundleArn | None = None
    """Certificates, in PEM, of authorities that receivers are trusted by beside public ones."""

    @property
    def stack_name(self) -> str:
        return "Lakehook" if self.name == PRODUCTION else f"Lakehook-{self.name}"

    @property
    def ca_bundle_service(self) -> str | None:
        """The service of AWS that stores the CA bundle, by its name in ARNs."""
        return self.ca_bundle_arn.split(":")[2] if self.ca_bundle_arn else None

    @property
    def includes_this_account(self) -> bool:
        return THIS_ACCOUNT in self.producers

    @property
    def producer_accounts(self) -> list[str]:
        return [name for name in self.producers if ACCOUNT_ID.fullmatch(name)]

    @property
    def producer_principals(self) -> list[str]:
        return [name for name in self.producers if PRINCIPAL_ARN.fullmatch(name)]

    @field_validator("operators_topic_arn", "secrets_key_arn")
    @classmethod
    def _be_of_the_region(cls, arn: str | None, info: ValidationInfo) -> str | None:
        """Reject what CloudWatch or a function's KMS client would look for in vain."""
        region = info.data.get("region")
        check(
            not (arn and region) or f":{region}:" in str(arn),
            f"choose one of the stage's region, {region}",
        )
        return arn

    @field_validator("deliver_timeout_seconds")
    @classmethod
    def _outlive_an_exchange(cls, seconds: int) -> int:
        minimum = MAX_DEADLINE_SECONDS + DEADLINE_MARGIN_SECONDS
        check(
            seconds > minimum,
            f"choose more than {minimum:g}, to outlive an exchange of {MAX_DEADLINE_SECONDS:g} s",
        )
        return seconds

    @field_validator("scheduler_timeout_seconds")
    @classmethod
    def _end_before_the_next(cls, seconds: int) -> int:
        check(
            seconds <= SCHEDULER_INTERVAL_SECONDS,
            f"choose at most {SCHEDULER_INTERVAL_SECONDS}, so that two runs never overlap",
        )
        return seconds

    @field_validator("producers")
    @classmethod
    def _fit_into_a_policy(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        check(
            len(names) <= MAX_PRODUCERS and len("".join(names)) <= MAX_PRODUCERS_CHARACTERS,
            f"name at most {MAX_PRODUCERS}, of {MAX_PRODUCERS_CHARACTERS} characters together, "
            "or their accounts",
        )
        return names


_STAGE = TypeAdapter(Stage)
_TABLES: Mapping[str, Any] = {"retention": Retention, "network": Network}

_PRODUCTION_DEFAULTS = {
    "retain_on_delete": True,
    "alarms": True,
    "fanout_concurrency": 20,
    "deliver_concurrency": 200,
    "ingress_concurrency": 10,
    "api_concurrency": 5,
}
_DEFAULTS = {
    "retain_on_delete": False,
    "alarms": False,
    "fanout_concurrency": 2,
    "deliver_concurrency": 10,
    "ingress_concurrency": 2,
    "api_concurrency": 2,
}


def stage_named(name: str, settings: Mapping[str, Any] | None = None) -> Stage:
    """Build a stage from its defaults and settings; ``InvalidStages`` names the wrong one.

    Any stage but production is smaller and free to be deleted.
    """
    written = settings or {}
    if "name" in written:
        raise InvalidStages(_line(name, "name", written["name"], _unknown(Stage)))
    defaults = _PRODUCTION_DEFAULTS if name == PRODUCTION else _DEFAULTS
    try:
        return _STAGE.validate_python({"name": name, **defaults, **written})
    except ValidationError as error:
        raise InvalidStages(_describe(name, error)) from None


def read_stage(name: str, file: Path) -> Stage:
    """Read one stage of a file, all of which is checked."""
    stages = _read(file)
    if name not in stages:
        existing = ", ".join(stages) or "none"
        raise InvalidStages(
            f'{file}: no stage "{name}", the file has {existing}; add it as a table: [{name}]'
        )
    return stages[name]


def _read(file: Path) -> Mapping[str, Stage]:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
        return {name: _stage(name, table) for name, table in tables.items()}
    except OSError as error:
        raise InvalidStages(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise InvalidStages(f"{file}: {error}") from error


def _stage(name: str, table: Any) -> Stage:
    if not isinstance(table, Mapping):
        value = json.dumps(table, ensure_ascii=False, default=str)
        raise InvalidStages(
            f"{name} = {value}: a setting of which stage? Put it below its name, as [{PRODUCTION}]"
        )
    if PRODUCTION not in name and get_close_matches(name, [PRODUCTION], cutoff=MIN_SIMILARITY):
        raise InvalidStages(f"[{name}]: write [{PRODUCTION}], or choose a less similar name")
    return stage_named(name, table)


def _describe(stage: str, error: ValidationError) -> str:
    """Describe one error: a misspelled key comes before the key that it leaves missing."""
    unknown = "unexpected_keyword_argument"
    first = min(error.errors(include_url=False), key=lambda error_: error_["type"] != unknown)
    *tables, key = [part for part in first["loc"] if isinstance(part, str)]
    table = ".".join((stage, *tables))
    match first["type"]:
        case "missing":
            return f"[{table}] {key} is missing"
        case "unexpected_keyword_argument":
            allowed = _unknown(_TABLES[tables[0]] if tables else Stage)
        case "dataclass_type" | "dict_type":
            allowed = f"choose in a table of its own, [{table}.{key}]"
        case kind:
            allowed = TYPE_ERRORS.get(kind, first["msg"])
    return _line(table, key, first["input"], allowed)


def _unknown(table: Any) -> str:
    keys = sorted(table.__pydantic_fields__.keys() - {"name"})
    return f"no such setting; there are {', '.join(keys)}"


def _line(table: str, key: str, value: Any, allowed: str) -> str:
    return f"[{table}] {key} = {json.dumps(value, ensure_ascii=False, default=str)}: {allowed}"
