"""What became of one attempt: a value, never an exception."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    DELIVERED = "delivered"
    REJECTED = "rejected"  # an answer that is not 2xx
    THROTTLED = "throttled"  # 429, 502, 503, 504
    GONE = "gone"  # 410
    TIMED_OUT = "timed_out"
    REFUSED = "refused"  # no connection came about: nobody listens, or no way leads there
    DISCONNECTED = "disconnected"  # the connection broke: perhaps it arrived, perhaps not
    TLS_FAILED = "tls_failed"
    DNS_FAILED = "dns_failed"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    RESPONSE_TOO_LARGE = "response_too_large"

    @property
    def is_success(self) -> bool:
        return self is Outcome.DELIVERED


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back over the network, before a channel has read it."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try of a delivery and what became of it."""

    at: float  # unix seconds, when it began
    outcome: Outcome
    milliseconds: int
    status: int | None = None  # HTTP, when there was an answer
    retry_after: float | None = None  # seconds, the receiver's wish
    excerpt: str = ""  # the start of a failed answer, or what the network said

    @property
    def last_status(self) -> str:
        """The HTTP status, else the outcome's name: what an operator reads first."""
        return str(self.status) if self.status else str(self.outcome)
