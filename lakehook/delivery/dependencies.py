"""Ports and dependencies of the delivery use case, and what ends the processing of a lane."""

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lakehook.domain.attempt import Attempt
from lakehook.domain.delivery import Delivery
from lakehook.domain.queue_message import Ack, Disposition, Nack, Ping
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.subscription import Subscription
from lakehook.ports.outbound import Pings, Sender, TemplateRenderer
from lakehook.ports.queues import DeadLetterQueue, DeliveryQueue, MessageAcks
from lakehook.ports.stores import EndpointHealthStore, Ledger, RateLimitStore, SubscriptionReader
from lakehook.ports.system import Clock, Random
from lakehook.ports.telemetry import Telemetry

if TYPE_CHECKING:  # it has these dependencies
    from lakehook.delivery.circuit_breaker import AttemptsUnderWay

MAX_WAIT_IN_QUEUE_SECONDS = 60.0
MIN_WAIT_IN_QUEUE_SECONDS = 1.0  # SQS counts whole seconds; a worker sleeps for a shorter wait

Stop = Disposition | None
"""Disposition of a message; None if the lane may go on."""
POST_ATTEMPT_MARGIN_SECONDS = 2.0  # to record the outcome of an attempt


def nack_if_short(wait: float) -> Disposition:
    """Nack for a short wait; for a long one ack, since the scheduler resumes the lane."""
    return Nack(wait) if wait <= MAX_WAIT_IN_QUEUE_SECONDS else Ack()


class InsufficientTime(Exception):
    """Too little time is left in this invocation for an attempt; the messages come back."""


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
    """Lock of guarded attempts: one at a time, so that a crash can be attributed to it."""
    under_way: AbstractContextManager[object] = field(default_factory=nullcontext)
    visibility_seconds: float


@dataclass(frozen=True, kw_only=True)
class DeliveryDependencies(DeliveryPorts):
    """The ports, and what is built over them."""

    schedule: RetrySchedule
    attempt: Callable[[Delivery, Subscription, float], Attempt]
    ping: Callable[[Ping, Subscription], None]
    attempts: "AttemptsUnderWay"
