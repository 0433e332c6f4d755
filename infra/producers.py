"""Who may send events: principals that a stage names, in this account or in others."""

import re
from dataclasses import dataclass

from infra.choice import BadChoice

THIS_ACCOUNT = "this account"
"""Whom IAM lets in it. A stage that names roles instead shuts out all the others."""

ALLOWED = f'name "{THIS_ACCOUNT}", an account by its 12 digits, or a role or user by its ARN'

MOST, ROOM = 48, 3_000
"""A queue's policy has 50 principals and 8,192 bytes, and each name stands in it twice.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
"""

_ACCOUNT = re.compile(r"[0-9]{12}")
_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+", re.ASCII)


@dataclass(frozen=True)
class Producers:
    names: tuple[str, ...] = (THIS_ACCOUNT,)

    def __post_init__(self) -> None:
        for name in self.names:
            if not (name == THIS_ACCOUNT or _ACCOUNT.fullmatch(name) or _PRINCIPAL.fullmatch(name)):
                raise BadChoice("producers", name, ALLOWED)
        if len(self.names) > MOST or len("".join(self.names)) > ROOM:
            allowed = f"name at most {MOST}, of {ROOM} characters together, or their accounts"
            raise BadChoice("producers", self.names, allowed)

    @property
    def include_this_account(self) -> bool:
        return THIS_ACCOUNT in self.names

    @property
    def accounts(self) -> list[str]:
        return [name for name in self.names if _ACCOUNT.fullmatch(name)]

    @property
    def principals(self) -> list[str]:
        return [name for name in self.names if _PRINCIPAL.fullmatch(name)]
