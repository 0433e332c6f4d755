"""The channels there are. To add one: a module that plays ``Channel``, and its line here."""

from lakehook.domain.channel import Channel
from lakehook.domain.devlake.channel import DevLakesOwn
from lakehook.domain.subscription import Format, Subscription
from lakehook.domain.webhook import Webhook

CHANNELS: dict[str, Channel] = {
    Format.LAKEHOOK: Webhook(),
    Format.DEVLAKE: DevLakesOwn(),
}


def channel_of(subscription: Subscription) -> Channel:
    return CHANNELS[subscription.format]
