"""Whoever has a part in delivering."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from lakehook.domain.delivery import Delivery
from lakehook.domain.outcome import Attempt
from lakehook.domain.ping import Ping
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.subscription import Subscription
from lakehook.ports.clock import Clock, Dice
from lakehook.ports.ledger import Healths, Ledger, Paces
from lakehook.ports.letters import DeadLetters
from lakehook.ports.messages import Bell
from lakehook.ports.subscriptions import Subscriptions
from lakehook.ports.telemetry import Telemetry

MARGIN_SECONDS = 2.0  # to write down what came of an attempt


class OutOfTime(Exception):
    """Too little is left of this invocation for an attempt; the rest waits for another."""


@dataclass(frozen=True)
class Crew:
    ledger: Ledger
    healths: Healths
    subscriptions: Subscriptions
    attempt: Callable[[Delivery, Subscription], Attempt]
    ping: Callable[[Ping, Subscription], None]
    dead_letters: DeadLetters
    paces: Paces
    bell: Bell
    clock: Clock
    dice: Dice
    telemetry: Telemetry
    schedule: RetrySchedule
    alone: AbstractContextManager[object]
    """Entered for announced attempts: one at a time, so that one is to blame for a crash."""
