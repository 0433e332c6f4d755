"""Views of subscriptions, their secrets, previews, and endpoints' responses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from lakehook.domain.attempt import Outcome
from lakehook.domain.channels import channel_for
from lakehook.domain.channels.base import SignatureScheme
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.client_certificate import EncryptedClientCertificate
from lakehook.domain.event import EventType
from lakehook.domain.queue_message import PingResult
from lakehook.domain.signing import EncryptedSecret, SignatureAlgorithm, SigningKey
from lakehook.domain.status import SubscriptionState, health_state, subscription_state
from lakehook.domain.subscription import Subscription
from lakehook.domain.template import Template
from lakehook.domain.time import format_rfc3339
from lakehook.operations.views import (
    console_path,
    described,
    example,
    format_time,
    subscription_path,
)
from lakehook.subscriptions.lifecycle import SubscriptionBacklog
from lakehook.subscriptions.preview import EventMatch, Preview
from lakehook.subscriptions.secrets import Rotated

OF_SOURCE = "The DevLake, or other service, of the pipeline; null is the default one."


@dataclass(frozen=True, kw_only=True)
class SecretView:
    signing: str
    created_at: str | None
    expires_at: str | None
    public_key: str | None

    @classmethod
    def from_secret(cls, secret: EncryptedSecret) -> Self:
        return cls(
            signing=str(secret.signing),
            created_at=secret.created_at or None,
            expires_at=format_time(secret.expires_at),
            public_key=secret.public,
        )


@dataclass(frozen=True, kw_only=True)
class ClientCertificateView:
    subject: str
    fingerprint: str = described("SHA-256 of the certificate, in hex.")
    expires_at: str
    created_at: str = described("When it was set.")

    @classmethod
    def from_certificate(cls, certificate: EncryptedClientCertificate) -> Self:
        facts = certificate.facts
        return cls(
            subject=facts.subject,
            fingerprint=facts.fingerprint,
            expires_at=format_rfc3339(facts.expires_at),
            created_at=certificate.created_at,
        )


@dataclass(frozen=True, kw_only=True)
class SubscriptionView:
    subscription_id: str = example("sub_0123")
    name: str
    url: str = described("Without parts that may be credentials.")
    channel: str
    language: str | None = described("Language of channels for people.")
    time_zone: str | None = described("Time zone of messages to people; null: as in the event.")
    event_types: list[str]
    pattern: str | None = described("JSON text.")
    success_if: str | None = described("JSON text.")
    signing: str
    public_key: str | None
    deadline_seconds: float
    ordering: str
    retry_schedule: str
    rate: str | None
    headers: Sequence[str] = described("Only their names.")
    template: Mapping[str, Any] | None = described("Body, subject and headers, in Liquid.")
    state: str = described("active, paused, disabled, pending or removed.")
    health: str | None = described(
        "ok, failing, slow, down, paused, disabled or pending; null where it was not looked at."
    )
    created_at: str
    paused_at: str | None
    disabled_at: str | None
    disabled_reason: str | None
    console_path: str = console_path()

    @classmethod
    def from_subscription(
        cls, subscription: Subscription, health: EndpointHealth | None = None, **more: Any
    ) -> Self:
        """Build the view; ``more`` are the fields that a subclass adds."""
        is_localized = channel_for(subscription).is_localized
        return cls(
            subscription_id=subscription.id,
            name=subscription.name,
            url=subscription.endpoint.display_url,
            channel=subscription.channel,
            language=str(subscription.language) if is_localized else None,
            time_zone=subscription.time_zone or None,
            event_types=[str(name) for name in EventType if subscription.accepts_type(name)],
            pattern=subscription.pattern,
            success_if=subscription.success_if,
            signing=_signing(subscription),
            public_key=subscription.public_key,
            deadline_seconds=subscription.deadline_seconds,
            ordering=str(subscription.ordering),
            retry_schedule=str(subscription.retry_schedule or "default"),
            rate=str(subscription.rate) if subscription.rate else None,
            headers=list(subscription.header_names),
            template=_template(subscription.template),
            state=str(subscription_state(subscription)),
            health=_health(subscription, health),
            created_at=subscription.created_at,
            paused_at=subscription.paused_at,
            disabled_at=subscription.disabled_at,
            disabled_reason=subscription.disabled_reason,
            console_path=subscription_path(subscription.id),
            **more,
        )


@dataclass(frozen=True, kw_only=True)
class SubscriptionDetailView(SubscriptionView):
    removed_at: str | None
    secrets: list[SecretView]
    client_certificate: ClientCertificateView | None

    @classmethod
    def from_subscription(
        cls, subscription: Subscription, health: EndpointHealth | None = None, **more: Any
    ) -> Self:
        certificate = subscription.client_certificate
        return super().from_subscription(
            subscription,
            health,
            removed_at=subscription.removed_at,
            secrets=[SecretView.from_secret(secret) for secret in subscription.secrets],
            client_certificate=certificate and ClientCertificateView.from_certificate(certificate),
            **more,
        )


@dataclass(frozen=True, kw_only=True)
class CreatedSubscriptionView(SubscriptionView):
    secret: str | None = described("Shown once; null for a provided secret, or a public key.")
    replay_id: str | None = field(
        default=None, metadata={"description": "The replay of past events, if requested."}
    )


@dataclass(frozen=True, kw_only=True)
class RotatedSecretView(CreatedSubscriptionView):
    effective_at: str
    secrets: list[SecretView]

    @classmethod
    def from_rotation(cls, rotated: Rotated, *, provided: str | None) -> Self:
        return cls.from_subscription(
            rotated.subscription,
            secret=secret_to_reveal(rotated.secret, provided),
            effective_at=format_rfc3339(rotated.effective_at),
            secrets=[SecretView.from_secret(secret) for secret in rotated.subscription.secrets],
        )


@dataclass(frozen=True, kw_only=True)
class ResumedSubscriptionView(SubscriptionView):
    lanes_resumed: int


@dataclass(frozen=True, kw_only=True)
class PingReportView(SubscriptionView):
    """Result of a ping, and the state of the subscription after it."""

    outcome: str | None = described("null: no response in time.")
    status: int | None
    milliseconds: int | None
    answer: str | None
    hint: str | None

    @property
    def is_taken(self) -> bool:
        """Whether the endpoint accepted it, and echoed the challenge if there was one."""
        return self.outcome == Outcome.DELIVERED and self.state != SubscriptionState.PENDING

    @classmethod
    def from_ping(
        cls,
        subscription: Subscription,
        result: PingResult | None,
        waited_seconds: float,
    ) -> Self:
        attempt = result.attempt if result else None
        return cls.from_subscription(
            subscription,
            outcome=attempt and str(attempt.outcome),
            status=attempt and attempt.status,
            milliseconds=attempt and attempt.milliseconds,
            answer=attempt and (attempt.excerpt or None),
            hint=_ping_hint(subscription, result, waited_seconds),
        )


@dataclass(frozen=True, kw_only=True)
class RemovedView:
    subscription_id: str
    name: str
    removed_at: str | None
    discarded: SubscriptionBacklog

    @classmethod
    def from_removal(cls, tombstone: Subscription, backlog: SubscriptionBacklog) -> Self:
        return cls(
            subscription_id=tombstone.id,
            name=tombstone.name,
            removed_at=tombstone.removed_at,
            discarded=backlog,
        )


@dataclass(frozen=True, kw_only=True)
class MatchView:
    pipeline_id: str
    source: str | None = described(OF_SOURCE)
    event_type: str
    event_id: str
    matches: bool
    reason: str | None = described("Why it would not be sent.")

    @classmethod
    def from_match(cls, tried: EventMatch) -> Self:
        return cls(
            pipeline_id=tried.event.pipeline_id,
            source=tried.event.source,
            event_type=str(tried.event.type),
            event_id=tried.event.id,
            matches=tried.reason is None,
            reason=tried.reason,
        )


@dataclass(frozen=True, kw_only=True)
class PreviewResultView:
    subject: str | None
    headers: Mapping[str, str] = described("Without values that only the sender knows.")
    body: str
    html: str | None
    warnings: list[str]

    @classmethod
    def from_preview(cls, preview: Preview) -> Self:
        return cls(
            subject=preview.subject,
            headers=preview.headers,
            body=preview.body,
            html=preview.html,
            warnings=[
                f"{name[:100]}: this event has no such field" for name in preview.missing_fields
            ],
        )


def secret_to_reveal(secret: SigningKey | None, provided: str | None) -> str | None:
    """Return the secret to show once: a new shared one, never a private or a provided key."""
    if secret is None or provided is not None or secret.signing is not SignatureAlgorithm.HMAC:
        return None
    return secret.reveal()


def _health(subscription: Subscription, health: EndpointHealth | None) -> str | None:
    if health is None or subscription.removed_at:
        return None
    return str(health_state(subscription, health))


def _template(template: Template | None) -> dict[str, Any] | None:
    if template is None:
        return None
    headers = dict(template.headers)
    return {"body": template.body, "subject": template.subject, "headers": headers}


def _signing(subscription: Subscription) -> str:
    names = {
        SignatureScheme.STANDARD_WEBHOOKS: str(subscription.signing),
        SignatureScheme.DEVLAKE: "devlake",
        SignatureScheme.OPTIONAL_TEXT: subscription.channel if subscription.secrets else "none",
        SignatureScheme.NONE: "none",
    }
    return names[channel_for(subscription).signature_scheme]


_SIGNATURE_REFUSED = (401, 403)


def _ping_hint(
    subscription: Subscription, result: PingResult | None, waited_seconds: float
) -> str | None:
    if result is None:
        return f"nothing within {waited_seconds:g} s: does the delivery function run?"
    if subscription.is_pending and result.attempt.outcome.is_success:
        return "the answer is not the challenge; try again: lakehook subscriptions test ID"
    if subscription.is_pending:
        return (
            "it stays pending, and gets no event; give the receiver its secret, and then:"
            f" lakehook subscriptions test {subscription.id}"
        )
    is_signed = not channel_for(subscription).signature_scheme.is_url_credential
    if is_signed and result.attempt.status in _SIGNATURE_REFUSED:
        return (
            "has the receiver another secret? lakehook verify says what is wrong with a request,"
            " and lakehook subscriptions rotate-secret ID shows a new secret"
        )
    return None
