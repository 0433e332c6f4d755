"""Subscription: a destination, the filter of its events, and how they are sent and signed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Self, TypeVar

from lakehook.domain.client_certificate import EncryptedClientCertificate
from lakehook.domain.destination import Destination
from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.event import Event, EventType
from lakehook.domain.event_pattern import PatternExhausted, Predicate, compile_pattern
from lakehook.domain.json_document import Document
from lakehook.domain.rate_limit import Rate
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.signing import EncryptedSecret, SignatureAlgorithm
from lakehook.domain.template import Template
from lakehook.domain.time import format_rfc3339, is_time_zone

WEBHOOK = "webhook"  # the default channel
ID_PREFIX = "sub_"  # of every id; a name cannot begin with it
MAX_NAME_CHARACTERS = 100
MIN_DEADLINE_SECONDS, DEFAULT_DEADLINE_SECONDS, MAX_DEADLINE_SECONDS = 1.0, 10.0, 20.0
CACHE_PROPAGATION_SECONDS = 10.0  # cached subscriptions are never older than this


class Language(StrEnum):
    ENGLISH = "en"
    CHINESE = "zh"


Choice = TypeVar("Choice", bound=StrEnum)


def _parse_choice(kind: type[Choice], name: str, *, what: str) -> Choice:
    if name not in tuple(kind):
        raise InvalidSubscription(f"{what}: {name[:40]!a} is not one of {', '.join(kind)}")
    return kind(name)


def parse_language(name: str) -> Language:
    return _parse_choice(Language, name, what="language")


def parse_time_zone(name: str) -> str:
    """Validate a time zone; an empty one leaves each time in the zone of its event."""
    if name and not is_time_zone(name):
        raise InvalidSubscription(
            f"time zone: {name[:40]!a} is not in the IANA database;"
            " it has Asia/Shanghai, Europe/Berlin and UTC, for example"
        )
    return name


@dataclass(frozen=True)
class Locale:
    """Form of texts for people: the language, and the time zone of times."""

    language: Language = Language.ENGLISH
    time_zone: str = ""  # a name of the IANA database; empty: as the event has it


class Ordering(StrEnum):
    """Behaviour of a lane behind a dead letter."""

    STRICT = "strict"  # the lane is held until the dead letter is redriven or discarded
    SKIP = "skip"  # the lane goes on, and the sequence numbers show the gap


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """A subscription; only the sender's KMS key decrypts its ``encrypted`` values."""

    id: str
    name: str
    endpoint: Destination
    channel: str = WEBHOOK  # a name in ``channels/``
    language: Language = Language.ENGLISH  # of channels that write to people, like the next
    time_zone: str = ""  # empty: that of the event
    event_types: tuple[EventType, ...] = ()  # empty: every PIPELINE_*
    pattern: str | None = None  # filter on the event's fields, as JSON
    success_if: str | None = None  # pattern on the body of a 2xx, as JSON
    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    ordering: Ordering = Ordering.STRICT
    retry_schedule: RetrySchedule | None = None  # its own, else the deployment's
    rate: Rate | None = None  # its own, besides that of its channel
    rate_limit_key: str = ""  # subscriptions with the same key share one rate; empty: not shared
    template: Template | None = None  # its own messages, else the channel's
    secrets: tuple[EncryptedSecret, ...] = ()  # newest first
    header_names: tuple[str, ...] = ()
    encrypted_headers: bytes | None = None
    encrypted_url: bytes | None = None
    """Set where the URL is a credential; ``endpoint`` is then the displayed URL."""
    client_certificate: EncryptedClientCertificate | None = None
    created_at: str = ""
    paused_at: str | None = None  # when an operator paused it
    disabled_reason: str | None = None  # the endpoint's response, or failures for days
    disabled_at: str | None = None
    pending_since: str | None = None  # until it echoes a challenge: no events
    removed_at: str | None = None  # set for a tombstone, whose id is never reused
    version: int = 0  # as read; 0 for a new record

    @property
    def signing(self) -> SignatureAlgorithm:
        """Algorithm of the newest secret; after a change, another may sign too for a while."""
        return self.secrets[0].signing if self.secrets else SignatureAlgorithm.HMAC

    @property
    def public_key(self) -> str | None:
        return self.secrets[0].public if self.secrets else None

    @property
    def effective_rate_limit_key(self) -> str:
        """Key of the rate limit, which several subscriptions may share."""
        return self.rate_limit_key or self.id

    @property
    def locale(self) -> Locale:
        return Locale(self.language, self.time_zone)

    @property
    def is_pending(self) -> bool:
        return self.pending_since is not None

    @property
    def is_blocked(self) -> bool:
        return self.paused_at is not None or self.disabled_reason is not None

    def accepts(self, event: Event) -> bool:
        """Whether an event is sent to it at present; ``PatternExhausted`` if that is undecided."""
        return (
            not self.is_pending
            and self.accepts_type(event.type)
            and (self.pattern is None or self._predicate(event.expanded))
        )

    def matches(self, event: Event) -> bool:
        """Whether the pattern matches; an unreadable or too costly one does not filter."""
        try:
            return self.pattern is None or self._predicate(event.expanded)
        except PatternExhausted:
            return True

    @cached_property  # fan-out reads it for every event
    def _predicate(self) -> Predicate:
        try:
            return compile_pattern(self.pattern or "")
        except InvalidSubscription:
            return _everything

    def accepts_type(self, event_type: EventType) -> bool:
        if self.event_types:
            return event_type in self.event_types
        return event_type.is_of_pipeline

    def removed(self, *, at: float) -> Self:
        """Return the tombstone: without secrets."""
        return replace(
            self,
            removed_at=format_rfc3339(at),
            secrets=(),
            encrypted_headers=None,
            encrypted_url=None,
            client_certificate=None,
            header_names=(),
        )


@dataclass(frozen=True)
class EndpointChange:
    """Another receiver from now on: what is signed by the subscription's secret goes there."""

    before: Subscription
    after: Subscription

    def __str__(self) -> str:
        return (
            f"{self.after.name} ({self.after.id}) sends to {self.after.endpoint.display_url} now"
            f" instead of {self.before.endpoint.display_url}, signed by the same secret;"
            f" lakehook subscriptions rotate-secret {self.after.id} makes another"
        )


def _everything(_document: Document) -> bool:
    return True


def parse_name(name: str) -> str:
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable() or name != name.strip():
        raise InvalidSubscription(
            f"name: not 1 to {MAX_NAME_CHARACTERS} printable characters without spaces around them"
        )
    if name.startswith(ID_PREFIX):
        raise InvalidSubscription(f"name: {name!a} begins with {ID_PREFIX}, as ids do")
    return name


def parse_event_types(names: Iterable[str]) -> tuple[EventType, ...]:
    types = [_parse_choice(EventType, name, what="event type") for name in names]
    return tuple(dict.fromkeys(types))


def parse_signing(name: str) -> SignatureAlgorithm:
    return _parse_choice(SignatureAlgorithm, name, what="signing")


def parse_ordering(name: str) -> Ordering:
    return _parse_choice(Ordering, name, what="ordering")


def parse_deadline(seconds: float) -> float:
    if not MIN_DEADLINE_SECONDS <= seconds <= MAX_DEADLINE_SECONDS:
        raise InvalidSubscription(
            f"deadline: {seconds:g} s is not within {MIN_DEADLINE_SECONDS:g}"
            f" to {MAX_DEADLINE_SECONDS:g} s"
        )
    return seconds
