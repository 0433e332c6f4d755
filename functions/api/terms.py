"""What a caller asks of a subscription. A new term is one line here, named as ``Terms`` has it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from lakehook.domain.channels import CHANNELS
from lakehook.domain.document import ascii_of
from lakehook.domain.event import EventType
from lakehook.domain.language import Language
from lakehook.domain.moment import FORMS
from lakehook.domain.secret import Signing
from lakehook.domain.subscription import (
    MAX_DEADLINE_SECONDS,
    MAX_NAME_CHARACTERS,
    MIN_DEADLINE_SECONDS,
    WEBHOOK,
    Format,
    Ordering,
)
from lakehook.subscribe import DEPLOYMENTS_SCHEDULE, NO_RATE, SecretWish, Terms


def unsaid(description: str, *examples: Any, **schema: Any) -> Any:
    """A field that need not be said; what it may hold is told here, and judged by the domain."""
    return Field(
        default_factory=lambda: None,  # a default that no schema shows
        description=description,
        examples=list(examples) or None,
        json_schema_extra=schema or None,
    )


def said(description: str, *examples: Any, **schema: Any) -> Any:
    return Field(description=description, examples=list(examples), json_schema_extra=schema or None)


class Order(BaseModel):
    """A body: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


_NAME = ("What people call it.", "ci")
_URL = ("Where it listens; never shown whole where it may be a credential.", "https://ci.example/")

Seconds = Annotated[float, Field(strict=True)]


class _AnyTerms(Order):
    event_types: list[EventType] | None = unsaid(
        "The events it wants; null: every PIPELINE_*.", ["PIPELINE_FAILED"]
    )
    pattern: StrictStr | dict[str, Any] | None = unsaid(
        "Of these the events whose fields match, in EventBridge's syntax; null: all.",
        {"project_name": [{"prefix": "lake-"}]},
    )
    deadline_seconds: Seconds = unsaid(
        "For a whole exchange, from DNS to the last byte.",
        10,
        minimum=MIN_DEADLINE_SECONDS,
        maximum=MAX_DEADLINE_SECONDS,
    )
    ordering: Ordering = unsaid("Behind a dead letter a lane is held, or goes on.", "strict")
    retry_schedule: StrictStr | None = unsaid(
        "The waits between attempts, in seconds; null: the deployment's.", "5,300,1800"
    )
    language: Language = unsaid("Of a channel that speaks to people.", "zh")
    rate: StrictStr | None = unsaid(
        "At most so many requests, evenly spaced; what is over it waits. null: as many as come.",
        "20/m",
    )
    template_body: StrictStr | None = unsaid(
        "What is sent, in Liquid; null: in the channel's own way.", "{{ event_type | json }}"
    )
    template_subject: StrictStr | None = unsaid(
        "Its subject, in Liquid, where the channel has one.", "{{ project_name }}"
    )
    template_headers: list[StrictStr] | None = unsaid(
        "Headers whose values are set in Liquid; null: none.", ["x-project: {{ project_name }}"]
    )
    headers: list[StrictStr] | None = unsaid(
        "Sent with every request; kept sealed, and only their names are shown. null: none.",
        ["x-team: lake"],
    )

    @property
    def terms(self) -> Terms:
        named = self.model_fields_set & Terms.__dataclass_fields__.keys()
        return Terms(**{name: _written(name, getattr(self, name)) for name in named})


class NewSubscription(_AnyTerms):
    name: StrictStr = said(*_NAME, minLength=1, maxLength=MAX_NAME_CHARACTERS)
    url: StrictStr = said(*_URL, minLength=1)
    channel: StrictStr = unsaid("By which it is told.", WEBHOOK, enum=list(CHANNELS))
    format: Format = unsaid("The event as it is, or DevLake's own notice.", "lakehook")
    signing: Signing | None = unsaid("By a shared secret, or by a key with a public half.", "hmac")
    secret: StrictStr | None = unsaid("One that exists already; else a new one is made.")
    allow_empty_secret: StrictBool = unsaid("In DevLake's format: anybody can sign as we do, then.")
    challenge: StrictBool = unsaid("No event goes to it before `test` has had a challenge echoed.")

    since: StrictStr | None = unsaid(f"It is sent the past since then, too: {FORMS}.", "7d")
    from_beginning: StrictBool = unsaid("It is sent all of the past that is kept, too.")

    @property
    def wish(self) -> SecretWish:
        return SecretWish(
            signing=self.signing, brought=self.secret, may_be_empty=bool(self.allow_empty_secret)
        )


class Amendment(_AnyTerms):
    """What is not named stays as it is."""

    name: StrictStr = unsaid(*_NAME, minLength=1, maxLength=MAX_NAME_CHARACTERS)
    url: StrictStr = unsaid(*_URL, minLength=1)


_NONE: dict[str, Any] = {
    "event_types": (),
    "pattern": "",
    "retry_schedule": DEPLOYMENTS_SCHEDULE,
    "rate": NO_RATE,
    "template_body": "",
    "template_subject": "",
    "template_headers": (),
    "headers": (),
}
"""How a term says that there is none of it, where the API says null."""


def _written(name: str, value: Any) -> Any:
    if value is None:
        return _NONE.get(name)
    return ascii_of(value) if isinstance(value, dict) else value
