"""Deployment stages: the settings of one installation, as ``stages.toml`` declares them.

Settings that do not fit together are refused.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from infra.config import (
    ConfigTable,
    InvalidSetting,
    InvalidTable,
    Network,
    Producers,
    Retention,
    in_section,
)

MAX_SUBSCRIPTION_DEADLINE_SECONDS = 20
"""The most that a subscription may grant its endpoint for one exchange."""

DEADLINE_MARGIN_SECONDS = 5
"""What a function needs around that exchange: to read the ledger, to sign, to write it down."""

VISIBILITY_FACTOR = 6
"""https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""

MAX_VISIBILITY_SECONDS = 43_200
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"""

CONCURRENCY = range(2, 1001)
"""https://docs.aws.amazon.com/lambda/latest/api/API_ScalingConfig.html"""

MAX_TIMEOUT_SECONDS = 900
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

SCHEDULER_INTERVAL_SECONDS = 60

PRODUCTION = "production"

NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
"""Short enough that every queue's name stays within SQS's 80 characters."""
STAGES = "stages.toml"

ALIKE = 0.85
"""``[prodution]`` is; ``[preprod]`` is not."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Times in seconds.

    ``protected``: the stack refuses deletion; tables, key, secret and logs outlive it all the
    same, and tables can be restored to a minute.
    """

    name: str
    retain_on_delete: bool
    fanout_concurrency: int
    deliver_concurrency: int
    ingress_concurrency: int | None  # reserved; none: whatever the account has left
    api_concurrency: int | None
    ingress_timeout_seconds: int = 15
    fanout_timeout_seconds: int = 30
    deliver_timeout_seconds: int = 30
    scheduler_timeout_seconds: int = 60
    api_timeout_seconds: int = 60
    visibility_seconds: int = 180
    retention: Retention = field(default_factory=Retention)
    producers: Producers = field(default_factory=Producers)
    network: Network | None = None

    def __post_init__(self) -> None:
        self._check_name()
        for function in ("ingress", "fanout", "deliver", "scheduler", "api"):
            self._check_timeout(f"{function}_timeout_seconds")
        self._check_visibility()
        self._check_deadline()
        self._check_scheduler()
        self._check_concurrency("fanout_concurrency")
        self._check_concurrency("deliver_concurrency")
        self._check_reserved("ingress_concurrency")
        self._check_reserved("api_concurrency")

    @property
    def stack_name(self) -> str:
        return "Lakehook" if self.name == PRODUCTION else f"Lakehook-{self.name}"

    def _check_name(self) -> None:
        self._check(
            "name",
            NAME.fullmatch(self.name),
            "choose up to 24 lower-case letters, digits and hyphens, a letter first; "
            "it becomes part of every queue's name",
        )

    def _check_timeout(self, field: str) -> None:
        fits = 1 <= getattr(self, field) <= MAX_TIMEOUT_SECONDS
        self._check(field, fits, f"choose 1 to {MAX_TIMEOUT_SECONDS}, all that Lambda grants")

    def _check_visibility(self) -> None:
        """A message that comes back while its function still runs would be delivered twice."""
        longest = max(self.fanout_timeout_seconds, self.deliver_timeout_seconds)
        least = VISIBILITY_FACTOR * longest
        self._check(
            "visibility_seconds",
            least <= self.visibility_seconds <= MAX_VISIBILITY_SECONDS,
            f"choose {least} ({VISIBILITY_FACTOR} times the longest function timeout, "
            f"{longest}) to {MAX_VISIBILITY_SECONDS}, or shorten the timeout",
        )

    def _check_deadline(self) -> None:
        least = MAX_SUBSCRIPTION_DEADLINE_SECONDS + DEADLINE_MARGIN_SECONDS
        self._check(
            "deliver_timeout_seconds",
            self.deliver_timeout_seconds > least,
            f"choose more than {least}, to outlive an exchange of "
            f"{MAX_SUBSCRIPTION_DEADLINE_SECONDS} s",
        )

    def _check_scheduler(self) -> None:
        self._check(
            "scheduler_timeout_seconds",
            self.scheduler_timeout_seconds <= SCHEDULER_INTERVAL_SECONDS,
            f"choose at most {SCHEDULER_INTERVAL_SECONDS}, so that two clocks do not run side by "
            "side",
        )

    def _check_concurrency(self, field: str) -> None:
        self._check(
            field,
            getattr(self, field) in CONCURRENCY,
            f"choose {CONCURRENCY.start} to {CONCURRENCY.stop - 1}, "
            "all that an event source mapping accepts",
        )

    def _check_reserved(self, field: str) -> None:
        self._check(
            field,
            getattr(self, field) is None or getattr(self, field) >= 1,
            'choose at least 1, or "none"; it is reserved, so 0 would turn every caller away',
        )

    def _check(self, field: str, holds: object, allowed: str) -> None:
        if not holds:
            raise InvalidSetting(field, getattr(self, field), allowed)


class InvalidStages(ValueError):
    """One line: the file, and what is wrong in it."""


def stage_named(name: str, changes: Mapping[str, Any] | None = None) -> Stage:
    """Production is one; any other name is a rehearsal of it, smaller and free to be deleted."""
    with in_section(name):
        base = _production() if name == PRODUCTION else _non_production(name)
        return replace(base, **ConfigTable(name, changes or {}).choices_for(Stage))


def _production() -> Stage:
    return Stage(
        name=PRODUCTION,
        retain_on_delete=True,
        fanout_concurrency=20,
        deliver_concurrency=200,
        ingress_concurrency=10,
        api_concurrency=5,
    )


def _non_production(name: str) -> Stage:
    return Stage(
        name=name,
        retain_on_delete=False,
        fanout_concurrency=2,
        deliver_concurrency=10,
        ingress_concurrency=2,
        api_concurrency=2,
    )


def stage_of(name: str, file: Path) -> Stage:
    """Whichever stage is asked for, all of the file is judged."""
    stages = _read(file)
    if name not in stages:
        there = ", ".join(stages) or "none"
        raise InvalidStages(
            f'{file}: no stage "{name}", there is {there}; a table makes one: [{name}]'
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
        raise InvalidSetting(
            name, table, f"of which stage? Put it below its name, as [{PRODUCTION}]"
        )
    if _is_a_slip(name):
        raise InvalidTable(f"[{name}]: write [{PRODUCTION}], or choose a name that is less like it")
    return stage_named(name, table)


def _is_a_slip(name: str) -> bool:
    """What is chosen there would be missed where it was meant."""
    return PRODUCTION not in name and bool(get_close_matches(name, [PRODUCTION], cutoff=ALIKE))
