"""The terms of a subscription: as an operator writes them, and as they are agreed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakehook.domain.channel import Channel
from lakehook.domain.channels import channel_named, checked_channel
from lakehook.domain.destination import Destination
from lakehook.domain.errors import BadSubscription
from lakehook.domain.header import checked_headers
from lakehook.domain.language import Language, checked_language
from lakehook.domain.pattern import checked_pattern
from lakehook.domain.rate import Rate
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.subscription import (
    WEBHOOK,
    Format,
    checked_deadline,
    checked_event_types,
    checked_format,
    checked_name,
    checked_ordering,
)

DEPLOYMENTS_SCHEDULE = "default"  # how a term says: none of its own
NO_RATE = "none"

Judge = Callable[[str, Channel], Destination]
"""What is at a URL; ``BadEndpoint`` when nothing is ever sent there by this channel."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an operator asks for, as written; what is None is left as it is."""

    name: str | None = None
    url: str | None = field(default=None, repr=False)  # may be a credential
    channel: str | None = None  # of a new subscription only, like its format
    format: str | None = None
    language: str | None = None
    event_types: Sequence[str] | None = None  # none named: every PIPELINE_*
    pattern: str | None = None  # empty: every event of these types
    deadline_seconds: float | None = None
    ordering: str | None = None
    retry_schedule: str | None = None
    rate: str | None = None
    headers: Sequence[str] | None = field(default=None, repr=False)  # may be credentials
    template_body: str | None = None  # empty: in the channel's own way, as the two below
    template_subject: str | None = None
    template_headers: Sequence[str] | None = None


def channel_in(terms: Terms) -> Channel:
    """The channel that the terms of a new subscription name."""
    name = WEBHOOK if terms.channel is None else checked_channel(terms.channel)
    format_ = Format.LAKEHOOK if terms.format is None else checked_format(terms.format)
    if terms.format is not None and name != WEBHOOK:
        raise BadSubscription(f"format: channel {name} has one of its own")
    return channel_named(name, format_)


def agreed(terms: Terms, channel: Channel, judge: Judge) -> dict[str, Any]:
    """The fields of a subscription that the terms name; headers are checked here, sealed later."""
    checked_headers(terms.headers or ())
    asked: tuple[tuple[str, Any, Callable[[Any], Any]], ...] = (
        ("name", terms.name, checked_name),
        ("channel", terms.channel, checked_channel),
        ("format", terms.format, checked_format),
        ("language", terms.language, lambda name: _language(name, channel)),
        ("event_types", terms.event_types, checked_event_types),
        ("pattern", terms.pattern, _pattern),
        ("deadline_seconds", terms.deadline_seconds, checked_deadline),
        ("ordering", terms.ordering, checked_ordering),
        ("retry_schedule", terms.retry_schedule, _schedule),
        ("rate", terms.rate, _rate),
        ("endpoint", terms.url, lambda url: judge(url, channel)),
    )
    return {name: check(value) for name, value, check in asked if value is not None}


def _language(name: str, channel: Channel) -> Language:
    language = checked_language(name)
    if not channel.speaks:
        raise BadSubscription("language: this channel sends data, which has none")
    return language


def _pattern(text: str) -> str | None:
    return checked_pattern(text) if text else None


def _schedule(text: str) -> RetrySchedule | None:
    return None if text == DEPLOYMENTS_SCHEDULE else RetrySchedule.parse(text)


def _rate(text: str) -> Rate | None:
    return None if text == NO_RATE else Rate.parse(text)
