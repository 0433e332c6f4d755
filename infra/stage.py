"""What differs between one installation and the next, refused where the parts do not fit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

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

CLOCK_INTERVAL_SECONDS = 60

NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
"""Short enough that every queue's name stays within SQS's 80 characters."""


RESERVED = {"notices_at_once", "api_calls_at_once"}
"""Which a new account may have no room for."""


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
        self._check_visibility()
        self._check_deadline()
        self._check_clock()
        self._check_concurrency("fanouts_at_once", self.fanouts_at_once)
        self._check_concurrency("deliveries_at_once", self.deliveries_at_once)
        self._check_reserved("notices_at_once", self.notices_at_once)
        self._check_reserved("api_calls_at_once", self.api_calls_at_once)

    @property
    def stack_name(self) -> str:
        return "Lakehook" if self.name == "production" else f"Lakehook-{self.name}"

    def _check_name(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(
                f"stage {self.name!r}: choose up to 24 lower-case letters, digits and hyphens, "
                "a letter first; it becomes part of every queue's name"
            )

    def _check_visibility(self) -> None:
        """A message that comes back while its function still runs would be delivered twice."""
        longest = max(self.fanout_timeout_seconds, self.deliver_timeout_seconds)
        least = VISIBILITY_FACTOR * longest
        if not least <= self.visibility_seconds <= LONGEST_VISIBILITY_SECONDS:
            raise ValueError(
                f"visibility_seconds {self.visibility_seconds}: choose {least} "
                f"({VISIBILITY_FACTOR} times the longest function timeout, {longest}) "
                f"to {LONGEST_VISIBILITY_SECONDS}, or shorten the timeout"
            )

    def _check_deadline(self) -> None:
        least = LONGEST_DEADLINE_SECONDS + DEADLINE_MARGIN_SECONDS
        if self.deliver_timeout_seconds <= least:
            raise ValueError(
                f"deliver_timeout_seconds {self.deliver_timeout_seconds}: choose more than "
                f"{least}, to outlive an exchange of {LONGEST_DEADLINE_SECONDS} s"
            )

    def _check_clock(self) -> None:
        if self.clock_timeout_seconds > CLOCK_INTERVAL_SECONDS:
            raise ValueError(
                f"clock_timeout_seconds {self.clock_timeout_seconds}: choose at most "
                f"{CLOCK_INTERVAL_SECONDS}, so that two clocks do not run side by side"
            )

    def _check_concurrency(self, field: str, at_once: int) -> None:
        if at_once not in CONCURRENCY:
            raise ValueError(
                f"{field} {at_once}: choose {CONCURRENCY.start} to {CONCURRENCY.stop - 1}, "
                "all that an event source mapping accepts"
            )

    def _check_reserved(self, field: str, at_once: int | None) -> None:
        if at_once is not None and at_once < 1:
            raise ValueError(
                f"{field} {at_once}: choose at least 1, or none; "
                "it is reserved, so 0 would turn every caller away"
            )


def stage_named(name: str, changes: Mapping[str, Any] | None = None) -> Stage:
    """Production is one; any other name is a rehearsal of it, smaller and free to be deleted."""
    return replace(_production() if name == "production" else _rehearsal(name), **_read(changes))


def _production() -> Stage:
    return Stage(
        name="production",
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


def _read(changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """As a file says it, where a list has no type and a table no name."""
    read = dict(changes or {})
    if unknown := read.keys() - {one.name for one in fields(Stage)} | read.keys() & {"name"}:
        raise ValueError(f"a stage has no {', '.join(sorted(unknown))} to choose")
    read |= {name: None for name in RESERVED & read.keys() if read[name] == "none"}
    if "producers" in read:
        read["producers"] = Producers(tuple(read["producers"]))
    if "retention" in read:
        read["retention"] = Retention(**read["retention"])
    if "network" in read:
        read["network"] = Network.of(**read["network"])
    return read
