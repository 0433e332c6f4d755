"""Dependencies of the delivery use case, and what ends the processing of a lane."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehook.domain.attempt import Attempt
from lakehook.domain.delivery import Delivery
from lakehook.domain.queue_message import Ack, Disposition, Nack, Ping
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.subscription import Subscription
from lakehook.ports.queues import DeadLetterQueue, DeliveryQueue
from lakehook.ports.stores import EndpointHealthStore, Ledger, RateLimitStore, SubscriptionReader
from lakehook.ports.system import Clock, Random
from lakehook.ports.telemetry import Telemetry

if TYPE_CHECKING:  # it has these dependencies
    from lakehook.delivery.circuit_breaker import AttemptsUnderWay

MAX_WAIT_IN_QUEUE_SECONDS = 60.0

Stop = Disposition | None
"""Disposition of a message; None if the lane may go on."""
POST_ATTEMPT_MARGIN_SECONDS = 2.0  # to record the outcome of an attempt


def nack_if_short(wait: float) -> Disposition:
    """Nack for a short wait; for a long one ack, since the scheduler resumes the lane."""
    return Nack(wait) if wait <= MAX_WAIT_IN_QUEUE_SECONDS else Ack()


class InsufficientTime(Exception):
    """Too little time is left in this invocation for an attempt; the messages come back."""


@dataclass(frozen=True)
class DeliveryDependencies:
    ledger: Ledger
    endpoint_health: EndpointHealthStore
    subscriptions: SubscriptionReader
    attempt: Callable[[Delivery, Subscription, float], Attempt]
    ping: Callable[[Ping, Subscription], None]
    dead_letters: DeadLetterQueue
    rate_limits: RateLimitStore
    queue: DeliveryQueue
    clock: Clock
    random: Random
    telemetry: Telemetry
    schedule: RetrySchedule
    attempts: "AttemptsUnderWay"
    exclusive_attempts: AbstractContextManager[object]
    """Lock of guarded attempts: one at a time, so that a crash can be attributed to it."""
