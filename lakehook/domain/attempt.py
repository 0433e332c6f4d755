"""Outcome of one attempt: a value, never an exception."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

_OK = 200
_MAX_DISABLE_REASON_CHARACTERS = 80


class Outcome(StrEnum):
    DELIVERED = "delivered"
    REJECTED = "rejected"  # a response other than 2xx
    THROTTLED = "throttled"  # 429, 502, 503, 504
    GONE = "gone"  # 410, or a channel's equivalent of it
    TIMED_OUT = "timed_out"
    REFUSED = "refused"  # no connection was made: nothing listens there, or there is no route
    DISCONNECTED = "disconnected"  # the connection broke; the request may or may not have arrived
    TLS_FAILED = "tls_failed"
    DNS_FAILED = "dns_failed"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    RESPONSE_TOO_LARGE = "response_too_large"
    ABORTED = "aborted"  # the receiver asked for no more attempts of this message
    UNACCEPTABLE = "unacceptable"  # the service never accepts this message
    TEMPLATE_FAILED = "template_failed"  # the subscription's template failed

    @property
    def is_success(self) -> bool:
        return self is Outcome.DELIVERED

    @property
    def consequence(self) -> "Consequence":
        return _CONSEQUENCES.get(self, Consequence.RETRY)


class Consequence(Enum):
    """Consequence of an outcome for the delivery."""

    COMPLETE = "the delivery is complete, and its lane goes on"
    RETRY = "the delivery is retried within its budget, not before Retry-After"
    DEAD_LETTER = "the delivery is dead-lettered at once: a retry cannot succeed"
    DISABLE = "every delivery waits until an operator enables the subscription"


# Any outcome that is not listed here is retried.
_CONSEQUENCES = {
    Outcome.DELIVERED: Consequence.COMPLETE,
    Outcome.ABORTED: Consequence.COMPLETE,
    Outcome.GONE: Consequence.DISABLE,
    Outcome.UNACCEPTABLE: Consequence.DEAD_LETTER,
    Outcome.TEMPLATE_FAILED: Consequence.DEAD_LETTER,
}


@dataclass(frozen=True, kw_only=True)
class Response:
    """HTTP response as it was received, before a channel interprets it."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    is_whole: bool = True  # False: the body broke off, or did not end before the deadline


@dataclass(frozen=True, kw_only=True)
class ResponseVerdict:
    """Result of a channel's interpretation of a response."""

    outcome: Outcome
    disable_requested: bool = False  # the receiver asks for no further deliveries
    retry_after: float | None = None  # seconds, from the receiver
    reason: str = ""  # of a failure, in words, where the response alone does not say it


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt of a delivery, and its result."""

    at: float  # unix seconds, at its start
    outcome: Outcome
    milliseconds: int
    status: int | None = None  # HTTP status, if there was a response
    disable_requested: bool = False  # the receiver has asked to be disabled
    retry_after: float | None = None  # seconds, from the receiver
    excerpt: str = ""  # the start of a failed response, or the network error

    @property
    def last_status(self) -> str:
        """HTTP status, or the outcome's name if there was no response."""
        return str(self.status) if self.status else str(self.outcome)

    @property
    def disable_reason(self) -> str:
        """Request to be disabled, for operators: the status, or the text of a 200 response."""
        in_words = self.outcome is Outcome.GONE and self.status == _OK
        return (
            self.excerpt[:_MAX_DISABLE_REASON_CHARACTERS]
            if in_words and self.excerpt
            else self.last_status
        )
