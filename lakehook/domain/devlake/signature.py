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
"""Stands before the text where it is sealed: there is no ciphertext of nothing."""


@dataclass(frozen=True)
class SignedNotification:
    """One request of DevLake, before anybody has looked whether it is DevLake's."""

    body: bytes = field(repr=False)
    query: str = field(repr=False)

    def verify(self, secrets: Iterable[str]) -> None:
        """``InvalidSignature`` unless one of the secrets has signed these bytes.

        ``Unsigned`` without sign.

        SHA-256 of body, secret and nouce without separators is open to length extension: whoever
        has seen one signature can make that of a longer nouce. Such a nouce holds the padding of
        SHA-256, which begins with byte 0x80 and goes on with zeros, so it is enough that a nouce
        is printable ASCII. Nor can characters move between body and nouce: a body ends with a
        brace, and a nouce holds neither a brace nor white space. How DevLake draws it is no
        concern of safety, and has changed between its releases.
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
    signing = SignatureAlgorithm.HMAC  # of the two kinds, the one whose secret both sides share
    prefix = ""
    public: ClassVar[str | None] = None

    @classmethod
    def parse(cls, text: str, *, may_be_empty: bool = False) -> Self:
        """A text without the line's end that a file has.

        ``InvalidInput`` if it is none to sign by.
        """
        text = text.removesuffix("\n").removesuffix("\r")
        if not text and not may_be_empty:
            raise InvalidInput("secret: it is empty, so anybody can sign; --allow-empty-secret")
        if len(text.encode()) > MAX_BYTES:
            raise InvalidInput(f"secret: more than {MAX_BYTES} bytes")
        return cls(text.encode())

    @classmethod
    def from_plaintext(cls, plaintext: bytes) -> Self:
        return cls(plaintext.removeprefix(_MARK))

    @property
    def plaintext(self) -> bytes:
        """What is sealed."""
        return _MARK + self.key

    def reveal(self) -> str:
        return self.key.decode()

    def sign(self, _content: bytes) -> NoReturn:
        raise TypeError("DevLake's secret is hashed with what it signs: see signature.py")


def signature(body: bytes, secret: str, nouce: str) -> str:
    """The secret goes in as text, exactly as given; it may be empty."""
    return hashlib.sha256(body + secret.encode() + nouce.encode()).hexdigest()


def signed_query(body: bytes, secret: str, nouce: str) -> str:
    """What DevLake puts behind the ``?`` of the endpoint."""
    return f"nouce={nouce}&sign={signature(body, secret, nouce)}"


def nouce_of(number: int, chance: bytes) -> str:
    """A number and 16 letters or digits, one for each of the first bytes of ``chance``."""
    drawn = (_ALPHABET[byte % len(_ALPHABET)] for byte in chance[:_DRAWN_CHARACTERS])
    return f"{number}-{''.join(drawn)}"


def _has_own_query(parameters: Mapping[str, Sequence[str]]) -> bool:
    """Whether the endpoint had one, since DevLake appends its own behind another ``?``."""
    return any(
        "?nouce=" in f"?{name}={value}" for name, values in parameters.items() for value in values
    )
