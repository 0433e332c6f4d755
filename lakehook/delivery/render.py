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
    missing_fields: tuple[str, ...] = ()  # those that the template uses and the event lacks


@dataclass(frozen=True)
class RenderDelivery:
    renderer: TemplateRenderer

    def __call__(self, delivery: Delivery, subscription: Subscription) -> Rendered:
        """Render a delivery; ``TemplateFailed`` if the template's output cannot be sent."""
        channel = channel_for(subscription)
        default = channel.render(delivery, subscription.locale)
        if subscription.template is None:
            return Rendered(default)
        fields = template_fields(delivery, subscription)
        rendered = self.renderer.render(subscription.template, fields)
        return Rendered(channel.apply_template(rendered, default), rendered.missing_fields)
