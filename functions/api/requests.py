"""Request bodies of the API.

A new field of a subscription is one line here, named as in ``SubscriptionFields``.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from functions.api.parameters import DURATION
from lakehook.domain.channels import CHANNELS, CHANNELS_BY_FORMAT
from lakehook.domain.errors import InvalidInput
from lakehook.domain.event import Event, EventType
from lakehook.domain.replay import DeliveryFilter, ReplayRequest
from lakehook.domain.sample import sample_event
from lakehook.domain.signing import SignatureAlgorithm
from lakehook.domain.subscription import (
    MAX_DEADLINE_SECONDS,
    MAX_NAME_CHARACTERS,
    MIN_DEADLINE_SECONDS,
    WEBHOOK,
    Language,
    Ordering,
)
from lakehook.domain.time import FORMS
from lakehook.subscriptions import values
from lakehook.subscriptions.subscribe import SecretRequest, SubscriptionFields

_NAME = ("What people call it.", "ci")
_URL = ("Where it listens; never shown whole where it may be a credential.", "https://ci.example/")

Seconds = Annotated[float, Field(strict=True)]
MAX_WAIT_SECONDS = 30
MAX_EVENTS = MAX_DEAD_LETTERS = 100


_READERS = {"pattern": values.pattern, "retry_schedule": values.schedule}
"""What may be written in several ways, here as in a file."""


class RequestModel(BaseModel):
    """A body: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def optional(description: str, *examples: Any, **schema: Any) -> Any:
    """A field that need not be said; what it may hold is told here, and judged by the domain."""
    return Field(
        default_factory=lambda: None,  # a default that no schema shows
        description=description,
        examples=list(examples) or None,
        json_schema_extra=schema or None,
    )


def required(description: str, *examples: Any, **schema: Any) -> Any:
    return Field(description=description, examples=list(examples), json_schema_extra=schema or None)


class _SubscriptionFields(RequestModel):
    event_types: list[EventType] | None = optional(
        "The events it wants; null: every PIPELINE_*.", ["PIPELINE_FAILED"]
    )
    pattern: StrictStr | dict[str, Any] | None = optional(
        "Of these the events whose fields match, in EventBridge's syntax; null: all.",
        {"project_name": [{"prefix": "lake-"}]},
    )
    deadline_seconds: Seconds | None = optional(
        "For a whole exchange, from DNS to the last byte; null: 10.",
        10,
        minimum=MIN_DEADLINE_SECONDS,
        maximum=MAX_DEADLINE_SECONDS,
    )
    ordering: Ordering | None = optional(
        "Behind a dead letter a lane is held, or goes on; null: strict.", "strict"
    )
    retry_schedule: StrictStr | Seconds | list[Seconds] | None = optional(
        "The waits between attempts, in seconds; null: the deployment's.",
        "5,300,1800",
        [5, 300, 1800],
    )
    language: Language = optional("Of a channel that speaks to people.", "zh")
    rate: StrictStr | None = optional(
        "At most so many requests, evenly spaced; what is over it waits. null: as many as come.",
        "20/m",
    )
    template_body: StrictStr | None = optional(
        "What is sent, in Liquid; null: in the channel's own way.", "{{ event_type | json }}"
    )
    template_subject: StrictStr | None = optional(
        "Its subject, in Liquid, where the channel has one.", "{{ project_name }}"
    )
    template_headers: list[StrictStr] | None = optional(
        "Headers whose values are set in Liquid; null: none.", ["x-project: {{ project_name }}"]
    )
    headers: list[StrictStr] | None = optional(
        "Sent with every request; kept sealed, and only their names are shown. null: none.",
        ["x-team: lake"],
    )

    @property
    def fields(self) -> SubscriptionFields:
        named = self.model_fields_set & SubscriptionFields.__dataclass_fields__.keys()
        return SubscriptionFields(**{name: _written(name, getattr(self, name)) for name in named})


class NewSubscription(_SubscriptionFields):
    name: StrictStr = required(*_NAME, minLength=1, maxLength=MAX_NAME_CHARACTERS)
    url: StrictStr = required(*_URL, minLength=1)
    channel: StrictStr = optional(
        "How it is reached, and in which form.", WEBHOOK, enum=list(CHANNELS)
    )
    format: StrictStr = optional(
        "An older name: lakehook is channel webhook, devlake is channel devlake.",
        enum=list(CHANNELS_BY_FORMAT),
    )
    signing: SignatureAlgorithm | None = optional(
        "By a shared secret, or by a key with a public half.", "hmac"
    )
    secret: StrictStr | None = optional("One that exists already; else a new one is made.")
    allow_empty_secret: StrictBool = optional(
        "In DevLake's format: anybody can sign as we do, then."
    )
    challenge: StrictBool = optional(
        "No event goes to it before `test` has had a challenge echoed."
    )

    since: StrictStr | None = optional(f"It is sent the past since then, too: {FORMS}.", "7d")
    from_beginning: StrictBool = optional("It is sent all of the past that is kept, too.")

    @property
    def secret_request(self) -> SecretRequest:
        return SecretRequest(
            signing=self.signing, provided=self.secret, may_be_empty=bool(self.allow_empty_secret)
        )


class Amendment(_SubscriptionFields):
    """What is not named stays as it is."""

    name: StrictStr = optional(*_NAME, minLength=1, maxLength=MAX_NAME_CHARACTERS)
    url: StrictStr = optional(*_URL, minLength=1)


class TestRequest(RequestModel):
    """Whether the endpoint is there."""

    wait_seconds: Annotated[float, Field(strict=True, ge=1, le=MAX_WAIT_SECONDS)] = Field(
        MAX_WAIT_SECONDS, description="For the answer, so long."
    )


class RotationRequest(RequestModel):
    """A new secret from now on."""

    overlap: Annotated[StrictStr, Field(pattern=DURATION)] = Field(
        "24h", description="How long the old secret signs too; 0 ends all old ones at once."
    )
    signing: SignatureAlgorithm | None = optional("Of another kind than before.", "ed25519")
    secret: StrictStr | None = optional("One that exists already; else a new one is made.")


class MatchRequest(RequestModel):
    """Events to be tried; none is sent."""

    events: list[dict[str, Any]] = Field(
        description="As a producer would send them.",
        max_length=MAX_EVENTS,
        examples=[
            [
                {
                    "pipeline_id": 39,
                    "event_type": "PIPELINE_FAILED",
                    "trigger_source": "manual",
                    "timestamp": "2026-01-01T12:00:00Z",
                }
            ]
        ],
    )


class DeadLetterSelection(RequestModel):
    """Dead letters by their ids, or by what they share, or all: in one way alone."""

    ids: list[StrictStr] | None = optional("These.", ["sub_0123#39#2"], maxItems=MAX_DEAD_LETTERS)
    subscription: StrictStr | None = optional("Those of this one, by id or by name.")
    reason: StrictStr | None = optional("Those that died of this.", "gone")
    all: StrictBool = optional("Every one there is.")
    dry_run: StrictBool = optional("Only say which they are.")


class NewReplay(RequestModel):
    """Which of the past is sent again, to whom."""

    subscription: StrictStr = required("To this one, by id or by name.", "sub_0123")
    since: StrictStr = required(
        f"What was accepted since: {FORMS}.",
        "2026-01-01T12:00:00Z",
        "2h",
    )
    until: StrictStr = optional(
        f"And until then; now if not said. {FORMS}.", "2026-01-02T12:00:00Z"
    )
    event_types: list[EventType] = optional("Of what it wants only these.", ["PIPELINE_FAILED"])
    status: DeliveryFilter = optional("Deliveries that stand like this; any but waiting.", "dead")
    rate: StrictStr = optional("So many deliveries in that time at most.", "10/s")

    @property
    def request(self) -> ReplayRequest:
        asked = self.model_fields_set - {"subscription"}
        wish = {name: getattr(self, name) for name in asked}
        if "event_types" in wish:
            wish["event_types"] = tuple(wish["event_types"])
        return ReplayRequest(**wish)


class PreviewRequest(RequestModel):
    """An event to be tried on: one of a type that we make, or one of your own."""

    event_type: EventType | None = optional("Of a sample; PIPELINE_COMPLETED if never said.")
    event: dict[str, Any] | None = optional("One of your own, as a producer would send it.")

    @property
    def sample(self) -> Event:
        if self.event is None:
            return sample_event(self.event_type or EventType.PIPELINE_COMPLETED)
        if self.event_type is not None:
            raise InvalidInput("event_type: an event of your own has one")
        return Event.from_document(self.event)


def _written(name: str, value: Any) -> Any:
    if value is None:
        return values.DEFAULTS.get(name)
    read = _READERS.get(name)
    return read(value) if read else value
