"""Say: what goes out for a delivery, by the subscriber's template or in the channel's own way."""

from dataclasses import dataclass

from lakehook.domain.channel import Content
from lakehook.domain.channels import channel_of
from lakehook.domain.delivery import Delivery
from lakehook.domain.subscription import Subscription
from lakehook.domain.template_fields import fields_of
from lakehook.ports.sending import Typesetter


@dataclass(frozen=True)
class Said:
    content: Content
    unknown: tuple[str, ...] = ()  # fields that the template asked for and that are not there


@dataclass(frozen=True)
class Say:
    typesetter: Typesetter

    def __call__(self, delivery: Delivery, subscription: Subscription) -> Said:
        """``TemplateFailed`` when its template gives nothing that could be sent."""
        channel = channel_of(subscription)
        usual = channel.render(delivery, subscription.language)
        if subscription.template is None:
            return Said(usual)
        set_ = self.typesetter.set(subscription.template, fields_of(delivery, subscription))
        return Said(channel.compose(set_, usual), set_.unknown)
