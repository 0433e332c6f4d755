"""DevLake's signature: SHA-256 over the body, the secret and the ``nouce`` (DevLake's spelling)."""

import hashlib
import hmac
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NoReturn, Self
from urllib.parse import parse_qs

from lakehook.domain.errors import InvalidInput, InvalidSignature, Unsigned
from lakehook.domain.signing import SignatureAlgorithm, SigningKeyBase

_NOUCE = re.compile(r"[0-9A-Za-z_.-]{1,128}")
_ALPHABET = string.ascii_letters + string.digits  # DevLake's, since v0.18
_DRAWN_CHARACTERS = 16
MAX_BYTES = 1024
_MARK = b"text:"
"""Precedes the text before encryption, since KMS can't encrypt an empty text."""


@dataclass(frozen=True)
class SignedNotification:
    """A notification request that has not been verified."""

    body: bytes = field(repr=False)
    query: str = field(repr=False)

    def verify(self, secrets: Iterable[str]) -> None:
        """Raise ``InvalidSignature`` unless one of the secrets has signed these bytes.

        Raises ``Unsigned`` if there is no signature.

        SHA-256 of body, secret and nouce without separators allows length extension: from one
        signature, that of a longer nouce can be computed. Such a nouce contains SHA-256's padding
        (byte 0x80, then zeros), so requiring printable ASCII prevents it. Nor can characters move
        between body and nouce: a body ends with a brace, and a nouce contains neither braces nor
        white space. DevLake's way of choosing it has changed between releases, and does not matter
        here.
        """
        nouce, sign = self._parameters()
        if not _NOUCE.fullmatch(nouce):
            raise Unsigned("nouce: not 1 to 128 letters, digits or _.-")
        expected = [signature(self.body, secret, nouce).encode() for secret in secrets]
        received = sign.encode("utf-8", "replace")
        if not any([hmac.compare_digest(candidate, received) for candidate in expected]):  # noqa: C419  each, always
            raise InvalidSignature(
                "sign: not of this body by the notification secret; DevLake's NOTIFICATION_SECRET"
                " must be the one in Secrets Manager (output NotificationSecretArn), to the byte"
            )

    def _parameters(self) -> tuple[str, str]:
        parameters = parse_qs(self.query, keep_blank_values=True)
        nouces, signs = parameters.get("nouce", []), parameters.get("sign", [])
        if not nouces and _has_own_query(parameters):
            raise Unsigned(
                "NOTIFICATION_ENDPOINT has a query of its own, behind which DevLake puts ?nouce=…;"
                " remove everything from its first ? on"
            )
        for name, values in (("nouce", nouces), ("sign", signs)):
            if len(values) != 1:
                raise Unsigned(f"{name}: given {len(values)} times in the query, not once")
        return nouces[0], signs[0]


class TextSecret(SigningKeyBase):
    __slots__ = ()
    signing = SignatureAlgorithm.HMAC  # the shared-secret kind: both sides hold the same secret
    prefix = ""
    public: ClassVar[str | None] = None

    @classmethod
    def parse(cls, text: str, *, may_be_empty: bool = False) -> Self:
        """Parse a text, without the line break that a file ends with.

        Raises ``InvalidInput`` if it can't be a secret.
        """
        text = text.removesuffix("\n").removesuffix("\r")
        if not text and not may_be_empty:
            raise InvalidInput(
                "secret: it is empty, so anybody can sign; only a new one of channel devlake takes"
                " that, with --allow-empty-secret"
            )
        if len(text.encode()) > MAX_BYTES:
            raise InvalidInput(f"secret: more than {MAX_BYTES} bytes")
        return cls(text.encode())

    @classmethod
    def from_plaintext(cls, plaintext: bytes) -> Self:
        return cls(plaintext.removeprefix(_MARK))

    @property
    def plaintext(self) -> bytes:
        """Text to encrypt."""
        return _MARK + self.key

    def reveal(self) -> str:
        return self.key.decode()

    def sign(self, _content: bytes) -> NoReturn:
        raise TypeError("DevLake's secret is hashed with what it signs: see signature.py")


def signature(body: bytes, secret: str, nouce: str) -> str:
    """Return the signature; the secret is hashed as text, exactly as given, and may be empty."""
    return hashlib.sha256(body + secret.encode() + nouce.encode()).hexdigest()


def signed_query(body: bytes, secret: str, nouce: str) -> str:
    """Return the query that DevLake appends to the endpoint after ``?``."""
    return f"nouce={nouce}&sign={signature(body, secret, nouce)}"


def nouce_of(number: int, chance: bytes) -> str:
    """Return a number and 16 letters or digits, one for each of the first ``random_bytes``."""
    drawn = (_ALPHABET[byte % len(_ALPHABET)] for byte in chance[:_DRAWN_CHARACTERS])
    return f"{number}-{''.join(drawn)}"


def _has_own_query(parameters: Mapping[str, Sequence[str]]) -> bool:
    """Whether the endpoint had a query of its own: DevLake appends its own after a second ``?``."""
    return any(
        "?nouce=" in f"?{name}={value}" for name, values in parameters.items() for value in values
    )
