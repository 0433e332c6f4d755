"""Rendering of a delivery, by the subscription's template or in the channel's own form."""

from dataclasses import dataclass

from lakehook.domain.channels import channel_for
from lakehook.domain.channels.base import RenderedMessage
from lakehook.domain.delivery import Delivery
from lakehook.domain.subscription import Subscription
from lakehook.domain.template_fields import template_fields
from lakehook.ports.outbound import TemplateRenderer


@dataclass(frozen=True)
class Rendered:
    content: RenderedMessage
    missing_fields: tuple[
        str, ...
    ] = ()  # fields that the template asked for and that are not there


@dataclass(frozen=True)
class RenderDelivery:
    renderer: TemplateRenderer

    def __call__(self, delivery: Delivery, subscription: Subscription) -> Rendered:
        """``TemplateFailed`` when its template gives nothing that could be sent."""
        channel = channel_for(subscription)
        usual = channel.render(delivery, subscription.language)
        if subscription.template is None:
            return Rendered(usual)
        set_ = self.renderer.render(subscription.template, template_fields(delivery, subscription))
        return Rendered(channel.apply_template(set_, usual), set_.missing_fields)
