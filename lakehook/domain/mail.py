"""A mail, ready to leave; and the mailboxes it goes to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote

from lakehook.domain.errors import BadEndpoint

SCHEME = "mailto:"
MOST_ADDRESSES = 10
MOST_CHARACTERS = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
# What mail servers of today take: RFC 5321's dot-atom, and a name of two labels or more.
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


@dataclass(frozen=True)
class Mailbox:
    """Where mail goes: ``mailto:`` and addresses with commas between them (RFC 6068)."""

    url: str
    addresses: tuple[str, ...]

    @classmethod
    def parse(cls, url: str) -> Self:
        addresses = tuple(unquote(one) for one in url.removeprefix(SCHEME).split(","))
        for address in addresses:
            if len(address) > MOST_CHARACTERS or not _ADDRESS.fullmatch(address):
                raise BadEndpoint(
                    f"url: {address[:80]!a} is no address as in mailto:me@team.example"
                )
        if len(addresses) > MOST_ADDRESSES or len(set(addresses)) < len(addresses):
            raise BadEndpoint(f"url: not 1 to {MOST_ADDRESSES} different addresses")
        return cls(url, addresses)

    @property
    def shown(self) -> str:
        """For people and logs: no address is a credential."""
        return self.url


@dataclass(frozen=True, kw_only=True)
class Mail:
    mailbox: Mailbox
    subject: str
    text: str = field(repr=False)
    html: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    deadline_seconds: float
