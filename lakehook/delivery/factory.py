"""Factory of the deliver function, from the ports that its handler or a test gives."""

from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass

from lakehook.delivery.batch import DeliverBatch
from lakehook.delivery.dependencies import DeliveryDependencies
from lakehook.delivery.lane_processor import DeliverLane
from lakehook.delivery.ping import PingEndpoint
from lakehook.delivery.sender import AttemptDelivery, RenderDelivery
from lakehook.domain.retry import RetrySchedule
from lakehook.ports.outbound import Pings, Sender, TemplateRenderer
from lakehook.ports.queues import DeadLetterQueue, DeliveryQueue, MessageAcks
from lakehook.ports.stores import EndpointHealthStore, Ledger, RateLimitStore, SubscriptionReader
from lakehook.ports.system import Clock, Random
from lakehook.ports.telemetry import Telemetry


@dataclass(frozen=True, kw_only=True)
class DeliveryPorts:
    ledger: Ledger
    endpoint_health: EndpointHealthStore
    rate_limits: RateLimitStore
    subscriptions: SubscriptionReader
    pings: Pings
    queue: DeliveryQueue
    acks: MessageAcks
    dead_letters: DeadLetterQueue
    sender: Sender
    renderer: TemplateRenderer
    clock: Clock
    random: Random
    telemetry: Telemetry
    workers: Executor
    exclusive_attempts: AbstractContextManager[object]


def build_deliver(ports: DeliveryPorts, schedule: RetrySchedule) -> DeliverBatch:
    render = RenderDelivery(ports.renderer)
    dependencies = DeliveryDependencies(
        ledger=ports.ledger,
        endpoint_health=ports.endpoint_health,
        subscriptions=ports.subscriptions,
        attempt=AttemptDelivery(render, ports.sender, ports.clock),
        ping=PingEndpoint(ports.sender, ports.pings, render),
        dead_letters=ports.dead_letters,
        rate_limits=ports.rate_limits,
        queue=ports.queue,
        clock=ports.clock,
        random=ports.random,
        telemetry=ports.telemetry,
        schedule=schedule,
        exclusive_attempts=ports.exclusive_attempts,
    )
    return DeliverBatch(
        deliver=DeliverLane(dependencies),
        acks=ports.acks,
        dead_letters=ports.dead_letters,
        telemetry=ports.telemetry,
        workers=ports.workers,
    )
