"""Which events of the past are meant: by the replay's terms, and as the subscription now stands."""

from collections.abc import Iterable

from lakehook.domain.channels import channel_of
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.replay import Terms
from lakehook.domain.subscription import Subscription
from lakehook.ports.history import Accepted


def chosen(
    accepted: Iterable[Accepted], terms: Terms, subscription: Subscription
) -> list[Delivery]:
    """Their deliveries, whatever has become of them."""
    channel = channel_of(subscription)
    return [
        Delivery(Lane(subscription.id, one.numbered.event.pipeline_key), one.numbered)
        for one in accepted
        if terms.reach(one.numbered.event, at=one.at, subscription=subscription)
        and channel.silence(one.numbered.event) is None
    ]
