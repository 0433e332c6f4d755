"""What differs between one installation and the next, refused where the parts do not fit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from infra.choice import BadChoice, standing_in
from infra.choices import Table
from infra.network import Network
from infra.producers import Producers
from infra.retention import Retention

LONGEST_DEADLINE_SECONDS = 20
"""The most that a subscription may grant its endpoint for one exchange."""

DEADLINE_MARGIN_SECONDS = 5
"""What a function needs around that exchange: to read the ledger, to sign, to write it down."""

VISIBILITY_FACTOR = 6
"""https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""

LONGEST_VISIBILITY_SECONDS = 43_200
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"""

CONCURRENCY = range(2, 1001)
"""https://docs.aws.amazon.com/lambda/latest/api/API_ScalingConfig.html"""

LONGEST_TIMEOUT_SECONDS = 900
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

CLOCK_INTERVAL_SECONDS = 60

PRODUCTION = "production"

NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
"""Short enough that every queue's name stays within SQS's 80 characters."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Times in seconds.

    ``protected``: the stack refuses deletion; tables, key, secret and logs outlive it all the
    same, and tables can be restored to a minute.
    """

    name: str
    protected: bool
    fanouts_at_once: int
    deliveries_at_once: int
    notices_at_once: int | None  # reserved; none: whatever the account has left
    api_calls_at_once: int | None
    ingress_timeout_seconds: int = 15
    fanout_timeout_seconds: int = 30
    deliver_timeout_seconds: int = 30
    clock_timeout_seconds: int = 60
    api_timeout_seconds: int = 60
    visibility_seconds: int = 180
    retention: Retention = field(default_factory=Retention)
    producers: Producers = field(default_factory=Producers)
    network: Network | None = None

    def __post_init__(self) -> None:
        self._check_name()
        for function in ("ingress", "fanout", "deliver", "clock", "api"):
            self._check_timeout(f"{function}_timeout_seconds")
        self._check_visibility()
        self._check_deadline()
        self._check_clock()
        self._check_concurrency("fanouts_at_once")
        self._check_concurrency("deliveries_at_once")
        self._check_reserved("notices_at_once")
        self._check_reserved("api_calls_at_once")

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
        fits = 1 <= getattr(self, field) <= LONGEST_TIMEOUT_SECONDS
        self._check(field, fits, f"choose 1 to {LONGEST_TIMEOUT_SECONDS}, all that Lambda grants")

    def _check_visibility(self) -> None:
        """A message that comes back while its function still runs would be delivered twice."""
        longest = max(self.fanout_timeout_seconds, self.deliver_timeout_seconds)
        least = VISIBILITY_FACTOR * longest
        self._check(
            "visibility_seconds",
            least <= self.visibility_seconds <= LONGEST_VISIBILITY_SECONDS,
            f"choose {least} ({VISIBILITY_FACTOR} times the longest function timeout, "
            f"{longest}) to {LONGEST_VISIBILITY_SECONDS}, or shorten the timeout",
        )

    def _check_deadline(self) -> None:
        least = LONGEST_DEADLINE_SECONDS + DEADLINE_MARGIN_SECONDS
        self._check(
            "deliver_timeout_seconds",
            self.deliver_timeout_seconds > least,
            f"choose more than {least}, to outlive an exchange of {LONGEST_DEADLINE_SECONDS} s",
        )

    def _check_clock(self) -> None:
        self._check(
            "clock_timeout_seconds",
            self.clock_timeout_seconds <= CLOCK_INTERVAL_SECONDS,
            f"choose at most {CLOCK_INTERVAL_SECONDS}, so that two clocks do not run side by side",
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
            raise BadChoice(field, getattr(self, field), allowed)


def stage_named(name: str, changes: Mapping[str, Any] | None = None) -> Stage:
    """Production is one; any other name is a rehearsal of it, smaller and free to be deleted."""
    with standing_in(name):
        base = _production() if name == PRODUCTION else _rehearsal(name)
        return replace(base, **Table(name, changes or {}).choices_for(Stage))


def _production() -> Stage:
    return Stage(
        name=PRODUCTION,
        protected=True,
        fanouts_at_once=20,
        deliveries_at_once=200,
        notices_at_once=10,
        api_calls_at_once=5,
    )


def _rehearsal(name: str) -> Stage:
    return Stage(
        name=name,
        protected=False,
        fanouts_at_once=2,
        deliveries_at_once=10,
        notices_at_once=2,
        api_calls_at_once=2,
    )
