"""Outcome of one attempt: a value, never an exception."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

_OK = 200
_MAX_DISABLE_REASON_CHARACTERS = 80  # characters


class Outcome(StrEnum):
    DELIVERED = "delivered"
    REJECTED = "rejected"  # an answer that is not 2xx
    THROTTLED = "throttled"  # 429, 502, 503, 504
    GONE = "gone"  # 410, or what a channel's service says instead
    TIMED_OUT = "timed_out"
    REFUSED = "refused"  # no connection came about: nobody listens, or no way leads there
    DISCONNECTED = "disconnected"  # the connection broke: perhaps it arrived, perhaps not
    TLS_FAILED = "tls_failed"
    DNS_FAILED = "dns_failed"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    RESPONSE_TOO_LARGE = "response_too_large"
    ABORTED = "aborted"  # the receiver wants no more of this message
    UNACCEPTABLE = "unacceptable"  # whatever is tried, this message is never taken there
    TEMPLATE_FAILED = "template_failed"  # the subscriber's own: there is nothing to send

    @property
    def is_success(self) -> bool:
        return self is Outcome.DELIVERED

    @property
    def affects_health(self) -> bool:
        """A message that nobody would take says nothing of how its receiver is."""
        return self.consequence is not Consequence.DEAD_LETTER

    @property
    def consequence(self) -> "Consequence":
        return _CONSEQUENCES.get(self, Consequence.RETRY)


class Consequence(Enum):
    """What an outcome means for the delivery."""

    COMPLETE = "it is done with, and its lane goes on"
    RETRY = "it is tried again while its budget lasts, and not before the receiver's hint"
    DEAD_LETTER = "it is a dead letter at once: to try again could not help"
    DISABLE = "it waits, and so does all else, until an operator enables the subscription"


# Whatever is not named here is retried.
_CONSEQUENCES = {
    Outcome.DELIVERED: Consequence.COMPLETE,
    Outcome.ABORTED: Consequence.COMPLETE,
    Outcome.GONE: Consequence.DISABLE,
    Outcome.UNACCEPTABLE: Consequence.DEAD_LETTER,
    Outcome.TEMPLATE_FAILED: Consequence.DEAD_LETTER,
}


@dataclass(frozen=True, kw_only=True)
class Response:
    """What came back over the network, before a channel has read it."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True, kw_only=True)
class ResponseVerdict:
    """What a channel has read in an answer."""

    outcome: Outcome
    disable_requested: bool = False  # the receiver asks for no more deliveries at all
    retry_after: float | None = None  # seconds, the receiver's wish


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try of a delivery and what became of it."""

    at: float  # unix seconds, when it began
    outcome: Outcome
    milliseconds: int
    status: int | None = None  # HTTP, when there was an answer
    disable_requested: bool = False  # the receiver has asked to be disabled
    retry_after: float | None = None  # seconds, the receiver's wish
    excerpt: str = ""  # the start of a failed answer, or what the network said

    @property
    def last_status(self) -> str:
        """The HTTP status, else the outcome's name: what an operator reads first."""
        return str(self.status) if self.status else str(self.outcome)

    @property
    def disable_reason(self) -> str:
        """How it asked for no more: by its status, or in words, for which a 200 says nothing."""
        in_words = self.outcome is Outcome.GONE and self.status == _OK
        return (
            self.excerpt[:_MAX_DISABLE_REASON_CHARACTERS]
            if in_words and self.excerpt
            else self.last_status
        )
