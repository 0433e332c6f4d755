"""The deliver function over fakes: messages of the queue in, the disposition of each out."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from lakehook.delivery.batch import DeliverBatch, build_deliver
from lakehook.delivery.dependencies import DeliveryPorts
from lakehook.domain.queue_message import Ack, Disposition, Message, Nack, encode
from lakehook.domain.retry import RetrySchedule
from lakehook.ports.outbound import Sender
from lakehook.ports.queues import QueueMessage
from tests.builders import a_subscription
from tests.fakes import (
    FakeClock,
    FakeDeadLetterQueue,
    FakeDeliveryQueue,
    FakeLedger,
    FakeMessageAcks,
    FakeRandom,
    FakeRateLimitStore,
    FakeSender,
    FakeSubscriptions,
    FakeTelemetry,
    FakeTemplateRenderer,
)


class ImmediateExecutor(Executor):
    """An executor that runs each call to its end when it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class DeliverFunction:
    """The deliver function, with the retry schedule 5 s, 300 s."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.ledger = FakeLedger(clock=self.clock)
        self.queue, self.acks = FakeDeliveryQueue(), FakeMessageAcks()
        self.rate_limits = FakeRateLimitStore(self.clock)
        self.attempts = FakeSender(self.clock)
        self.sender: Sender = self.attempts
        self.subscriptions = FakeSubscriptions({"sub_a": a_subscription()})
        self.dead_letters, self.telemetry = FakeDeadLetterQueue(), FakeTelemetry()
        self.time_left = 30.0
        self.alone: AbstractContextManager[None] = nullcontext()
        self.schedule = RetrySchedule((5, 300))

    def receive(
        self, *messages: Message, redelivered: bool = False, redriven: bool = False
    ) -> list[Disposition]:
        batch = [
            QueueMessage(
                id=f"m{number}",
                group=str(message.lane),
                body=encode(message),
                receipt=f"r{number}",
                receives=1 + redelivered,
                received_at=None if redelivered else self.clock.now(),
                redriven=redriven,
            )
            for number, message in enumerate(messages)
        ]
        delays = self._delays(self.deliver_batch()(batch, lambda: self.time_left))
        return [Nack(delays[message.id]) if message.id in delays else Ack() for message in batch]

    def deliver_batch(self) -> DeliverBatch:
        return build_deliver(self.ports(), self.schedule)

    def ports(self) -> DeliveryPorts:
        return DeliveryPorts(
            ledger=self.ledger,
            endpoint_health=self.ledger.healths,
            rate_limits=self.rate_limits,
            subscriptions=self.subscriptions,
            pings=self.queue.pings,
            queue=self.queue,
            acks=self.acks,
            dead_letters=self.dead_letters,
            sender=self.sender,
            renderer=FakeTemplateRenderer(),
            clock=self.clock,
            random=FakeRandom(),
            telemetry=self.telemetry,
            workers=ImmediateExecutor(),
            exclusive_attempts=self.alone,
            visibility_seconds=30.0,
        )

    def _delays(self, nacked: Iterable[QueueMessage]) -> dict[str, float]:
        delays = {message.id: seconds for message, seconds in self.acks.postponed}
        self.acks.postponed.clear()
        return {message.id: delays[message.id] for message in nacked}
