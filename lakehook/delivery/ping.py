"""Pings: test an endpoint by a signed request, and verify its owner by a challenge.

The operator's side enqueues the ping and waits for its result. The deliver function sends it, since
it alone can decrypt secrets.
"""

from dataclasses import dataclass, replace

from lakehook.delivery.sender import RenderDelivery
from lakehook.domain.attempt import Attempt, Outcome
from lakehook.domain.channels import channel_for
from lakehook.domain.channels.base import RenderedMessage
from lakehook.domain.errors import InvalidSubscription, TemplateFailed
from lakehook.domain.queue_message import Ping, PingResult
from lakehook.domain.response_redaction import MAX_EXCERPT_CHARACTERS
from lakehook.domain.sample import ping_delivery
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import format_rfc3339, parse_rfc3339
from lakehook.ports.outbound import Pings, Sender
from lakehook.ports.queues import DeliveryQueue
from lakehook.ports.stores import SubscriptionRepository
from lakehook.ports.system import Clock, Random

PAUSE_SECONDS = 0.25


@dataclass(frozen=True)
class PingEndpoint:
    send: Sender
    pings: Pings
    render: RenderDelivery

    def __call__(self, ping: Ping, subscription: Subscription) -> None:
        """Send one signed request, whatever the subscription's state, without retries or a lane."""
        try:
            content = self._content(ping, subscription)
        except TemplateFailed as failed:
            self.pings.record(ping, _failed(ping, failed))
            return
        if content is None:
            return  # ``TestEndpoint`` enqueues none for such a channel
        if ping.challenge:  # its echo is the whole body
            subscription = replace(subscription, success_if=None)
        result = self.send(ping.id, content, subscription, keep_response=True)
        attempt = result.attempt
        echoed = attempt.outcome.is_success and ping.is_echoed_by(result.body)
        self.pings.record(ping, PingResult(attempt, echoed=echoed))

    def _content(self, ping: Ping, subscription: Subscription) -> RenderedMessage | None:
        channel = channel_for(subscription)
        if channel.has_keywords:
            return self.render(ping_delivery(ping, subscription), subscription).content
        return channel.render_ping(ping, subscription.locale)


def _failed(ping: Ping, failed: TemplateFailed) -> PingResult:
    attempt = Attempt(
        at=parse_rfc3339(ping.timestamp).timestamp(),
        outcome=Outcome.TEMPLATE_FAILED,
        milliseconds=0,
        excerpt=str(failed)[:MAX_EXCERPT_CHARACTERS],
    )
    return PingResult(attempt, echoed=False)


@dataclass(frozen=True)
class TestEndpoint:
    registry: SubscriptionRepository
    queue: DeliveryQueue
    pings: Pings
    clock: Clock
    random: Random

    def __call__(
        self, subscription: Subscription, *, within_seconds: float
    ) -> tuple[Subscription, PingResult | None]:
        """Return the subscription after the test, and the result; None if there is none in time.

        A pending subscription gets a challenge, and is active once its endpoint echoed it.
        """
        ping = Ping(
            subscription.id,
            self.random.new_id(),
            format_rfc3339(self.clock.now()),
            challenge=self.random.new_id() if subscription.is_pending else None,
        )
        if channel_for(subscription).render_ping(ping, subscription.locale) is None:
            raise InvalidSubscription(f"test: channel {subscription.channel} cannot send a ping")
        self.queue.enqueue_ping(ping)
        result = self._wait_for_result(ping, until=self.clock.now() + within_seconds)
        if result and result.echoed:
            subscription = self.registry.save_state(replace(subscription, pending_since=None))
        return subscription, result

    def _wait_for_result(self, ping: Ping, *, until: float) -> PingResult | None:
        while (result := self.pings.find(ping)) is None and self.clock.now() < until:
            self.clock.sleep(PAUSE_SECONDS)
        return result
