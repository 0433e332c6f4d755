"""Preview what would be sent for an event, and match events against a subscription.

Nothing is sent, and no secret is decrypted. A match gives the reason why an event would not be
sent.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lakehook.delivery.sender import RenderDelivery, Rendered
from lakehook.domain.channels import channel_for
from lakehook.domain.channels.base import Channel, OutboundMessage, SignatureScheme
from lakehook.domain.delivery import Delivery
from lakehook.domain.destination import Mail, Request
from lakehook.domain.devlake.signature import TextSecret
from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.event import Event
from lakehook.domain.sample import sample_delivery
from lakehook.domain.signing import SigningKey
from lakehook.domain.subscription import Subscription
from lakehook.ports.system import Clock

CONCEALED = "…"  # replaces what only the deliver function may know
_SIGNATURE = "webhook-signature"
_ANY_SECRET = TextSecret.parse("preview")  # DevLake's signature is part of the URL, which is hidden


@dataclass(frozen=True, kw_only=True)
class Preview:
    body: str
    html: str | None = None  # of a mail
    subject: str | None = None
    headers: dict[str, str]
    missing_fields: tuple[str, ...]  # fields that the template uses but this event does not have


@dataclass(frozen=True)
class PreviewDelivery:
    render: RenderDelivery
    clock: Clock

    def __call__(self, subscription: Subscription, event: Event) -> Preview:
        """Preview a delivery; raises ``TemplateFailed`` if the template's output cannot be sent."""
        return self.of_delivery(sample_delivery(event, subscription), subscription)

    def of_delivery(self, delivery: Delivery, subscription: Subscription) -> Preview:
        """Preview a known delivery, by the subscription's present terms."""
        channel = channel_for(subscription)
        if silence := channel.unsupported_reason(delivery.event):
            raise InvalidSubscription(f"event type: nothing is sent of it: {silence}")
        rendered = self.render(delivery, subscription)
        sent = channel.build_request(
            self._outbound_message(delivery, rendered, subscription, channel)
        )
        if isinstance(sent, Mail):
            return _preview_mail(sent, rendered)
        return _preview_request(sent, rendered, channel)

    def _outbound_message(
        self, delivery: Delivery, rendered: Rendered, subscription: Subscription, channel: Channel
    ) -> OutboundMessage:
        secrets: tuple[SigningKey, ...] = ()
        if channel.signature_scheme is SignatureScheme.DEVLAKE or (
            channel.signature_scheme.has_text_secret and subscription.secrets
        ):
            secrets = (_ANY_SECRET,)
        return OutboundMessage(
            id=delivery.id,
            content=rendered.content,
            destination=subscription.endpoint,
            at=self.clock.now(),
            deadline_seconds=subscription.deadline_seconds,
            secrets=secrets,
            headers=dict.fromkeys(subscription.header_names, CONCEALED),
            random_bytes=lambda: bytes(32),
        )


@dataclass(frozen=True)
class EventMatch:
    event: Event
    reason: str | None  # why it would not be sent


def _preview_request(request: Request, rendered: Rendered, channel: Channel) -> Preview:
    signed = (
        {_SIGNATURE: CONCEALED}
        if channel.signature_scheme is SignatureScheme.STANDARD_WEBHOOKS
        else {}
    )
    return Preview(
        body=request.body.decode(errors="replace"),
        headers={**request.headers, **signed},
        missing_fields=rendered.missing_fields,
    )


def _preview_mail(mail: Mail, rendered: Rendered) -> Preview:
    return Preview(
        body=mail.text,
        html=mail.html or None,
        subject=mail.subject,
        headers=dict(mail.headers),
        missing_fields=rendered.missing_fields,
    )


def match(subscription: Subscription, events: Iterable[Event]) -> Iterator[EventMatch]:
    """Match events without sending; paused and disabled are ignored, since events wait then."""
    for event in events:
        yield EventMatch(event, _reason(subscription, event))


def _reason(subscription: Subscription, event: Event) -> str | None:
    if subscription.is_pending:
        return "pending a challenge"
    if not subscription.accepts_type(event.type):
        return "event type"
    if not subscription.matches(event):
        return "pattern"
    return channel_for(subscription).unsupported_reason(event)
