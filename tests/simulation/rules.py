"""Rules of the promises, written a second time, from the documents and not from the product.

The judge asks nothing of the code that it judges: a rule that is wrong there is right here.
"""

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakehook.domain.attempt import Response
    from lakehook.domain.subscription import Subscription
    from lakehook.ports.outbound import NoResponse

FINAL = frozenset(("delivered", "discarded", "aborted"))  # of these nothing more is sent
MAX_CRASHES = 3
MAX_JITTER = 0.1  # of a delay, which it only makes longer
MAX_HINT_SECONDS = 24 * 3600.0  # that a receiver may ask for
SLOW_SECONDS = 0.4  # an attempt that takes longer may have the others of its endpoint wait
LATE_SEND_SECONDS = 30.0  # 15 s behind its reserved time, and then slow to leave
QUEUE_SECONDS = 1.0  # a queue counts whole seconds, so a retry may come as much too soon
MILLISECOND = 0.001

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def is_blocked(subscription: "Subscription") -> bool:
    return bool(subscription.paused_at or subscription.disabled_reason)


def delays(schedule: str) -> tuple[float, ...]:
    """Parse the seconds from one attempt to the next: ``5,300``."""
    return tuple(float(delay) for delay in schedule.split(","))


def rate(written: str) -> tuple[int, float]:
    """Parse a number of requests in a number of seconds: ``20/m``."""
    count, unit = written.split("/")
    return int(count), _UNITS[unit]


def pipeline_of(body: Mapping[str, Any]) -> str:
    """Key of the pipeline that a notification is about; those of a named source have its name."""
    pipeline, source = str(body["pipeline_id"]), body.get("source")
    return f"{source}/{pipeline}" if source else pipeline


def hint_of(answer: "Response | NoResponse | None", *, at: float) -> float:
    """Seconds for which the receiver wants no other attempt, of an answer that it gave then."""
    wish = str(getattr(answer, "headers", {}).get("retry-after", ""))
    if not wish:
        return 0.0
    seconds = float(wish) if wish.isdigit() else parsedate_to_datetime(wish).timestamp() - at
    return min(max(seconds, 0.0), MAX_HINT_SECONDS)


def is_signed(headers: Mapping[str, str], body: bytes, secret: bytes, *, at: float) -> bool:
    """Tell whether the request is signed with the secret, by Standard Webhooks, in this second."""
    stamp = headers["webhook-timestamp"]
    signed = b".".join((headers["webhook-id"].encode(), stamp.encode(), body))
    signature = "v1," + b64encode(hmac.digest(secret, signed, "sha256")).decode()
    return headers["webhook-signature"] == signature and 0 <= at - int(stamp) < 1


def letter_of(body: str) -> tuple[str, int] | None:
    """Lane and sequence of a delivery on the dead-letter queue; None if it is none."""
    message = json.loads(body)
    return (message["lane"], message["sequence"]) if message["kind"] == "delivery" else None
