"""Match: which of these events would go out to a subscription, and why the others would not."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lakehook.domain.channels import channel_of
from lakehook.domain.event import Event
from lakehook.domain.subscription import Subscription


@dataclass(frozen=True)
class Match:
    event: Event
    reason: str | None  # why it would not go out


def match(subscription: Subscription, events: Iterable[Event]) -> Iterator[Match]:
    """Sends none; paused and disabled do not count, for what waits goes out in the end."""
    for event in events:
        yield Match(event, _reason(subscription, event))


def _reason(subscription: Subscription, event: Event) -> str | None:
    if subscription.is_pending:
        return "pending a challenge"
    if not subscription.wants(event.type):
        return "event type"
    if not subscription.matches(event):
        return "pattern"
    return channel_of(subscription).silence(event)
