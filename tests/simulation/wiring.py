"""Wiring of the functions' shipped code, as in their handlers, but to simulated services."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

from functions.deliver.handler import queue_message
from functions.fanout.handler import event_message
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.sqs.dead_letters import SqsDeadLetterQueue, SqsInvalidEventQueue
from lakehook.adapters.sqs.deliveries import SqsDeliveryQueue, SqsMessageAcks
from lakehook.delivery.batch import build_deliver
from lakehook.delivery.dependencies import DeliveryPorts
from lakehook.delivery.sender import SignedSender
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.signing import HmacSecret
from lakehook.ingestion.fan_out import FanOutBatch, FanOutPorts, build_fan_out
from lakehook.ports.outbound import SubscriptionCredentials
from lakehook.ports.queues import Remaining
from lakehook.tick import Tick
from tests.fakes import (
    FakeCredentialStore,
    FakeFanOutReader,
    FakePings,
    FakeRandom,
    FakeTemplateRenderer,
)
from tests.simulation.faults import Gate, Invocation
from tests.simulation.history import History
from tests.simulation.internet import Internet
from tests.simulation.platform import Records
from tests.simulation.ports import Reached
from tests.simulation.receivers import SimulatedReceiver
from tests.simulation.timeline import Timeline
from tests.simulation.workers import SimulatedExecutor, SimulatedLock
from tests.ticking import a_tick

EVENTS, DELIVERIES = "events", "deliveries"
DEAD, DEAD_EVENTS = "dead", "dead-events"
SECRET = b"a key of at least 24 bytes"
KEYS = SubscriptionCredentials((HmacSecret(SECRET),))
TICK_SECONDS = 60.0
VISIBILITY_SECONDS = {EVENTS: 30.0, DELIVERIES: 28.0, DEAD: 180.0, DEAD_EVENTS: 180.0}
NEVER = '{"created": "365d", "running": "365d"}'
DEPLOYED_SCHEDULE = RetrySchedule.parse("5,300")


class SimulatedRandom(FakeRandom):
    """Random source of tokens in a row, and of fractions by the seed."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random

    def fraction(self) -> float:
        return self._random.random()


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """Each invocation has the lock and the threads of a process of its own.

    All else is wired once, and remembers nothing.
    """

    timeline: Timeline
    gate: Gate
    sqs: Any
    ledger: Any
    healths: object
    paces: object
    journal: DynamoJournal
    unfinished: object
    replays: object
    subscriptions: object
    receivers: Mapping[str, SimulatedReceiver]
    history: History
    telemetry: Any
    random_port: SimulatedRandom

    def fan_out(self, records: Records, invocation: Invocation) -> set[str]:
        nacked = self._fan_out(
            [event_message(record) for record in records], self._remaining(invocation)
        )
        return {message.id for message in nacked}

    def deliver(self, records: Records, invocation: Invocation) -> set[str]:
        deliver_batch = build_deliver(self._delivery_ports(), DEPLOYED_SCHEDULE)
        nacked = deliver_batch(
            [queue_message(record) for record in records], self._remaining(invocation)
        )
        return {message.id for message in nacked}

    def _remaining(self, invocation: Invocation) -> Remaining:
        return lambda: invocation.deadline - self.timeline.now()

    def tick(self) -> None:
        """Run all parts but those that speak to people or to DevLake; no pipeline stalls."""
        self._tick(lambda: TICK_SECONDS)

    @cached_property
    def _tick(self) -> Tick:
        return a_tick(
            self.ledger,
            self._deliveries,
            self.timeline,
            endpoint_health=self._healths,
            subscriptions=self._subscriptions,
            replays=self._reached("replays", self.replays),
            journal=self.journal,
            telemetry=self.telemetry,
            stall_thresholds=NEVER,
        )

    @cached_property
    def _fan_out(self) -> FanOutBatch:
        return build_fan_out(
            FanOutPorts(
                reader=FakeFanOutReader(self.journal, self._subscriptions),
                journal=self.journal,
                queue=self._deliveries,
                invalid_events=SqsInvalidEventQueue(self.sqs, DEAD_EVENTS),
                unfinished=self._reached("unfinished", self.unfinished),
                acks=SqsMessageAcks(self.sqs, EVENTS),
                telemetry=self.telemetry,
            )
        )

    def _delivery_ports(self) -> DeliveryPorts:
        return DeliveryPorts(
            ledger=self.ledger,
            endpoint_health=self._healths,
            rate_limits=self._paces,
            subscriptions=self._subscriptions,
            pings=FakePings(),
            queue=self._deliveries,
            acks=self._receipts,
            dead_letters=self._dead_letters,
            sender=self._sender,
            renderer=FakeTemplateRenderer(),
            clock=self.timeline,
            random=self.random_port,
            telemetry=self.telemetry,
            workers=SimulatedExecutor(self.timeline),
            exclusive_attempts=SimulatedLock(self.timeline),
            visibility_seconds=VISIBILITY_SECONDS[DELIVERIES],
        )

    @cached_property
    def _sender(self) -> SignedSender:
        return SignedSender(
            credentials=self._reached("keyring", FakeCredentialStore(KEYS)),
            transport=Internet(self.receivers, SECRET, self.timeline, self.gate, self.history),
            clock=self.timeline,
            random=self.random_port,
        )

    @cached_property
    def _subscriptions(self) -> Any:
        return self._reached("subscriptions", self.subscriptions)

    @cached_property
    def _healths(self) -> Any:
        return self._reached("healths", self.healths)

    @cached_property
    def _paces(self) -> Any:
        return self._reached("paces", self.paces)

    @cached_property
    def _deliveries(self) -> SqsDeliveryQueue:
        return SqsDeliveryQueue(self.sqs, DELIVERIES)

    @cached_property
    def _dead_letters(self) -> SqsDeadLetterQueue:
        return SqsDeadLetterQueue(self.sqs, DEAD)

    @cached_property
    def _receipts(self) -> SqsMessageAcks:
        return SqsMessageAcks(self.sqs, DELIVERIES)

    def _reached(self, name: str, port: object) -> Any:
        return Reached(name, port, self.gate)
