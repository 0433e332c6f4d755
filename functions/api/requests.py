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

_NAME = ("Its name.", "ci")
_URL = ("Its endpoint; shown in part where it may be a credential.", "https://ci.example/")

Seconds = Annotated[float, Field(strict=True)]
MAX_WAIT_SECONDS = 30
MAX_EVENTS = MAX_DEAD_LETTERS = 100


_READERS = {
    "pattern": values.pattern,
    "success_if": values.pattern,
    "retry_schedule": values.schedule,
}
"""Values that may be written in several ways, as in a file."""


class RequestModel(BaseModel):
    """A body whose unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def optional(description: str, *examples: Any, **schema: Any) -> Any:
    """An optional field: described here, and validated by the domain."""
    return Field(
        default_factory=lambda: None,  # the schema must not show a default
        description=description,
        examples=list(examples) or None,
        json_schema_extra=schema or None,
    )


def required(description: str, *examples: Any, **schema: Any) -> Any:
    return Field(description=description, examples=list(examples), json_schema_extra=schema or None)


class _SubscriptionFields(RequestModel):
    event_types: list[EventType] | None = optional(
        "Event types; null: every PIPELINE_*.", ["PIPELINE_FAILED"]
    )
    pattern: StrictStr | dict[str, Any] | None = optional(
        "Pattern on the events' fields, in EventBridge's syntax; null: all.",
        {"project_name": [{"prefix": "lake-"}]},
    )
    success_if: StrictStr | dict[str, Any] | None = optional(
        "Pattern on the body of a 2xx, else it is a failure; null: every 2xx is a success.",
        {"code": [0]},
    )
    deadline_seconds: Seconds | None = optional(
        "Deadline of a request, from DNS to the last byte; null: 10.",
        10,
        minimum=MIN_DEADLINE_SECONDS,
        maximum=MAX_DEADLINE_SECONDS,
    )
    ordering: Ordering | None = optional(
        "Behind a dead letter the lane is held, or goes on; null: strict.", "strict"
    )
    retry_schedule: StrictStr | Seconds | list[Seconds] | None = optional(
        "Waits between attempts, in seconds; null: the deployment's.",
        "5,300,1800",
        [5, 300, 1800],
    )
    language: Language = optional("Language of channels for people.", "zh")
    time_zone: StrictStr | None = optional(
        "Time zone of messages to people; null: times as in the event.", "Asia/Shanghai"
    )
    rate: StrictStr | None = optional(
        "Rate limit, evenly spaced; further deliveries wait. null: unlimited.",
        "20/m",
    )
    template_body: StrictStr | None = optional(
        "Body in Liquid; null: the channel's default.", "{{ event_type | json }}"
    )
    template_subject: StrictStr | None = optional(
        "Subject in Liquid, if the channel has one.", "{{ project_name }}"
    )
    template_headers: list[StrictStr] | None = optional(
        "Headers with values in Liquid; null: none.", ["x-project: {{ project_name }}"]
    )
    headers: list[StrictStr] | None = optional(
        "Sent with every request; encrypted, and only names are shown. null: none.",
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
        "How it is reached, and the form of its messages.", WEBHOOK, enum=list(CHANNELS)
    )
    format: StrictStr = optional(
        "The channel by its form: lakehook is channel webhook, others have one name.",
        enum=list(CHANNELS_BY_FORMAT),
    )
    signing: SignatureAlgorithm | None = optional(
        "Signature: a shared secret, or a key with a public half.", "hmac"
    )
    secret: StrictStr | None = optional("An existing secret; default: a new one.")
    allow_empty_secret: StrictBool = optional("Only for DevLake's format: then anybody can sign.")
    challenge: StrictBool = optional("No events before `test` has had a challenge echoed.")

    since: StrictStr | None = optional(f"Also send past events since then: {FORMS}.", "7d")
    from_beginning: StrictBool = optional("Also send all stored past events.")

    @property
    def secret_request(self) -> SecretRequest:
        return SecretRequest(
            signing=self.signing, provided=self.secret, may_be_empty=bool(self.allow_empty_secret)
        )


class Amendment(_SubscriptionFields):
    """Fields that are not given keep their value."""

    name: StrictStr = optional(*_NAME, minLength=1, maxLength=MAX_NAME_CHARACTERS)
    url: StrictStr = optional(*_URL, minLength=1)


class TestRequest(RequestModel):
    """Test of an endpoint."""

    wait_seconds: Annotated[float, Field(strict=True, ge=1, le=MAX_WAIT_SECONDS)] = Field(
        MAX_WAIT_SECONDS, description="Time to wait for the response."
    )


class RotationRequest(RequestModel):
    """Request for a new secret."""

    overlap: Annotated[StrictStr, Field(pattern=DURATION)] = Field(
        "24h", description="How long the old secret also signs; 0 ends all old ones at once."
    )
    signing: SignatureAlgorithm | None = optional("Another algorithm than before.", "ed25519")
    secret: StrictStr | None = optional("An existing secret; default: a new one.")


class ClientCertificateRequest(RequestModel):
    """A client certificate and its private key, in PEM."""

    certificate: StrictStr = required(
        "The certificate, then its intermediate ones.", "-----BEGIN CERTIFICATE-----…"
    )
    key: StrictStr = required(
        "Its private key, not encrypted; never shown.", "-----BEGIN PRIVATE KEY-----…"
    )


class MatchRequest(RequestModel):
    """Events to match; none is sent."""

    events: list[dict[str, Any]] = Field(
        description="In a producer's form.",
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
    """Dead letters by their ids, by common properties, or all: exactly one of these."""

    ids: list[StrictStr] | None = optional("These.", ["sub_0123#39#2"], maxItems=MAX_DEAD_LETTERS)
    subscription: StrictStr | None = optional("Of this subscription, by id or name.")
    reason: StrictStr | None = optional("With this reason.", "gone")
    all: StrictBool = optional("All of them.")
    dry_run: StrictBool = optional("Only list them.")


class NewReplay(RequestModel):
    """Past events to send again, and the subscription."""

    subscription: StrictStr = required("The subscription, by id or name.", "sub_0123")
    since: StrictStr = required(
        f"Events accepted since: {FORMS}.",
        "2026-01-01T12:00:00Z",
        "2h",
    )
    until: StrictStr = optional(f"And until then; default: now. {FORMS}.", "2026-01-02T12:00:00Z")
    event_types: list[EventType] = optional("Only these of its event types.", ["PIPELINE_FAILED"])
    status: DeliveryFilter = optional("Deliveries with this status; any but waiting.", "dead")
    rate: StrictStr = optional("Rate limit of the deliveries.", "10/s")

    @property
    def request(self) -> ReplayRequest:
        asked = self.model_fields_set - {"subscription"}
        fields = {name: getattr(self, name) for name in asked}
        if "event_types" in fields:
            fields["event_types"] = tuple(fields["event_types"])
        return ReplayRequest(**fields)


class CorrectedEvent(RequestModel):
    """The event as it should have been."""

    event: dict[str, Any] | None = optional("In a producer's form; default: as it is.")


class PipelineReceiver(RequestModel):
    """The subscription that gets a pipeline's events."""

    subscription: StrictStr = required("The subscription, by id or name.", "sub_0123")


class PreviewRequest(RequestModel):
    """Event for a preview: a sample of a type, or a given one."""

    event_type: EventType | None = optional("Type of a sample; default: PIPELINE_COMPLETED.")
    event: dict[str, Any] | None = optional("Your own event, in a producer's form.")

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
