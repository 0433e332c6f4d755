"""Standard Webhooks 1.0.0: the signature of one attempt.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
from collections.abc import Sequence
from typing import Protocol

from lakehook.domain.secret import Signing


class SigningKey(Protocol):
    """A secret that signs, of whichever kind."""

    @property
    def signing(self) -> Signing: ...

    @property
    def key(self) -> bytes: ...

    @property
    def plaintext(self) -> bytes:
        """What is sealed."""

    @property
    def public(self) -> str | None:
        """What a receiver verifies with, where that is no secret."""

    def reveal(self) -> str: ...

    def sign(self, content: bytes) -> bytes: ...


class VerifyingKey(Protocol):
    """What a receiver holds: the shared secret, or the public half of the sender's."""

    @property
    def signing(self) -> Signing: ...

    def verifies(self, content: bytes, signature: bytes) -> bool:
        """Whether it is the signature of just that; it takes as long where it nearly is."""


def signatures(
    *, message_id: str, timestamp: int, body: bytes, secrets: Sequence[SigningKey]
) -> str:
    """Sign the very bytes that are sent: the value of ``webhook-signature``.

    ``timestamp`` is the unix time of this attempt in seconds, so a signature is never kept.
    Every live secret signs, the newest first: a receiver may hold any of them (rotation).
    """
    content = signed_content(message_id, str(timestamp), body)
    return " ".join(f"{one.signing.version},{_written(one.sign(content))}" for one in secrets)


def signed_content(message_id: str, timestamp: str, body: bytes) -> bytes:
    return b"%s.%s.%s" % (message_id.encode(), timestamp.encode(), body)


def _written(signature: bytes) -> str:
    return base64.b64encode(signature).decode()
