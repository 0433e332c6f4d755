"""Registry of channels. A new channel is a module that implements ``Channel``, and a line here."""

from collections import UserDict
from importlib import import_module

from lakehook.domain.channels.base import Channel
from lakehook.domain.errors import InvalidSubscription
from lakehook.domain.rate_limit import Rate
from lakehook.domain.subscription import WEBHOOK, Subscription


class ChannelRegistry(UserDict[str, Channel | str]):
    """Channels by name; each is imported at its first use, as most stages use one or two."""

    def __getitem__(self, name: str) -> Channel:
        entry = self.data[name]
        if isinstance(entry, str):
            module, _, class_name = entry.partition(".")
            channel: Channel = getattr(import_module(f"{__name__}.{module}"), class_name)()
            self.data[name] = entry = channel
        return entry


CHANNELS = ChannelRegistry(
    {
        WEBHOOK: "webhook.Webhook",
        "slack": "slack.Slack",
        "wecom": "wecom.WeCom",
        "feishu": "feishu.Feishu",
        "dingtalk": "dingtalk.DingTalk",
        "teams": "teams.Teams",
        "email": "email.Email",
        "devlake": "devlake.DevLakeChannel",
        "cloudevents": "cloudevents.CloudEvents",
        "cloudevents-binary": "cloudevents.BinaryCloudEvents",
    }
)

CHANNELS_BY_FORMAT = {
    "lakehook": WEBHOOK,
    **{name: name for name in ("devlake", "cloudevents", "cloudevents-binary")},
}
"""The channel that each value of the option ``--format`` stands for."""


_CHANNELS_BY_HOST = {
    "hooks.slack.com": "slack",
    "qyapi.weixin.qq.com": "wecom",
    "open.feishu.cn": "feishu",
    "open.larksuite.com": "feishu",
    "oapi.dingtalk.com": "dingtalk",
}


# Any flow with an HTTP trigger has such a host, whether it posts to Teams or not:
# https://databrickslabs.github.io/dqx/docs/reference/api/actions/destinations/teams/
_HOSTS_OF_FLOWS = (".environment.api.powerplatform.com", ".logic.azure.com")
# Of Teams' connectors, until May 2026: the same page, and
# https://learn.microsoft.com/microsoftteams/m365-custom-connectors#update-connectors-url
_HOSTS_OF_CONNECTORS = (".webhook.office.com", ".outlook.office.com", ".outlook.office365.com")


def wrong_channel_reason(host: str, channel: Channel) -> str | None:
    """Return why a channel cannot send to a host that is known to take other messages.

    Such a service may answer 200 also when it refuses a message; only its channel reads that.
    """
    host = host.rstrip(".").lower()
    if f".{host}".endswith(_HOSTS_OF_CONNECTORS):
        return (
            f"{host} is of Teams' connectors, which Microsoft has retired: create a workflow in the"
            " Teams channel, and take its URL with --channel teams"
        )
    name = _CHANNELS_BY_HOST.get(host)
    if channel.is_localized and host.endswith(_HOSTS_OF_FLOWS):
        name = "teams"
    if name is None or CHANNELS[name] is channel:
        return None
    return f"{host} takes the messages of channel {name}: --channel {name}"


def channel_for(subscription: Subscription) -> Channel:
    return CHANNELS[subscription.channel]


def effective_rate(subscription: Subscription) -> Rate | None:
    """Return the slower of the subscription's own rate and its channel's."""
    own, services = subscription.rate, channel_for(subscription).rate
    return own.slower_of(services) if own else services


def parse_channel(name: str) -> str:
    if name not in CHANNELS:
        raise InvalidSubscription(f"channel: {name[:40]!a} is not one of {', '.join(CHANNELS)}")
    return name


def parse_format(name: str) -> str:
    """Return the name of the channel that a format stands for."""
    if name not in CHANNELS_BY_FORMAT:
        formats = ", ".join(CHANNELS_BY_FORMAT)
        raise InvalidSubscription(f"format: {name[:40]!a} is not one of {formats}")
    return CHANNELS_BY_FORMAT[name]


def parse_channel_or_format(channel: str | None, format_: str | None) -> str:
    """Return the name of the channel of a new subscription; neither option means a webhook."""
    name = WEBHOOK if channel is None else parse_channel(channel)
    if format_ is None:
        return name
    by_format = parse_format(format_)
    if name not in (WEBHOOK, by_format):
        raise InvalidSubscription(f"format: {format_} is channel {by_format}, not {name}")
    return by_format
