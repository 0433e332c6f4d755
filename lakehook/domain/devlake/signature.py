"""How DevLake signs: SHA-256 over the body, the secret and the ``nouce`` (its own spelling)."""

import hashlib
import hmac
import re
import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from lakehook.domain.errors import BadSign

_NOUCE = re.compile(r"[0-9]{1,20}-[A-Za-z]{16}")
_LETTERS_IN_NOUCE = 16


@dataclass(frozen=True)
class SignedNotice:
    """One request of DevLake, before anybody has looked whether it is DevLake's."""

    body: bytes = field(repr=False)
    query: str = field(repr=False)

    def verify(self, secrets: Iterable[str]) -> None:
        """``BadSign`` unless one of the secrets has signed these very bytes.

        Nothing stands between body, secret and nouce in what is hashed, so it is the nouce's strict
        form that keeps one signature from serving for other bytes.
        """
        nouce, sign = _one(self.query, "nouce"), _one(self.query, "sign")
        if not _NOUCE.fullmatch(nouce):
            raise BadSign("nouce: not a number, a hyphen and 16 letters")
        wanted = [signature(self.body, secret, nouce).encode() for secret in secrets]
        given = sign.encode("utf-8", "replace")
        if not any([hmac.compare_digest(one, given) for one in wanted]):  # noqa: C419  each, always
            raise BadSign("sign: not of this body and nouce by the notification secret")


def signature(body: bytes, secret: str, nouce: str) -> str:
    """The secret goes in as text, exactly as given; it may be empty."""
    return hashlib.sha256(body + secret.encode() + nouce.encode()).hexdigest()


def signed_query(body: bytes, secret: str, nouce: str) -> str:
    """What DevLake puts behind the ``?`` of the endpoint."""
    return f"nouce={nouce}&sign={signature(body, secret, nouce)}"


def nouce_of(number: int, chance: bytes) -> str:
    """A number and 16 letters, one for each of the first bytes of ``chance``."""
    letters = (string.ascii_letters[byte % len(string.ascii_letters)] for byte in chance)
    return f"{number}-{''.join(letters)[:_LETTERS_IN_NOUCE]}"


def _one(query: str, name: str) -> str:
    values = parse_qs(query, keep_blank_values=True).get(name, [])
    if len(values) != 1:
        raise BadSign(f"{name}: given {len(values)} times, not once")
    return values[0]
