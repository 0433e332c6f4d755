"""The fan-out function over fakes: messages of the events queue in, deliveries out."""

from collections.abc import Sequence

from lakehook.domain.subscription import Subscription
from lakehook.ingestion.fan_out import FanOutPorts, build_fan_out
from lakehook.ports.queues import DeliveryQueue, EventMessage
from lakehook.ports.stores import Journal, SubscriptionReader
from tests.fakes import (
    FakeDeliveryQueue,
    FakeFanOutReader,
    FakeInvalidEventQueue,
    FakeJournal,
    FakeMessageAcks,
    FakeSubscriptions,
    FakeTelemetry,
    FakeUnfinishedAttempts,
)
from tests.fakes_ingress import FakeHeard


class FanOutFunction:
    def __init__(
        self,
        *known_subscriptions: Subscription,
        journal: Journal | None = None,
        subscriptions: SubscriptionReader | None = None,
        queue: DeliveryQueue | None = None,
    ) -> None:
        self.subscriptions = subscriptions or FakeSubscriptions(
            {subscription.id: subscription for subscription in known_subscriptions}
        )
        self.journal, self.queue = journal or FakeJournal(), queue or FakeDeliveryQueue()
        self.invalid_events, self.acks = FakeInvalidEventQueue(), FakeMessageAcks()
        self.unfinished = FakeUnfinishedAttempts()
        self.telemetry, self.heard = FakeTelemetry(), FakeHeard()
        self.time_left = 30.0

    def fan_out(self, messages: Sequence[EventMessage]) -> Sequence[EventMessage]:
        """Return the messages that must come again."""
        return build_fan_out(self._ports())(messages, lambda: self.time_left)

    def sent(self) -> list[str]:
        return [delivery.id for delivery in self.queue.sent]

    def _ports(self) -> FanOutPorts:
        return FanOutPorts(
            reader=FakeFanOutReader(self.journal, self.subscriptions),
            journal=self.journal,
            queue=self.queue,
            invalid_events=self.invalid_events,
            unfinished=self.unfinished,
            acks=self.acks,
            telemetry=self.telemetry,
            heard=self.heard,
        )
