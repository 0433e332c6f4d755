"""Queries for operators: pipelines, deliveries, held lanes, and the explanation of a delivery."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import merge, nlargest
from itertools import groupby, islice

from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.delivery import Lane, parse_delivery_id
from lakehook.domain.errors import InfrastructureError, NotFound
from lakehook.domain.event import MAX_SHOWN, is_of_source, parse_pipeline_key
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane
from lakehook.domain.pipeline import ACTIVE_STATES, AcceptedEvent, Pipeline, PipelineState
from lakehook.domain.status import DeliveryContext, NextAction, lane_due, lane_state, next_action
from lakehook.domain.subscription import Subscription
from lakehook.ports.queues import ParkedEventQueue
from lakehook.ports.stores import (
    EndpointHealthStore,
    HeldSummary,
    Journal,
    Ledger,
    SkippedEvent,
    SubscriptionReader,
)
from lakehook.ports.system import Clock

MAX_STALLED = 100  # of each state, in a status
LANES_AT_A_TIME = 100


@dataclass(frozen=True, kw_only=True)
class DeliveryQuery:
    pipeline: str | None = None  # key, ``staging/39``, or id
    source: str | None = None  # source of the pipelines; with an id, its source
    subscription_id: str | None = None
    status: DeliveryStatus | None = None
    since: float = 0.0
    limit: int = 100
    max_scanned: int | None = None  # approximate number of records that may be read

    @property
    def pipeline_key(self) -> str | None:
        if self.pipeline is None:
            return None
        return parse_pipeline_key(self.pipeline, source=self.source)

    def matches(self, record: DeliveryRecord) -> bool:
        if record.changed_at < self.since or self.status not in (None, record.status):
            return False
        return is_of_source(record.lane.pipeline_key, self.source)


class _ScannedEnough(Exception):
    """Ends a scan before its next page."""


@dataclass
class _BoundedScan:
    limit: int | None
    seen: Callable[[int], None]
    scanned: int = 0

    def __call__(self, number: int) -> None:
        if self.limit is not None and self.scanned >= self.limit:
            raise _ScannedEnough
        self.scanned += number
        self.seen(number)


@dataclass(frozen=True)
class ListDeliveries:
    subscriptions: SubscriptionReader
    ledger: Ledger

    def __call__(
        self, query: DeliveryQuery, *, seen: Callable[[int], None] = lambda _: None
    ) -> list[DeliveryRecord]:
        """Return them, the last written first; ``seen`` is called with the number scanned."""
        matching = (record for record in self._records(query, seen) if query.matches(record))
        return nlargest(query.limit, matching, key=lambda r: (r.changed_at, r.sequence))

    def _records(
        self, query: DeliveryQuery, seen: Callable[[int], None]
    ) -> Iterator[DeliveryRecord]:
        if pipeline_key := query.pipeline_key:
            for subscription_id in self._subscription_ids(query):
                yield from self.ledger.by_lane(Lane(subscription_id, pipeline_key))
        else:
            scan = _BoundedScan(query.max_scanned, seen)
            with suppress(_ScannedEnough):
                yield from self.ledger.by_subscription(query.subscription_id, on_scanned=scan)

    def _subscription_ids(self, query: DeliveryQuery) -> list[str]:
        if query.subscription_id:
            return [query.subscription_id]
        return [s.id for s in self.subscriptions.all()]  # removed ones too


@dataclass(frozen=True, kw_only=True)
class LaneReport:
    subscription: Subscription
    held: HeldLane
    state: str
    due_at: float | None  # None: something else must happen first
    attempts: int  # of the head, in total
    waiting_behind: int  # deliveries behind the head


def lane_order(held: HeldLane) -> tuple[float, str]:
    return held.held_since, str(held.lane)


@dataclass(frozen=True)
class ListLanes:
    subscriptions: SubscriptionReader
    ledger: Ledger
    healths: EndpointHealthStore

    def __call__(
        self,
        subscription: Subscription | None = None,
        *,
        limit: int | None = None,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> list[LaneReport]:
        """Return the lanes of one subscription or all, removed ones too; the longest held first."""
        held, reports = islice(self.held(subscription), limit), list[LaneReport]()
        while page := list(islice(held, LANES_AT_A_TIME)):
            reports += self.report(page)
            on_progress(len(page))
        return reports

    def held(self, subscription: Subscription | None = None) -> Iterator[HeldLane]:
        """Yield lanes, the longest held first, in ``lane_order``; read as needed."""
        subscriptions = [subscription] if subscription else self.subscriptions.all()
        holding = self.ledger.summarize_held([subscription.id for subscription in subscriptions])
        lanes = merge(*map(self.ledger.held_lanes, holding), key=lambda lane: lane.held_since)
        for _, since in groupby(lanes, key=lambda lane: lane.held_since):
            yield from sorted(since, key=lane_order)

    def report(self, held: Sequence[HeldLane]) -> list[LaneReport]:
        """Report on up to a hundred lanes, by reads of many at once."""
        owners = {subscription.id: subscription for subscription in self.subscriptions.all()}
        healths = self.healths.find_many({lane.lane.subscription_id for lane in held})
        heads = self.ledger.find_many([(lane.lane, lane.head) for lane in held])
        behind = self.ledger.count_waiting_behind(held)
        return [
            _lane_report(
                DeliveryContext(
                    owners.get(lane.lane.subscription_id),
                    lane,
                    heads.get((lane.lane, lane.head)),
                    healths.get(lane.lane.subscription_id),
                ),
                lane,
                waiting_behind,
            )
            for lane, waiting_behind in zip(held, behind, strict=True)
        ]


def _lane_report(context: DeliveryContext, held: HeldLane, waiting_behind: int) -> LaneReport:
    assert context.subscription, f"{held.lane} is of a subscription that has a tombstone at least"
    return LaneReport(
        subscription=context.subscription,
        held=held,
        state=lane_state(context),
        due_at=lane_due(context),
        attempts=context.head.attempts if context.head else 0,
        waiting_behind=waiting_behind,
    )


@dataclass(frozen=True)
class UnfinishedPipeline:
    pipeline: Pipeline
    since: float  # unix seconds, when its state was accepted
    seconds: float


@dataclass(frozen=True)
class ListPipelines:
    journal: Journal
    clock: Clock

    def __call__(
        self,
        state: PipelineState | None = None,
        *,
        older_than: float = 0.0,
        source: str | None = None,
    ) -> list[UnfinishedPipeline]:
        """Return unfinished pipelines in one state or any, for this long; the longest first.

        ``source`` selects those of one source.
        """
        now = self.clock.now()
        unfinished = [
            report
            for active in ([state] if state else ACTIVE_STATES)
            for stalled in (False, True)
            for report in self._unfinished(active, now=now, older_than=older_than, stalled=stalled)
            if is_of_source(report.pipeline.key, source)
        ]
        return sorted(unfinished, key=lambda report: (report.since, report.pipeline.key))

    def stalled(self) -> list[UnfinishedPipeline]:
        """Return stalled pipelines, the longest first, up to a limit for each state."""
        now = self.clock.now()
        stalled = [
            pipeline
            for state in ACTIVE_STATES
            for pipeline in islice(
                self._unfinished(state, now=now, older_than=0.0, stalled=True), MAX_STALLED
            )
        ]
        return sorted(stalled, key=lambda report: (report.since, report.pipeline.key))

    def _unfinished(
        self, state: PipelineState, *, now: float, older_than: float, stalled: bool
    ) -> Iterator[UnfinishedPipeline]:
        for pipeline in self.journal.unfinished(state, until=now - older_than, stalled=stalled):
            since = now if pipeline.entered_at is None else pipeline.entered_at
            yield UnfinishedPipeline(pipeline, since, max(0.0, now - since))


@dataclass(frozen=True)
class EventList:
    events: Sequence[AcceptedEvent]
    is_partial: bool  # the journal is longer than what was read


@dataclass(frozen=True)
class ListEvents:
    journal: Journal
    clock: Clock

    def __call__(self, *, since: float, limit: int, max_read: int) -> EventList:
        """Return the last accepted first, among about this many items of the journal."""
        found: dict[tuple[float, int, str], AcceptedEvent] = {}
        cursor, read, until = "", 0, self.clock.now()
        while read < max_read:
            page = self.journal.page(since=since, until=until, after=cursor)
            found |= {_newness(entry.accepted): entry.accepted for entry in page.entries}
            cursor, read = page.cursor, read + max(page.read, 1)
            if not cursor:
                break
        latest = [found[newness] for newness in nlargest(limit, found)]
        return EventList(latest, is_partial=bool(cursor))


def _newness(accepted: AcceptedEvent) -> tuple[float, int, str]:
    event = accepted.sequenced
    return accepted.at, event.sequence, event.event.pipeline_key


@dataclass(frozen=True, kw_only=True)
class SubscriberStatus:
    subscription: Subscription
    health: EndpointHealth
    held: HeldSummary


@dataclass(frozen=True)
class StatusReport:
    at: float
    subscribers: Sequence[SubscriberStatus]
    stalled: Sequence[UnfinishedPipeline]  # the longest stalled, up to a limit
    parked: int | None = None  # None: it was not to be seen


@dataclass(frozen=True)
class ShowStatus:
    """Status whose reads grow with the subscriptions, not with their waiting deliveries."""

    subscriptions: SubscriptionReader
    endpoint_health: EndpointHealthStore
    ledger: Ledger
    pipelines: ListPipelines
    clock: Clock
    parked_events: ParkedEventQueue | None = None

    def __call__(self) -> StatusReport:
        in_force = [s for s in self.subscriptions.all() if s.removed_at is None]
        return StatusReport(
            self.clock.now(), self.of(in_force), self.pipelines.stalled(), self._parked()
        )

    def _parked(self) -> int | None:
        """Count the quarantined events; None for a caller who may not read that queue."""
        if self.parked_events is None:
            return None
        try:
            return self.parked_events.count()
        except InfrastructureError:
            return None

    def of(self, subscriptions: Sequence[Subscription]) -> list[SubscriberStatus]:
        healths = self.healths(subscriptions)
        held = self.ledger.summarize_held(list(healths))
        return [
            SubscriberStatus(
                subscription=subscription,
                health=healths[subscription.id],
                held=held.get(subscription.id) or HeldSummary(),
            )
            for subscription in subscriptions
        ]

    def healths(self, subscriptions: Sequence[Subscription]) -> dict[str, EndpointHealth]:
        ids = [subscription.id for subscription in subscriptions]
        recorded = self.endpoint_health.find_many(ids)
        return {id_: recorded.get(id_) or EndpointHealth(subscription_id=id_) for id_ in ids}


@dataclass(frozen=True)
class Explanation:
    record: DeliveryRecord
    next: NextAction


@dataclass(frozen=True)
class Explain:
    subscriptions: SubscriptionReader
    ledger: Ledger

    def __call__(self, delivery_id: str) -> Explanation:
        lane, sequence = parse_delivery_id(delivery_id)
        record = self.ledger.find(lane, sequence)
        if record is None:
            raise NotFound(
                f"{delivery_id}: not in the ledger; perhaps its message is still on the queue"
            )
        subscription = self.subscriptions.find(lane.subscription_id)
        page = self.ledger.load([], [lane])
        held = page.lanes.get(lane)
        head = self.ledger.find(lane, held.head) if held else None
        health = page.endpoint_health.get(lane.subscription_id)
        context = DeliveryContext(subscription, held, head, health)
        return Explanation(record, next_action(record, context))


@dataclass(frozen=True, kw_only=True)
class SubscriberProgress:
    """A subscriber's progress in a pipeline, as far as the ledger has it."""

    subscription: Subscription
    last_delivered: int | None
    waiting: int
    dead: int
    records: Sequence[DeliveryRecord]


@dataclass(frozen=True)
class PipelineReport:
    pipeline_key: str
    events: Sequence[AcceptedEvent]
    skipped: Sequence[SkippedEvent]
    subscribers: Sequence[SubscriberProgress]


@dataclass(frozen=True)
class ShowPipeline:
    subscriptions: SubscriptionReader
    journal: Journal
    ledger: Ledger

    def __call__(self, pipeline: str, *, source: str | None = None) -> PipelineReport:
        """Return the report by key, ``staging/39``, or by id and source, by default none."""
        key = parse_pipeline_key(pipeline, source=source)
        events = self.journal.events(key)
        if not events:
            raise NotFound(f"no event of a pipeline {key[:MAX_SHOWN]!a} is known")
        return PipelineReport(key, events, self.journal.skipped(key), list(self._progress(key)))

    def _progress(self, pipeline_key: str) -> Iterator[SubscriberProgress]:
        for subscription in self.subscriptions.all():
            progress = self._progress_of(subscription, pipeline_key)
            if progress:
                yield progress

    def _progress_of(
        self, subscription: Subscription, pipeline_key: str
    ) -> SubscriberProgress | None:
        """Return the progress; None for a subscriber without a delivery of the pipeline."""
        records = list(self.ledger.by_lane(Lane(subscription.id, pipeline_key)))
        if not records:
            return None
        delivered = [
            record.sequence for record in records if record.status is DeliveryStatus.DELIVERED
        ]
        statuses = [record.status for record in records]
        return SubscriberProgress(
            subscription=subscription,
            last_delivered=max(delivered, default=None),
            waiting=statuses.count(DeliveryStatus.WAITING),
            dead=statuses.count(DeliveryStatus.DEAD),
            records=records,
        )
