"""Settings of a stage: typed tables of ``stages.toml``, and errors that name the key and the value.

They include the VPC, the principals that may send events, and how long data is kept. A VPC lets
deliveries reach private endpoints, or leave from a fixed address. Its subnets need a route to SQS,
DynamoDB and KMS, to SES if mail is sent, and to Secrets Manager if an API of DevLake is configured:
by a NAT gateway or by VPC endpoints.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from math import ceil
from typing import Any, Self, TypeVar, get_args, get_type_hints

MAX_SUBNETS, MAX_SECURITY_GROUPS = 16, 5
"""https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html"""
THIS_ACCOUNT = "this account"
"""Whom IAM lets in it. A stage that names roles instead shuts out all the others."""

ALLOWED = f'name "{THIS_ACCOUNT}", an account by its 12 digits, or a role or user by its ARN'

MAX_PRODUCERS, ROOM = 48, 3_000
"""A queue's policy has 50 principals and 8,192 bytes, and each name stands in it twice.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
"""

_ACCOUNT = re.compile(r"[0-9]{12}")
_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+", re.ASCII)
QUEUES_DAYS = 14
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""

DAY = 24 * 3600

RETRY_SCHEDULE = "5,300,1800,7200,18000,36000,50400,72000,86400"
"""5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h."""

_WEEK = 604_800
_BELOW_A_WEEK = r"0*(?:[0-9]{1,5}|[1-5][0-9]{5}|60[0-3][0-9]{3}|604[0-7][0-9]{2})(?:\.[0-9]+)?"
_DELAY = rf" *(?:{_BELOW_A_WEEK}|0*{_WEEK}(?:\.0+)?|[0-9](?:\.[0-9]+)?e-[0-9]{{1,3}}) *"
SCHEDULE = re.compile(rf"{_DELAY}(?:,{_DELAY}){{0,49}}")
"""All that ``RetrySchedule.parse`` reads."""

JITTER = 1.1
"""Each wait is up to a tenth longer than the schedule says."""

LOGS_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192),
    *(2557, 2922, 3288, 3653),
)
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""
NONE = "none"
"""How the file says what Python calls ``None``."""

UNSET = {"name"}
"""It is the table's own."""
Kind = TypeVar("Kind")


class InvalidSetting(ValueError):
    """The key, what was given, and what is allowed."""

    def __init__(self, key: str, given: Any, allowed: str) -> None:
        written = json.dumps(given, ensure_ascii=False, default=str)
        super().__init__(f"{key} = {written}: {allowed}")


class InvalidTable(ValueError):
    """A bad choice, and the table that it stands in."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """The VPC is the one that the subnets are in."""

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_ids("subnets", self.subnets, "subnet", MAX_SUBNETS)
        _check_ids("security_groups", self.security_groups, "sg", MAX_SECURITY_GROUPS)

    @classmethod
    def of(cls, *, subnets: Sequence[str], security_groups: Sequence[str]) -> Self:
        return cls(subnets=tuple(subnets), security_groups=tuple(security_groups))


@dataclass(frozen=True)
class Producers:
    names: tuple[str, ...] = (THIS_ACCOUNT,)

    def __post_init__(self) -> None:
        for name in self.names:
            if not (name == THIS_ACCOUNT or _ACCOUNT.fullmatch(name) or _PRINCIPAL.fullmatch(name)):
                raise InvalidSetting("producers", name, ALLOWED)
        if len(self.names) > MAX_PRODUCERS or len("".join(self.names)) > ROOM:
            allowed = (
                f"name at most {MAX_PRODUCERS}, of {ROOM} characters together, or their accounts"
            )
            raise InvalidSetting("producers", self.names, allowed)

    @property
    def include_this_account(self) -> bool:
        return THIS_ACCOUNT in self.names

    @property
    def accounts(self) -> list[str]:
        return [name for name in self.names if _ACCOUNT.fullmatch(name)]

    @property
    def principals(self) -> list[str]:
        return [name for name in self.names if _PRINCIPAL.fullmatch(name)]


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Events are what a replay reads; records are what explains a delivery."""

    retry_schedule: str = RETRY_SCHEDULE
    events_days: int = 30
    records_days: int = 60
    logs_days: int = 90

    def __post_init__(self) -> None:
        self._check_schedule()
        if self.logs_days not in LOGS_DAYS:
            allowed = f"choose one of {', '.join(map(str, LOGS_DAYS))}"
            raise InvalidSetting("logs_days", self.logs_days, allowed)
        self._check_span("events_days", QUEUES_DAYS, "that a queue may hold a message back")
        self._check_span("events_days", self._horizon_days(), "that a delivery may be retried")
        self._check_span("records_days", self.events_days, "that an event can be replayed")
        self._check_span("logs_days", self.records_days, "that a delivery can be explained")

    def _check_schedule(self) -> None:
        if not SCHEDULE.fullmatch(self.retry_schedule):
            allowed = f'choose 1 to 50 delays of 0 to {_WEEK} seconds, with commas: "5,300"'
            raise InvalidSetting("retry_schedule", self.retry_schedule, allowed)

    def _check_span(self, field: str, least: float, why: str) -> None:
        days = getattr(self, field)
        if days < least:
            raise InvalidSetting(field, days, f"choose at least the {ceil(least)} days {why}")

    def _horizon_days(self) -> float:
        return sum(float(delay) for delay in self.retry_schedule.split(",")) * JITTER / DAY


TABLES = (Retention, Network)


@dataclass(frozen=True)
class ConfigTable:
    place: str
    choices: Mapping[str, Any]

    def choices_for(self, kind: type[Any]) -> dict[str, Any]:
        """The arguments for a ``kind``; ``InvalidTable`` names the first that is none."""
        types = get_type_hints(kind)
        with in_section(self.place):
            self._check_names(sorted(types.keys() - UNSET))
            return {key: self._read(key, types[key]) for key in self.choices}

    def made_into(self, kind: type[Kind]) -> Kind:
        chosen = self.choices_for(kind)
        if missing := _needed(kind) - chosen.keys():
            raise InvalidTable(f"[{self.place}] chooses no {', '.join(sorted(missing))}")
        with in_section(self.place):
            return kind(**chosen)

    def _check_names(self, known: list[str]) -> None:
        for key, given in self.choices.items():
            if key not in known:
                raise InvalidSetting(key, given, f"no such choice; there are {', '.join(known)}")

    def _read(self, key: str, kind: Any) -> Any:
        given = self.choices[key]
        for table in TABLES:
            if table in (kind, *get_args(kind)):
                place = f"{self.place}.{key}"
                return ConfigTable(place, _table(key, given, place)).made_into(table)
        return _READERS[kind](key, given)


@contextmanager
def in_section(table: str) -> Iterator[None]:
    try:
        yield
    except InvalidSetting as error:
        raise InvalidTable(f"[{table}] {error}") from error


def _check_ids(field: str, ids: tuple[str, ...], prefix: str, most: int) -> None:
    of_aws = re.compile(rf"{prefix}-[0-9a-f]{{8}}([0-9a-f]{{9}})?")
    if not 1 <= len(ids) <= most or not all(of_aws.fullmatch(one) for one in ids):
        raise InvalidSetting(field, ids, f"name 1 to {most}, each {prefix}- and 8 or 17 digits")


def _needed(kind: type[Any]) -> set[str]:
    """What has no default."""
    return {
        field.name
        for field in fields(kind)
        if field.default is MISSING and field.default_factory is MISSING
    }


def _table(key: str, given: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InvalidSetting(key, given, f"choose in a table of its own, [{place}]")
    return given


def _whole_number(key: str, given: Any) -> int:
    if not isinstance(given, int) or isinstance(given, bool):
        raise InvalidSetting(key, given, "choose a whole number, without quotes")
    return given


def _whole_number_or_none(key: str, given: Any) -> int | None:
    if isinstance(given, str) and given != NONE:
        raise InvalidSetting(key, given, f'choose a whole number, without quotes, or "{NONE}"')
    return None if given == NONE else _whole_number(key, given)


def _yes_or_no(key: str, given: Any) -> bool:
    if not isinstance(given, bool):
        raise InvalidSetting(key, given, "choose true or false, without quotes")
    return given


def _text(key: str, given: Any) -> str:
    if not isinstance(given, str):
        raise InvalidSetting(key, given, "choose a text, in quotes")
    return given


def _texts(key: str, given: Any) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
        raise InvalidSetting(key, given, 'choose a list of texts, each in quotes: ["…", "…"]')
    return tuple(given)


_READERS: Mapping[Any, Callable[[str, Any], Any]] = {
    int: _whole_number,
    int | None: _whole_number_or_none,
    bool: _yes_or_no,
    str: _text,
    tuple[str, ...]: _texts,
    Producers: lambda key, given: Producers(_texts(key, given)),
}
