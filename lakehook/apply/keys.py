"""The keys of a subscription in a file. To add a term: its line in ``KEYS``.

A key bears the name of its term in ``Terms``. What a subscription now is and what a file wants
it to be are compared as the file would write them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lakehook.apply import readers
from lakehook.apply.manuscript import Reveal
from lakehook.domain.channels import channel_of
from lakehook.domain.document import read_document
from lakehook.domain.event import EventType
from lakehook.domain.language import Language
from lakehook.domain.subscription import DEFAULT_DEADLINE_SECONDS, Ordering, Subscription
from lakehook.domain.template import Template
from lakehook.subscribe import DEPLOYMENTS_SCHEDULE, NO_RATE


@dataclass(frozen=True)
class Key:
    name: str
    read: Callable[[Any, Reveal], Any]
    """What the file says, as ``Terms`` has it."""
    now: Callable[[Subscription], Any]
    """What a subscription has, as the file would say it."""
    usual: Any = None
    """How ``Terms`` says what is meant when the file says nothing."""


def _event_types(one: Subscription) -> list[str]:
    return [str(event_type) for event_type in EventType if one.wants(event_type)]


def _pattern(one: Subscription) -> Any:
    try:
        return None if one.pattern is None else read_document(one.pattern)
    except ValueError:  # of a later release
        return one.pattern


def _language(one: Subscription) -> str | None:
    return str(one.language) if channel_of(one).speaks else None


def _template(one: Subscription) -> Template:
    return one.template or Template()


def _template_headers(one: Subscription) -> list[str]:
    return [f"{name}: {text}" for name, text in _template(one).headers]


KEYS = (
    Key("name", readers.text, lambda one: one.name),
    Key("url", readers.address, lambda one: one.endpoint.shown),
    Key("channel", readers.text, lambda one: one.channel),
    Key("format", readers.text, lambda one: str(one.format)),
    Key("language", readers.text, _language, str(Language.ENGLISH)),
    Key("event_types", readers.texts, _event_types, ()),
    Key("pattern", readers.pattern, _pattern, ""),
    Key(
        "deadline_seconds",
        readers.seconds,
        lambda one: round(one.deadline_seconds, 3),  # as it is kept
        DEFAULT_DEADLINE_SECONDS,
    ),
    Key("ordering", readers.text, lambda one: str(one.ordering), str(Ordering.STRICT)),
    Key(
        "retry_schedule",
        readers.schedule,
        lambda one: str(one.retry_schedule) if one.retry_schedule else DEPLOYMENTS_SCHEDULE,
        DEPLOYMENTS_SCHEDULE,
    ),
    Key("rate", readers.text, lambda one: str(one.rate) if one.rate else NO_RATE, NO_RATE),
    Key("template_body", readers.text, lambda one: _template(one).body, ""),
    Key("template_subject", readers.text, lambda one: _template(one).subject, ""),
    Key("template_headers", readers.texts, _template_headers, ()),
    Key("headers", readers.headers, lambda one: sorted(one.header_names), ()),
)
TEMPLATE = ("template_body", "template_subject", "template_headers")
PAUSED, SECRET, SIGNING = "paused", "secret", "signing"  # no terms, and yet in the file
NAMES = (*(key.name for key in KEYS), PAUSED, SECRET, SIGNING)
KINDS = ("channel", "format")  # which a subscription keeps
