"""The channels there are. To add one: a module that plays ``Channel``, and its line here."""

from lakehook.domain.channel import Channel
from lakehook.domain.chat.email import Email
from lakehook.domain.chat.slack import Slack
from lakehook.domain.chat.wecom import WeCom
from lakehook.domain.devlake.channel import DevLakesOwn
from lakehook.domain.errors import BadSubscription
from lakehook.domain.rate import Rate
from lakehook.domain.subscription import WEBHOOK, Format, Subscription
from lakehook.domain.webhook import Webhook

CHANNELS: dict[str, Channel] = {
    WEBHOOK: Webhook(),
    "slack": Slack(),
    "wecom": WeCom(),
    "email": Email(),
}

_DEVLAKES_OWN = DevLakesOwn()


def channel_of(subscription: Subscription) -> Channel:
    """By its name; a webhook may be in DevLake's own format."""
    return channel_named(subscription.channel, subscription.format)


def channel_named(name: str, format_: Format = Format.LAKEHOOK) -> Channel:
    return _DEVLAKES_OWN if format_ is Format.DEVLAKE else CHANNELS[name]


def rate_of(subscription: Subscription) -> Rate | None:
    """Its own, or what the channel's service takes, whichever is slower."""
    own, services = subscription.rate, channel_of(subscription).rate
    return own.slower(services) if own else services


def checked_channel(name: str) -> str:
    if name not in CHANNELS:
        raise BadSubscription(f"channel: {name[:40]!a} is none of {', '.join(CHANNELS)}")
    return name
