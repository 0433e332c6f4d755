"""Standard Webhooks 1.0.0: the signature of one attempt.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from lakehook.domain.secret import Secret


def signatures(*, message_id: str, timestamp: int, body: bytes, secrets: Sequence[Secret]) -> str:
    """Sign the very bytes that are sent: the value of ``webhook-signature``.

    ``timestamp`` is the unix time of this attempt in seconds, so a signature is never kept.
    Every live secret signs, the newest first: a receiver may hold any of them (rotation).
    """
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return " ".join(_v1(secret, signed) for secret in secrets)


def _v1(secret: Secret, signed: bytes) -> str:
    mac = hmac.digest(secret.key, signed, hashlib.sha256)
    return "v1," + base64.b64encode(mac).decode()
