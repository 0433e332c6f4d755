"""Who may send events: principals that a stage names, in this account or in others."""

import re
from dataclasses import dataclass

THIS_ACCOUNT = "this account"
"""Whom IAM lets in it. A stage that names roles instead shuts out all the others."""

_ACCOUNT = re.compile(r"[0-9]{12}")
_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+")


@dataclass(frozen=True)
class Producers:
    names: tuple[str, ...] = (THIS_ACCOUNT,)

    def __post_init__(self) -> None:
        for name in self.names:
            if not (name == THIS_ACCOUNT or _ACCOUNT.fullmatch(name) or _PRINCIPAL.fullmatch(name)):
                raise ValueError(
                    f"producers {name!r}: name {THIS_ACCOUNT!r}, an account by its 12 digits, "
                    "or a role or user by its ARN"
                )

    @property
    def include_this_account(self) -> bool:
        return THIS_ACCOUNT in self.names

    @property
    def accounts(self) -> list[str]:
        return [name for name in self.names if _ACCOUNT.fullmatch(name)]

    @property
    def principals(self) -> list[str]:
        return [name for name in self.names if _PRINCIPAL.fullmatch(name)]
