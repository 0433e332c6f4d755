"""Registry of channels. To add one: a module that implements ``Channel``, and its line here."""

from lakehook.domain.channels.base import Channel
from lakehook.domain.channels.devlake import DevLakeChannel
from lakehook.domain.channels.email import Email
from lakehook.domain.channels.slack import Slack
from lakehook.domain.channels.webhook import Webhook
from lakehook.domain.channels.wecom import WeCom
from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.rate_limit import Rate
from lakehook.domain.subscription import WEBHOOK, Format, Subscription

CHANNELS: dict[str, Channel] = {
    WEBHOOK: Webhook(),
    "slack": Slack(),
    "wecom": WeCom(),
    "email": Email(),
}

_DEVLAKE = DevLakeChannel()


def channel_for(subscription: Subscription) -> Channel:
    """By its name; a webhook may be in DevLake's own format."""
    return get_channel(subscription.channel, subscription.format)


def get_channel(name: str, format_: Format = Format.LAKEHOOK) -> Channel:
    return _DEVLAKE if format_ is Format.DEVLAKE else CHANNELS[name]


def effective_rate(subscription: Subscription) -> Rate | None:
    """Its own, or what the channel's service takes, whichever is slower."""
    own, services = subscription.rate, channel_for(subscription).rate
    return own.slower_of(services) if own else services


def parse_channel(name: str) -> str:
    if name not in CHANNELS:
        raise InvalidSubscription(f"channel: {name[:40]!a} is none of {', '.join(CHANNELS)}")
    return name
