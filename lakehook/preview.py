"""Preview: what would be sent for an event, to the letter; nothing is, and no secret is opened."""

from dataclasses import dataclass

from lakehook.domain.channel import Channel, Letter, Seal
from lakehook.domain.channels import channel_of
from lakehook.domain.delivery import Delivery
from lakehook.domain.devlake.secret import TextSecret
from lakehook.domain.errors import BadSubscription
from lakehook.domain.event import Event
from lakehook.domain.mail import Mail
from lakehook.domain.request import Request
from lakehook.domain.sample import delivery_of
from lakehook.domain.signature import SigningKey
from lakehook.domain.subscription import Subscription
from lakehook.ports.clock import Clock
from lakehook.say import Said, Say

HIDDEN = "…"  # in the place of what only the delivery function may know
_SIGNATURE = "webhook-signature"
_ANY_SECRET = TextSecret.given("preview")  # DevLake's signature goes into the URL, which is hidden


@dataclass(frozen=True, kw_only=True)
class Preview:
    body: str
    html: str | None = None  # of a mail
    subject: str | None = None
    headers: dict[str, str]
    unknown: tuple[str, ...]  # fields that the template asks for and that this event has not


@dataclass(frozen=True)
class PreviewDelivery:
    say: Say
    clock: Clock

    def __call__(self, subscription: Subscription, event: Event) -> Preview:
        """``TemplateFailed`` when the template gives nothing that could be sent."""
        channel = channel_of(subscription)
        if silence := channel.silence(event):
            raise BadSubscription(f"event type: nothing is sent of it: {silence}")
        delivery = delivery_of(event, subscription)
        said = self.say(delivery, subscription)
        sent = channel.address(self._letter(delivery, said, subscription, channel))
        if isinstance(sent, Mail):
            return _of_mail(sent, said)
        return _of_request(sent, said, channel)

    def _letter(
        self, delivery: Delivery, said: Said, subscription: Subscription, channel: Channel
    ) -> Letter:
        secrets: tuple[SigningKey, ...] = ()
        if channel.seal is Seal.DEVLAKES:
            secrets = (_ANY_SECRET,)
        return Letter(
            id=delivery.id,
            content=said.content,
            destination=subscription.endpoint,
            at=self.clock.now(),
            deadline_seconds=subscription.deadline_seconds,
            secrets=secrets,
            headers=dict.fromkeys(subscription.header_names, HIDDEN),
            chance=lambda: bytes(32),
        )


def _of_request(request: Request, said: Said, channel: Channel) -> Preview:
    signed = {_SIGNATURE: HIDDEN} if channel.seal is Seal.STANDARD else {}
    return Preview(
        body=request.body.decode(errors="replace"),
        headers={**request.headers, **signed},
        unknown=said.unknown,
    )


def _of_mail(mail: Mail, said: Said) -> Preview:
    return Preview(
        body=mail.text,
        html=mail.html or None,
        subject=mail.subject,
        headers=dict(mail.headers),
        unknown=said.unknown,
    )
