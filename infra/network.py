"""A network of the operator's own, from which deliveries leave.

So they reach private receivers, or come from an address that does not change. Its subnets must
lead to SQS, DynamoDB, KMS, and SES if mail is sent, by a NAT gateway or by endpoints.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Network:
    """The VPC is the one that the subnets are in."""

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_ids("subnets", self.subnets, "subnet")
        _check_ids("security_groups", self.security_groups, "sg")

    @classmethod
    def of(cls, *, subnets: Sequence[str], security_groups: Sequence[str]) -> Self:
        return cls(subnets=tuple(subnets), security_groups=tuple(security_groups))


def _check_ids(field: str, ids: tuple[str, ...], prefix: str) -> None:
    if not ids or not all(re.fullmatch(rf"{prefix}-[0-9a-f]{{8,17}}", one) for one in ids):
        raise ValueError(f"{field} {list(ids)}: name at least one, each {prefix}-…")
