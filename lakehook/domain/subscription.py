"""A subscription: who wants which events, where, and signed how."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from lakehook.domain.document import ascii_of
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.errors import BadSubscription
from lakehook.domain.event import EventType
from lakehook.domain.retry import RetrySchedule

MAX_NAME_CHARACTERS = 100
MIN_DEADLINE_SECONDS, DEFAULT_DEADLINE_SECONDS, MAX_DEADLINE_SECONDS = 1.0, 10.0, 20.0
MAX_HEADERS, MAX_HEADER_BYTES = 20, 4096


class Signing(StrEnum):
    HMAC = "hmac"  # Standard Webhooks v1: HMAC-SHA256


class Ordering(StrEnum):
    """What becomes of a lane behind a dead letter."""

    STRICT = "strict"  # it is held until the letter is redriven or discarded
    SKIP = "skip"  # it goes on, and the sequence shows the gap


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """``sealed`` values are ciphertexts that only the sender's key opens."""

    id: str
    name: str
    endpoint: Endpoint
    event_types: tuple[EventType, ...] = ()  # none named: every PIPELINE_*
    signing: Signing = Signing.HMAC
    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    ordering: Ordering = Ordering.STRICT
    retry_schedule: RetrySchedule | None = None  # its own, else the deployment's
    sealed_secrets: tuple[bytes, ...] = ()  # newest first
    header_names: tuple[str, ...] = ()
    sealed_headers: bytes | None = None
    created_at: str = ""
    paused_at: str | None = None  # by an operator
    disabled_reason: str | None = None  # by the receiver's word, or for failing too long
    removed_at: str | None = None  # a tombstone: its id is never used again
    version: int = 0  # as it was read; 0 is that of a new one

    @property
    def is_blocked(self) -> bool:
        return self.paused_at is not None or self.disabled_reason is not None

    def wants(self, event_type: EventType) -> bool:
        if self.event_types:
            return event_type in self.event_types
        return event_type.is_of_pipeline

    def removed(self, *, at: float) -> Self:
        """The tombstone: it knows what it was, and none of the secrets."""
        return replace(
            self, removed_at=rfc_3339(at), sealed_secrets=(), sealed_headers=None, header_names=()
        )


def rfc_3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def checked_name(name: str) -> str:
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable() or name != name.strip():
        raise BadSubscription(
            f"name: not 1 to {MAX_NAME_CHARACTERS} printable characters without spaces around them"
        )
    return name


def checked_event_types(names: Iterable[str]) -> tuple[EventType, ...]:
    known = tuple(EventType)
    for name in names:
        if name not in known:
            raise BadSubscription(f"event type: {name!a} is none of {', '.join(known)}")
    return tuple(dict.fromkeys(EventType(name) for name in names))


def checked_signing(name: str) -> Signing:
    if name not in tuple(Signing):
        raise BadSubscription(f"signing: {name!a} is none of {', '.join(Signing)}")
    return Signing(name)


def checked_ordering(name: str) -> Ordering:
    if name not in tuple(Ordering):
        raise BadSubscription(f"ordering: {name!a} is none of {', '.join(Ordering)}")
    return Ordering(name)


def checked_deadline(seconds: float) -> float:
    if not MIN_DEADLINE_SECONDS <= seconds <= MAX_DEADLINE_SECONDS:
        raise BadSubscription(
            f"deadline: {seconds:g} s is not within {MIN_DEADLINE_SECONDS:g}"
            f" to {MAX_DEADLINE_SECONDS:g} s"
        )
    return seconds


# --- headers that every request of a subscription carries ---

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_VALUE = re.compile(r"[\t -~]*")  # RFC 9110 section 5.5, ASCII only
_RESERVED = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    )
)
_RESERVED_PREFIXES = ("proxy-", "webhook-", "x-amz-")


def checked_headers(lines: Sequence[str]) -> Mapping[str, str]:
    """Read ``Name: value`` lines; a value may be a credential, so no error shows one."""
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name, value = name.strip().lower(), value.strip(" \t")
        _refuse_header(name, value, is_line=bool(colon))
        if name in headers:
            raise BadSubscription(f"header: {name} is given twice")
        headers[name] = value
    size = len(ascii_of(headers))  # sealed as this text, of which KMS takes no more
    if len(headers) > MAX_HEADERS or size > MAX_HEADER_BYTES:
        raise BadSubscription(
            f"header: {len(headers)} headers of {size} bytes;"
            f" at most {MAX_HEADERS} of {MAX_HEADER_BYTES} bytes in all"
        )
    return headers


def _refuse_header(name: str, value: str, *, is_line: bool) -> None:
    if not is_line or not _TOKEN.fullmatch(name):
        raise BadSubscription("header: not 'Name: value' with a name as in RFC 9110")
    if name in _RESERVED or name.startswith(_RESERVED_PREFIXES):
        raise BadSubscription(f"header: {name} is the sender's own")
    if not _VALUE.fullmatch(value):
        raise BadSubscription(f"header: the value of {name} is not printable ASCII")
