"""Lakehook under simulated time: shipped use cases between queues, tables and faults."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from hashlib import sha512
from itertools import chain
from random import Random
from typing import Any
from zlib import crc32

from lakehook.domain.destination import Endpoint
from lakehook.domain.lane import DeliveryStatus, HeldLane
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.subscription import Ordering, Subscription
from lakehook.domain.time import format_rfc3339
from local.fifo import FifoQueue, QueueSettings
from tests.fakes import NOON, FakeJournal, FakeRateLimitStore
from tests.simulation.aws import SimulatedSqs
from tests.simulation.clockwork import Clockwork, IsDue, NeverRests
from tests.simulation.dynamodb import TABLE, SimulatedDynamoDB, SimulatedJournal, journal_in
from tests.simulation.faults import Faults, Gate
from tests.simulation.history import History, KindOf
from tests.simulation.platform import EventSource, Platform
from tests.simulation.ports import (
    PlannedReplays,
    ReachedLedger,
    RecheckIsDue,
    ReplayIsDue,
    WitnessedAttempts,
    WitnessedLedger,
    WitnessedSubscriptions,
    WitnessTelemetry,
)
from tests.simulation.receivers import SimulatedReceiver
from tests.simulation.scenario import Publication, Scenario, Subscriber
from tests.simulation.timeline import Timeline
from tests.simulation.wiring import (
    DEAD,
    DEAD_EVENTS,
    DELIVERIES,
    EVENTS,
    VISIBILITY_SECONDS,
    SimulatedRandom,
    Wiring,
)

DAY = 24 * 3600.0
MAX_HAPPENINGS = 50_000
"""In a history, and ten more for each event of each subscriber; else it goes round in circles."""


class System:
    """System of a scenario; nothing happens before its timeline runs."""

    def __init__(
        self,
        scenario: Scenario,
        timeline_of: Callable[[float, Random], Timeline] = Timeline,
        gate_of: Callable[[Timeline, Faults], Gate] = Gate,
        random: Random | None = None,
    ) -> None:
        self.scenario = scenario
        self.random = random or Random(scenario.seed)
        self.timeline = timeline_of(NOON, self.random)
        self.history = History()
        self.faults = self._faults(scenario)
        self.gate = gate_of(self.timeline, self.faults)
        self.platform = Platform(self.timeline, self.faults, self.history)
        self.clockwork = Clockwork(self.platform, self.is_at_rest, self._all_due)
        self.ledger = WitnessedLedger(self.timeline, self.history, self.clockwork.plan)
        self.dynamodb = SimulatedDynamoDB(self.gate)
        self.stored_journal = SimulatedJournal(
            self.dynamodb,  # type: ignore[arg-type]
            TABLE,
            self.timeline,
            items_a_page=scenario.items_a_page,
        )
        self._journal = 0, FakeJournal(clock=self.timeline)  # type: ignore[arg-type]
        self.unfinished = WitnessedAttempts(self.timeline)
        self.replays = PlannedReplays(self.clockwork.plan, self.history)
        self.subscriptions = WitnessedSubscriptions(
            {s.id: _of(s) for s in scenario.subscribers}, self.timeline, self.history
        )
        self.receivers = {
            s.id: SimulatedReceiver(s.temper, self.random, begins_at=NOON, recovers=s.recovers)
            for s in scenario.subscribers
        }
        self.random_port = SimulatedRandom(self.random)
        self.queues = {n: self._queue(n) for n in (EVENTS, DELIVERIES, DEAD, DEAD_EVENTS)}
        self.sqs: Any = SimulatedSqs(self.queues, self.gate, self._changed, self._on_send)
        self._start()

    @property
    def journal(self) -> FakeJournal:
        """Return the journal in the tables; one object until they are written again."""
        if self._journal[0] != self.dynamodb.writes:
            journal = journal_in(self.dynamodb.items, self.timeline)
            self._journal = self.dynamodb.writes, journal
        return self._journal[1]

    def publish(self, publication: Publication, *, copy: int = 0) -> None:
        """Send an event as a producer does, or a ``copy`` that SQS takes for another."""
        document: dict[str, str] = {
            "pipeline_id": publication.pipeline_id,
            "event_type": publication.event_type,
            "trigger_source": "manual",
            "timestamp": format_rfc3339(publication.changed_at),
            "event_id": publication.event_id,
            "message": _noise(publication),
        }
        if publication.source is not None:
            document["source"] = publication.source
        if publication.began_at is not None:
            document["began_at"] = format_rfc3339(publication.began_at)
        self.queues[EVENTS].send(
            json.dumps(document),
            group_id=publication.pipeline,
            deduplication_id=f"{publication.event_id}-{copy}",
        )
        self._changed(EVENTS)

    def is_at_rest(self) -> bool:
        """Tell whether nothing would change any more: all that waits, waits for an operator."""
        if (
            not self.faults.is_calm
            or self.replays.list_open()
            or any(source.running for source in self.sources.values())
        ):
            return False
        queued = (self.queues[name].counts() for name in (EVENTS, DELIVERIES))
        if any(counts.visible or counts.in_flight for counts in queued):
            return False
        return all(map(self._waits_for_an_operator, self.ledger.lanes.values()))

    def _waits_for_an_operator(self, held: HeldLane) -> bool:
        head = self.ledger.records.get((held.lane, held.head))
        subscription = self.subscriptions.by_id[held.lane.subscription_id]
        if subscription.removed_at:
            return False
        is_dead = head is not None and head.status is DeliveryStatus.DEAD
        return subscription.is_blocked or (is_dead and subscription.ordering is Ordering.STRICT)

    def _start(self) -> None:
        reached = ReachedLedger("ledger", self.ledger, self.gate)
        wiring = Wiring(
            timeline=self.timeline,
            gate=self.gate,
            sqs=self.sqs,
            ledger=reached,
            healths=self.ledger.healths,
            paces=FakeRateLimitStore(self.timeline),  # type: ignore[arg-type]
            journal=self.stored_journal,
            unfinished=self.unfinished,
            replays=self.replays,
            subscriptions=self.subscriptions,
            receivers=self.receivers,
            history=self.history,
            telemetry=WitnessTelemetry(self.timeline, self.history),
            random_port=self.random_port,
        )
        self.sources = {
            EVENTS: self._source(EVENTS, wiring.fan_out, concurrency=2, timeout=30.0),
            DELIVERIES: self._source(DELIVERIES, wiring.deliver, concurrency=4, timeout=28.0),
        }
        self.clockwork.tick = wiring.tick

    def _source(
        self, name: str, handle: Callable[..., Any], *, concurrency: int, timeout: float
    ) -> EventSource:
        return EventSource(
            name,
            self.queues[name],
            handle,
            self.platform,
            self.random,
            concurrency,
            timeout=timeout,
            delete=self.sqs.delete,
        )

    def _faults(self, scenario: Scenario) -> Faults:
        return Faults(
            self.random,
            scenario.rate,
            kinds=scenario.kinds,
            outages=scenario.outages,
            out_of_order=scenario.out_of_order,
            planned={call: list(fates) for call, fates in scenario.planned.items()},
            strikes=scenario.strikes,
            touched=lambda by: self.history.tainted.update(by.groups if by else ()),
        )

    def _queue(self, name: str) -> FifoQueue:
        settings = QueueSettings(
            visibility_timeout=VISIBILITY_SECONDS[name],
            retention=14 * DAY,
            deduplication_per_group=True,
        )
        numbers = iter(range(10**9))
        return FifoQueue(
            self.timeline.now,
            name=name,
            settings=settings,
            new_id=lambda: f"{name}-{next(numbers)}",
        )

    def _all_due(self) -> Iterable[IsDue]:
        lanes, healths = self.ledger.lanes.values(), self.ledger.healths.by_subscription.values()
        rechecked = {held.lane.subscription_id for held in lanes if held.due_at is None}
        rechecks = (RecheckIsDue(name, self.timeline.now()) for name in rechecked)
        return chain(lanes, healths, rechecks, map(ReplayIsDue, self.replays.list_open()))

    def _changed(self, name: str) -> None:
        if self.history.happened > self._max_happenings:
            raise NeverRests
        if source := self.sources.get(name):
            source.plan_poll()

    @cached_property
    def _max_happenings(self) -> int:
        deliveries = len(self.scenario.subscribers) * len(self.scenario.publications)
        return MAX_HAPPENINGS + 10 * deliveries

    def _on_send(self, name: str, group: str, body: str, attributes: Mapping[str, Any]) -> None:
        self.history.log(self.timeline.now(), group, "sent to", name, KindOf(body))
        if name == DELIVERIES and "reason" in attributes:
            self.history.redriven(group, body, attributes)


def _noise(publication: Publication) -> str:
    """Pad the counters of every other pipeline to hold one event only, so that the others move."""
    parts = 6 if crc32(publication.pipeline_id.encode()) % 2 else 0
    seed = publication.event_id.encode()
    return "".join(sha512(seed + bytes([part])).hexdigest() for part in range(parts))


def _of(subscriber: Subscriber) -> Subscription:
    return Subscription(
        id=subscriber.id,
        name=subscriber.id,
        endpoint=Endpoint.parse(f"https://{subscriber.id}.example/hook"),
        deadline_seconds=subscriber.deadline,
        ordering=subscriber.ordering,
        retry_schedule=RetrySchedule.parse(subscriber.schedule),
        rate=subscriber.pace,
    )
