"""A network of the operator's own, from which deliveries leave and DevLake's API is asked.

So they reach private receivers and a private DevLake, or come from an address that does not change.
Its subnets must lead to SQS, DynamoDB, KMS, SES if mail is sent, and Secrets Manager if an API of
DevLake is known, by a NAT gateway or by endpoints.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from infra.choice import BadChoice

MOST_SUBNETS, MOST_GROUPS = 16, 5
"""https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html"""


@dataclass(frozen=True, kw_only=True)
class Network:
    """The VPC is the one that the subnets are in."""

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_ids("subnets", self.subnets, "subnet", MOST_SUBNETS)
        _check_ids("security_groups", self.security_groups, "sg", MOST_GROUPS)

    @classmethod
    def of(cls, *, subnets: Sequence[str], security_groups: Sequence[str]) -> Self:
        return cls(subnets=tuple(subnets), security_groups=tuple(security_groups))


def _check_ids(field: str, ids: tuple[str, ...], prefix: str, most: int) -> None:
    of_aws = re.compile(rf"{prefix}-[0-9a-f]{{8}}([0-9a-f]{{9}})?")
    if not 1 <= len(ids) <= most or not all(of_aws.fullmatch(one) for one in ids):
        raise BadChoice(field, ids, f"name 1 to {most}, each {prefix}- and 8 or 17 digits")
