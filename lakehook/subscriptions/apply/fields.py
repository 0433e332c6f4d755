"""Fields of an entry in a file. A new field is a line in ``FIELDS``.

A field has its name in ``SubscriptionFields``. The present and the desired subscription are
compared in the form that the file would have. No value in a file is secret.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehook.domain.channels import channel_for
from lakehook.domain.errors import InvalidInput, InvalidSubscription
from lakehook.domain.event import EventType
from lakehook.domain.json_document import parse_json_object
from lakehook.domain.subscription import Subscription
from lakehook.domain.template import Template
from lakehook.subscriptions import values
from lakehook.subscriptions.subscribe import (
    DEFAULT_SCHEDULE,
    NO_RATE,
    SecretRequest,
    SubscriptionFields,
)

REFERENCES = ("env", "file")
INSTEAD = "write {env: NAME} or {file: PATH}"
TEMPLATE = ("template_body", "template_subject", "template_headers")
PAUSED, SECRET, SIGNING = "paused", "secret", "signing"  # keys that are not subscription fields
KINDS = ("channel", "format")  # fixed for a subscription

SecretResolver = Callable[[str, str], str]
"""Returns a value of the environment (``env``, name) or of a file (``file``, path);

``InvalidInput`` if it cannot.
"""


@dataclass(frozen=True)
class FieldSpec:
    name: str
    read: Callable[[Any, SecretResolver], Any]
    """Parses the file's value for ``SubscriptionFields``."""
    current: Callable[[Subscription], Any]
    """Returns a subscription's value in the file's form."""


@dataclass(frozen=True, kw_only=True)
class DesiredSubscription:
    desired: Subscription  # as if it were new, without encrypted values
    raw: Mapping[str, Any] = field(repr=False)  # by field name; may contain credentials
    is_credential: bool  # whether the URL is one
    paused: bool | None  # None: unchanged
    secret_request: SecretRequest  # of a new one
    existing: Subscription | None

    @property
    def name(self) -> str:
        return self.desired.name

    @property
    def new_fields(self) -> SubscriptionFields:
        return SubscriptionFields(**self.raw)

    def fields(self, names: Iterable[str]) -> SubscriptionFields:
        """Return these fields only, with the default where the file has no value."""
        return SubscriptionFields(
            **{name: self.raw.get(name, values.DEFAULTS.get(name)) for name in names}
        )


def plain(read: Callable[[Any], Any]) -> Callable[[Any, SecretResolver], Any]:
    """Read a value that refers to nothing outside of the file."""
    return lambda value, _reveal: read(value)


def address(value: Any, reveal: SecretResolver) -> str:
    if not isinstance(value, str | dict):
        raise values.type_error(value, f"a text; if it is a credential, {INSTEAD}")
    return value if isinstance(value, str) else _resolved(value, reveal)


def secret(value: Any, reveal: SecretResolver) -> str:
    return _resolved(value, reveal)


def headers(value: Any, reveal: SecretResolver) -> list[str]:
    """Build header lines from a mapping of names to references of their values."""
    if not isinstance(value, dict):
        raise values.type_error(None, f"a mapping of names, for the value of each {INSTEAD}")
    return [_header(name, header, reveal) for name, header in value.items()]


def _header(name: str, value: Any, reveal: SecretResolver) -> str:
    if ":" in name:
        raise InvalidSubscription(
            "header: a name with a colon in it; its value goes into a variable or a file"
        )
    try:
        return f"{name}: {_resolved(value, reveal)}"
    except InvalidInput as error:
        raise InvalidSubscription(f"header: {name}: {str(error).partition(': ')[2]}") from None


def _resolved(value: Any, reveal: SecretResolver) -> str:
    """Resolve a reference; the given value is not repeated, as it may be the secret itself."""
    if not isinstance(value, dict) or len(value) != 1:
        raise InvalidSubscription(f"secret: this file must not contain secrets; {INSTEAD}")
    ((kind, where),) = value.items()
    if kind not in REFERENCES or not isinstance(where, str) or not where:
        raise InvalidSubscription(f"secret: not where it is; {INSTEAD}")
    return reveal(kind, where)


def _event_types(subscription: Subscription) -> list[str]:
    return [str(event_type) for event_type in EventType if subscription.accepts_type(event_type)]


def _pattern(text: str | None) -> Any:
    try:
        return None if text is None else parse_json_object(text)
    except ValueError:  # written by a later release
        return text


def _language(subscription: Subscription) -> str | None:
    return str(subscription.language) if channel_for(subscription).is_localized else None


def _template(subscription: Subscription) -> Template:
    return subscription.template or Template()


def _template_headers(subscription: Subscription) -> list[str]:
    return [f"{name}: {text}" for name, text in _template(subscription).headers]


FIELDS = (
    FieldSpec("name", plain(values.text), lambda subscription: subscription.name),
    FieldSpec("url", address, lambda subscription: subscription.endpoint.display_url),
    FieldSpec("channel", plain(values.text), lambda subscription: subscription.channel),
    FieldSpec("format", plain(values.text), lambda _: None),  # the channel by another name
    FieldSpec("language", plain(values.text), _language),
    FieldSpec("time_zone", plain(values.text), lambda subscription: subscription.time_zone or None),
    FieldSpec("event_types", plain(values.texts), _event_types),
    FieldSpec(
        "pattern", plain(values.pattern), lambda subscription: _pattern(subscription.pattern)
    ),
    FieldSpec(
        "success_if", plain(values.pattern), lambda subscription: _pattern(subscription.success_if)
    ),
    FieldSpec(
        "deadline_seconds",
        plain(values.seconds),
        lambda subscription: round(subscription.deadline_seconds, 3),  # as it is stored
    ),
    FieldSpec("ordering", plain(values.text), lambda subscription: str(subscription.ordering)),
    FieldSpec(
        "retry_schedule",
        plain(values.schedule),
        lambda subscription: (
            str(subscription.retry_schedule) if subscription.retry_schedule else DEFAULT_SCHEDULE
        ),
    ),
    FieldSpec(
        "rate",
        plain(values.text),
        lambda subscription: str(subscription.rate) if subscription.rate else NO_RATE,
    ),
    FieldSpec(
        "template_body", plain(values.text), lambda subscription: _template(subscription).body
    ),
    FieldSpec(
        "template_subject", plain(values.text), lambda subscription: _template(subscription).subject
    ),
    FieldSpec("template_headers", plain(values.texts), _template_headers),
    FieldSpec("headers", headers, lambda header: sorted(header.header_names)),
)
NAMES = (*(key.name for key in FIELDS), PAUSED, SECRET, SIGNING)
