"""In-memory fakes of the ports, which pass tests/contracts as the real adapters do."""

import json
import re
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import TypeVar

from lakehook.domain.attempt import Attempt, Outcome, Response
from lakehook.domain.channels.base import RenderedMessage
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.delivery import Delivery, Lane, SequencedEvent
from lakehook.domain.destination import Mail, Request
from lakehook.domain.errors import (
    Conflict,
    InfrastructureError,
    InvalidSubscription,
    LaneConflict,
    NameTaken,
    TemplateFailed,
)
from lakehook.domain.event import Event
from lakehook.domain.json_document import Document
from lakehook.domain.lane import MOVED_BY_SQS, DeliveryRecord, DeliveryStatus, HeldLane
from lakehook.domain.pipeline import (
    AcceptedEvent,
    EventSkip,
    Pipeline,
    PipelineState,
    PipelineTransition,
    SkipReason,
)
from lakehook.domain.queue_message import Message, Ping, PingResult, Resume
from lakehook.domain.rate_limit import Reservation
from lakehook.domain.subscription import Subscription
from lakehook.domain.template import RenderedTemplate, Template
from lakehook.ports.outbound import NoResponse, SendResult, SubscriptionCredentials
from lakehook.ports.queues import EventMessage, InFlightMessage, ParkedEvent, QueueMessage
from lakehook.ports.stores import (
    Backlog,
    DueItem,
    HeldSummary,
    Journal,
    JournalEntry,
    JournalPage,
    LedgerSnapshot,
    LoadedEvent,
    Requeued,
    SkippedEvent,
    SubscriptionReader,
)

Key = TypeVar("Key")
Value = TypeVar("Value")

_FIELD = re.compile(r"{{ (\w+) }}")

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z


@dataclass
class FakeClock:
    time: float = NOON

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += max(0.0, seconds)


class FakeRandom:
    def __init__(self) -> None:
        self._drawn = 0

    def fraction(self) -> float:
        return 0.0

    def new_id(self) -> str:
        self._drawn += 1
        return f"{self._drawn:024x}"

    def random_bytes(self) -> bytes:
        self._drawn += 1
        return self._drawn.to_bytes(32)


@dataclass
class FakeJournal:
    pipelines: dict[str, Pipeline] = field(default_factory=dict)
    accepted_events: dict[tuple[str, str], SequencedEvent] = field(default_factory=dict)
    inferred: dict[tuple[str, str], list[SequencedEvent]] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)
    accepted: dict[tuple[str, str], float] = field(default_factory=dict)
    skips: dict[tuple[str, str], SkippedEvent] = field(default_factory=dict)
    leases: dict[str, float] = field(default_factory=dict)
    pipelines_read: int = 0
    events_a_page: int = 500

    def load(self, events: Sequence[Event]) -> Sequence[LoadedEvent]:
        return [self._load(event) for event in events]

    def _load(self, event: Event) -> LoadedEvent:
        pipeline = self.pipelines.get(event.pipeline_key, Pipeline(event.pipeline_key))
        key = (event.pipeline_key, event.id)
        if key not in self.accepted_events:
            return LoadedEvent(pipeline)
        return LoadedEvent(pipeline, (*self.inferred[key], self.accepted_events[key]))

    def append(
        self, steps: Sequence[PipelineTransition | EventSkip]
    ) -> Mapping[str, InfrastructureError]:
        return {step.before.key: error for step in steps if (error := self._append(step))}

    def _append(self, step: PipelineTransition | EventSkip) -> InfrastructureError | None:
        before, now = step.before, self.clock.now()
        is_skip = isinstance(step, EventSkip)
        has_moved = self.pipelines.get(before.key, Pipeline(before.key)) != before
        if has_moved and not (is_skip and not step.changes_pipeline):
            return InfrastructureError(f"pipeline {before.key} has moved on")
        if isinstance(step, EventSkip):
            self.skips[before.key, step.event.id] = SkippedEvent(step.event, step.reason, now)
            if not step.changes_pipeline:
                return None
        else:
            self._accept(step, now)
        self.pipelines[before.key] = (
            step.after if isinstance(step, EventSkip) else step.after(now=now)
        )
        self.leases.pop(before.key, None)
        return None

    def _accept(self, transition: PipelineTransition, now: float) -> None:
        pipeline = transition.before.key
        *inferred, newest = transition.sequenced
        for sequenced in transition.sequenced:
            key = (pipeline, sequenced.event.id)
            self.accepted_events[key], self.inferred[key], self.accepted[key] = sequenced, [], now
        self.inferred[pipeline, newest.event.id] = inferred

    def read_pipelines(self, keys: Collection[str]) -> Mapping[str, Pipeline]:
        self.pipelines_read += len(keys)
        return _find_all(self.pipelines, keys)

    def events(self, pipeline_key: str) -> Sequence[AcceptedEvent]:
        events = [
            AcceptedEvent(sequenced, self.accepted[key])
            for key, sequenced in self.accepted_events.items()
            if key[0] == pipeline_key
        ]
        return sorted(events, key=lambda event: event.sequenced.sequence)

    def page(self, *, since: float, until: float, after: str) -> JournalPage:
        keys = sorted(self.accepted_events)
        page = [key for key in keys if _cursor(key) > after][: self.events_a_page]
        entries = [
            JournalEntry(AcceptedEvent(self.accepted_events[key], self.accepted[key]), _cursor(key))
            for key in page
            if since <= self.accepted[key] <= until
        ]
        is_last = not page or page[-1] == keys[-1]
        return JournalPage(entries, "" if is_last else _cursor(page[-1]), len(page))

    def skipped(self, pipeline_key: str) -> Sequence[SkippedEvent]:
        unsent = [skip for key, skip in self.skips.items() if key[0] == pipeline_key]
        return sorted(unsent, key=lambda skip: skip.at)

    def unfinished(
        self,
        state: PipelineState,
        *,
        until: float,
        since: float | None = None,
        stalled: bool = False,
    ) -> Iterator[Pipeline]:
        pipelines = [
            (pipeline.entered_at, pipeline)
            for pipeline in self.pipelines.values()
            if (pipeline.run.state, pipeline.run.stalled) == (state, stalled)
            and pipeline.entered_at is not None
            and (since or 0.0) <= pipeline.entered_at <= until
        ]
        yield from (pipeline for _, pipeline in sorted(pipelines, key=lambda pipeline: pipeline[0]))

    def lease_stall(self, pipeline: Pipeline, *, until: float) -> bool:
        now, stored = self.clock.now(), self.pipelines[pipeline.key]
        is_as_it_was = (stored.run, stored.entered_at) == (pipeline.run, pipeline.entered_at)
        if not is_as_it_was or self.leases.get(pipeline.key, now) > now:
            return False
        self.leases[pipeline.key] = until
        return True


def _cursor(key: tuple[str, str]) -> str:
    return "\0".join(key)


@dataclass
class FakeSubscriptions:
    """Subscriptions, of which a reader sees the old versions in ``lagging`` until a fresh read."""

    by_id: dict[str, Subscription] = field(default_factory=dict)
    lagging: dict[str, Subscription] = field(default_factory=dict)
    fresh_reads: int = 0

    def all(self) -> Sequence[Subscription]:
        return list(self.by_id.values())

    def find(self, subscription_id: str, *, fresh: bool = False) -> Subscription | None:
        self.fresh_reads += fresh
        if fresh:
            self.lagging.clear()
        return self.lagging.get(subscription_id) or self.by_id.get(subscription_id)

    def save(self, subscription: Subscription, *, claim_name: bool = False) -> Subscription:
        same_name = [
            s for s in self.by_id.values() if s.name == subscription.name and not s.removed_at
        ]
        if claim_name and any(other.id != subscription.id for other in same_name):
            raise NameTaken(f"name: {subscription.name!a} is taken")
        stored = self.by_id.get(subscription.id)
        if stored and stored.version != subscription.version:
            raise Conflict(subscription.id)
        saved = replace(subscription, version=subscription.version + 1)
        self.put(saved)
        return saved

    def save_state(self, subscription: Subscription) -> Subscription:
        stored = self.by_id[subscription.id]
        state = {
            "paused_at": subscription.paused_at,
            "disabled_reason": subscription.disabled_reason,
            "disabled_at": subscription.disabled_at,
            "pending_since": subscription.pending_since,
        }
        return self.save(replace(stored, version=subscription.version, **state))

    def put(self, subscription: Subscription) -> None:
        """Store it whatever its version was."""
        self.by_id[subscription.id] = subscription

    def disable(self, subscription_id: str, reason: str) -> None:
        stored = self.by_id[subscription_id]
        if stored.disabled_reason is None:
            stored = replace(
                stored, disabled_reason=reason, disabled_at="2026-01-01T12:00:00.000+00:00"
            )
        self.by_id[subscription_id] = replace(stored, version=stored.version + 1)


@dataclass
class FakeFanOutReader:
    """Reads the journal, then the subscriptions."""

    journal: Journal
    subscriptions: SubscriptionReader

    def load(self, events: Sequence[Event]) -> tuple[Sequence[LoadedEvent], Sequence[Subscription]]:
        return self.journal.load(events), self.subscriptions.all()


@dataclass
class FakePings:
    results: dict[Ping, PingResult] = field(default_factory=dict)

    def record(self, ping: Ping, result: PingResult) -> None:
        self.results[ping] = result

    def find(self, ping: Ping) -> PingResult | None:
        return self.results.get(ping)


@dataclass
class FakeDeliveryQueue:
    """A queue that keeps what was sent; a ping has a result at once if ``result_of`` has one."""

    sent: list[Delivery] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    resumes: list[Resume] = field(default_factory=list)
    refused_lanes: set[Lane] = field(default_factory=set)
    pinged: list[Ping] = field(default_factory=list)
    pings: FakePings = field(default_factory=FakePings)
    result_of: Callable[[Ping], PingResult | None] = lambda _: None

    def enqueue_deliveries(self, deliveries: Sequence[Delivery]) -> Collection[str]:
        lanes = [delivery.lane for delivery in deliveries]
        assert len(lanes) == len(set(lanes)), "two deliveries of one lane in one batch"
        self.sent += [delivery for delivery in deliveries if delivery.id not in self.refused]
        return self.refused & {delivery.id for delivery in deliveries}

    def enqueue_resumes(self, resumes: Sequence[Resume]) -> Collection[Lane]:
        self.resumes += [resume for resume in resumes if resume.lane not in self.refused_lanes]
        return self.refused_lanes & {resume.lane for resume in resumes}

    def enqueue_ping(self, ping: Ping) -> None:
        self.pinged.append(ping)
        if result := self.result_of(ping):
            self.pings.record(ping, result)


@dataclass
class FakeInvalidEventQueue:
    parked: list[tuple[EventMessage, str]] = field(default_factory=list)

    def quarantine(self, message: EventMessage, reason: str) -> None:
        self.parked.append((message, reason))


@dataclass
class FakeUnfinishedAttempts:
    numbers: dict[str, int] = field(default_factory=dict)
    reads: int = 0

    def count(self, messages: Sequence[EventMessage]) -> Mapping[EventMessage, int]:
        self.reads += 1
        return {message: self.numbers.get(message.id, 0) for message in messages}

    def save(self, message: EventMessage, number: int) -> None:
        self.numbers[message.id] = number


@dataclass
class FakeParkedEventQueue:
    parked: list[ParkedEvent] = field(default_factory=list)
    refused: bool = False

    def count(self) -> int:
        if self.refused:
            raise InfrastructureError("AccessDenied")
        return len(self.parked)

    def list(self) -> list[ParkedEvent]:
        return list(self.parked)

    def delete(self, ids: Collection[str]) -> int:
        before = len(self.parked)
        self.parked = [event for event in self.parked if event.id not in ids]
        return before - len(self.parked)


@dataclass
class FakeEndpointHealthStore:
    by_subscription: dict[str, EndpointHealth] = field(default_factory=dict)
    leases: dict[tuple[str, int], float] = field(default_factory=dict)  # of checks, by version
    writes: int = 0

    def find(self, subscription_id: str) -> EndpointHealth:
        return self.by_subscription.get(subscription_id) or EndpointHealth(
            subscription_id=subscription_id
        )

    def find_many(self, subscription_ids: Collection[str]) -> Mapping[str, EndpointHealth]:
        return _find_all(self.by_subscription, subscription_ids)

    def save(self, before: EndpointHealth, after: EndpointHealth) -> bool:
        if self.find(before.subscription_id).version != before.version:
            return False
        self.writes += 1
        self.by_subscription.pop(before.subscription_id, None)
        if not after.is_healthy:
            permits = tuple(round(permit, 3) for permit in after.permits)
            self.by_subscription[before.subscription_id] = replace(after, permits=permits)
        return True

    def due_at(self, health: EndpointHealth) -> float | None:
        """Return the time in the index: a lease moves it until the next change."""
        leased = self.leases.get((health.subscription_id, health.version))
        return health.check_at if health.is_open or leased is None else leased

    def lease(self, due: DueItem, *, until: float) -> int | None:
        health = self.find(due.lane.subscription_id)
        due_at = self.due_at(health)
        if due_at is None or round(due_at * 1000) != due.due_token:
            return None
        if health.is_open:
            self.by_subscription[health.subscription_id] = replace(health, due_at=until)
        else:
            self.leases[health.subscription_id, health.version] = until
        return round(until * 1000)


@dataclass
class FakeLedger:
    records: dict[tuple[Lane, int], DeliveryRecord] = field(default_factory=dict)
    sequences: defaultdict[Lane, list[int]] = field(default_factory=lambda: defaultdict(list))
    lanes: dict[Lane, HeldLane] = field(default_factory=dict)
    healths: FakeEndpointHealthStore = field(default_factory=FakeEndpointHealthStore)
    reads: int = 0
    writes: int = 0
    most_requeued: int = 90
    clock: FakeClock = field(default_factory=FakeClock)

    def load(self, deliveries: Collection[Delivery], lanes: Collection[Lane]) -> LedgerSnapshot:
        self.reads += 1
        keys = ((delivery.lane, delivery.sequence) for delivery in deliveries)
        subscriptions = (lane.subscription_id for lane in lanes)
        return LedgerSnapshot(
            _find_all(self.lanes, lanes),
            _find_all(self.records, keys),
            _find_all(self.healths.by_subscription, subscriptions),
        )

    def save(
        self, record: DeliveryRecord, *, before: HeldLane | None, after: HeldLane | None
    ) -> DeliveryRecord:
        stored = self.records.get((record.lane, record.sequence))
        if before or after:
            self._must_be(record.lane, before)
        elif (
            record.status is DeliveryStatus.DELIVERED
            and stored
            and stored.status is DeliveryStatus.DEAD
        ):
            raise LaneConflict(f"{record.lane}#{record.sequence} is a dead letter")
        self._refuse_moved(record, stored)
        if before or after:
            self._put(record.lane, after)
        self.writes += 1
        return self.keep(record)

    def save_late_success(self, record: DeliveryRecord) -> None:
        stored, held = self.records.get((record.lane, record.sequence)), self.lanes.get(record.lane)
        if stored and stored.replayed_by != record.replayed_by:
            raise LaneConflict(f"{record.lane}#{record.sequence} is enqueued by a replay")
        if held and held.head_is_dead and held.head == record.sequence:
            self._put(record.lane, held.advanced_to(held.head, now=self.clock.now()))
        self.writes += 1
        self.keep(record)

    def keep(self, record: DeliveryRecord) -> DeliveryRecord:
        """Store it whatever record is there."""
        key = (record.lane, record.sequence)
        if key not in self.records:
            insort(self.sequences[record.lane], record.sequence)
        saved = replace(record, version=record.version + 1, changed_at=self.clock.now())
        self.records[key] = saved
        return saved

    def requeue(
        self, requeued: Sequence[Requeued], *, before: HeldLane | None, after: HeldLane
    ) -> None:
        assert 0 < len(requeued) <= self.most_requeued
        self._must_be(after.lane, before)
        for entry in requeued:
            stored = self.records.get((after.lane, entry.record.sequence))
            if _state_of(stored) != _state_of(entry.previous):
                raise LaneConflict(f"{after.lane}#{entry.record.sequence} is {stored}")
        self._put(after.lane, after)
        for entry in requeued:
            self.keep(entry.record)
        self.writes += 1

    def save_lane(self, before: HeldLane, after: HeldLane | None) -> None:
        self._must_be(before.lane, before)
        self._put(before.lane, after)
        self.writes += 1

    def waiting_deliveries(self, lane: HeldLane) -> Iterator[DeliveryRecord]:
        numbers = self.sequences[lane.lane]
        for number in numbers[bisect_left(numbers, lane.head) :]:
            record = self.records[lane.lane, number]
            if not record.status.is_final:
                yield record

    def due(self, now: float) -> Iterator[DueItem]:
        yield from [
            DueItem(lane.lane, lane.due_token) for lane in self.lanes.values() if lane.is_due(now)
        ]

    def due_breakers(self, now: float) -> Iterator[DueItem]:
        for health in list(self.healths.by_subscription.values()):
            due_at = self.healths.due_at(health)
            if due_at is not None and due_at <= now:
                lane = Lane(health.subscription_id, "")
                yield DueItem(lane, round(due_at * 1000), is_breaker=True)

    def lease(self, due: DueItem, *, until: float) -> int | None:
        if due.is_breaker:
            return self.healths.lease(due, until=until)
        held = self.lanes.get(due.lane)
        if held is None or held.due_token != due.due_token:
            return None
        leased = replace(held, due_at=until, suspended_reason=None)
        self.lanes[due.lane] = leased
        return leased.due_token

    def held_lanes(self, subscription_id: str) -> Iterator[HeldLane]:
        held = [
            lane for lane in self.lanes.values() if lane.lane.subscription_id == subscription_id
        ]
        yield from sorted(held, key=lambda lane: lane.held_since)

    def summarize_held(self, subscription_ids: Sequence[str]) -> Mapping[str, HeldSummary]:
        summaries = {name: self._summary(name) for name in subscription_ids}
        return {name: summary for name, summary in summaries.items() if summary.since is not None}

    def _summary(self, subscription_id: str) -> HeldSummary:
        held, dead = (
            list(self.held_lanes(subscription_id)),
            list(self.dead_letters(subscription_id)),
        )
        first = held[0] if held else None
        return HeldSummary(
            lanes=len(held),
            dead=len(dead),
            since=first.held_since
            if first
            else min((record.changed_at for record in dead), default=None),
            lane=first,
            head=self.records.get((first.lane, first.head)) if first else next(iter(dead), None),
        )

    def suspended_lanes(
        self, subscription_id: str, *, held_until: float | None = None
    ) -> Iterator[HeldLane]:
        for held in self.held_lanes(subscription_id):
            if held.suspended and (held_until is None or held.held_since <= held_until):
                yield held

    def lanes_behind_dead_letters(
        self, subscription_id: str, *, held_until: float | None = None
    ) -> Iterator[HeldLane]:
        for held in self.held_lanes(subscription_id):
            is_in_time = held_until is None or held.held_since <= held_until
            if held.head_is_dead and held.due_at is None and is_in_time:
                yield held

    def dead_letters(self, subscription_id: str) -> Iterator[DeliveryRecord]:
        yield from [
            record
            for record in self.records.values()
            if record.status is DeliveryStatus.DEAD
            and record.lane.subscription_id == subscription_id
        ]

    def find(self, lane: Lane, sequence: int) -> DeliveryRecord | None:
        return self.records.get((lane, sequence))

    def by_lane(self, lane: Lane) -> Iterator[DeliveryRecord]:
        records = [record for record in self.records.values() if record.lane == lane]
        yield from sorted(records, key=lambda record: -record.sequence)

    def by_subscription(
        self, subscription_id: str | None, *, on_scanned: Callable[[int], None]
    ) -> Iterator[DeliveryRecord]:
        on_scanned(len(self.records) + len(self.lanes))
        for record in list(self.records.values()):
            if subscription_id in (None, record.lane.subscription_id):
                yield record

    def find_many(
        self, keys: Sequence[tuple[Lane, int]]
    ) -> Mapping[tuple[Lane, int], DeliveryRecord]:
        return {key: self.records[key] for key in keys if key in self.records}

    def count_waiting_behind(self, held: Sequence[HeldLane]) -> list[int]:
        return [self._count_behind(lane) for lane in held]

    def _count_behind(self, held: HeldLane) -> int:
        return sum(
            record.lane == held.lane
            and record.sequence > held.head
            and record.status is DeliveryStatus.WAITING
            for record in self.records.values()
        )

    def _refuse_moved(self, record: DeliveryRecord, stored: DeliveryRecord | None) -> None:
        if record.status is DeliveryStatus.DELIVERED:
            if stored and stored.replayed_by != record.replayed_by:
                raise LaneConflict(f"{record.lane}#{record.sequence} is enqueued by a replay")
            return
        is_final = stored is not None and stored.status is DeliveryStatus.DELIVERED
        if is_final or (stored.version if stored else 0) != record.version:
            raise LaneConflict(f"{record.lane}#{record.sequence} is {stored}")

    def _must_be(self, lane: Lane, before: HeldLane | None) -> None:
        now = self.lanes.get(lane)
        if (now and now.version) != (before and before.version):
            raise LaneConflict(f"{lane} is at {now}")

    def _put(self, lane: Lane, after: HeldLane | None) -> None:
        self.lanes.pop(lane, None)
        if after:
            self.lanes[lane] = after


def _state_of(record: DeliveryRecord | None) -> object:
    return record and (record.version, record.status)


def _find_all(stored: Mapping[Key, Value], keys: Iterable[Key]) -> dict[Key, Value]:
    return {key: value for key in keys if (value := stored.get(key))}


@dataclass
class FakeTransport:
    """Answers each request with the next response of the script; then 200."""

    script: list[Response | NoResponse] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)

    def send(self, request: Request | Mail) -> Response | NoResponse:
        if isinstance(request, Mail):
            self.mails.append(request)
        else:
            self.requests.append(request)
        return self.script.pop(0) if self.script else Response(status=200, headers={}, body=b"")


class FakeCredentialStore:
    def __init__(self, keys: SubscriptionCredentials) -> None:
        self._keys = keys

    def load(self, subscription: Subscription) -> SubscriptionCredentials:
        return self._keys


@dataclass(frozen=True)
class Sending:
    """A delivery that is being sent, as its subscriber reads it."""

    id: str
    late: bool
    replayed: bool


@dataclass
class FakeSender:
    """A ``Sender`` that ends each attempt as the script says, and then in success."""

    clock: FakeClock
    script: dict[str, list[Attempt | Exception]] = field(default_factory=dict)
    message_ids: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    sent: list[Sending] = field(default_factory=list)
    during: Callable[[Sending], None] = lambda _: None
    otherwise: Callable[[], Attempt | Exception] | None = None
    end_before: float = inf  # of the last request

    def __call__(
        self,
        message_id: str,
        content: RenderedMessage,
        subscription: Subscription,
        *,
        keep_response: bool = False,
        ends_before: float = inf,
    ) -> SendResult:
        body = json.loads(content.body)
        sending = Sending(message_id, late="late" in body, replayed="replayed" in body)
        self.message_ids.append(message_id)
        self.times.append(self.clock.now())
        self.sent.append(sending)
        self.end_before = ends_before
        self.during(sending)
        script = self.script.get(message_id, [])
        attempt = script.pop(0) if script else (self.otherwise or self.success)()
        if isinstance(attempt, Exception):
            raise attempt
        return SendResult(replace(attempt, at=self.clock.now()))

    def success(self) -> Attempt:
        return self._attempt(Outcome.DELIVERED, 200)

    def failure(
        self, *, retry_after: float | None = None, outcome: Outcome = Outcome.REJECTED
    ) -> Attempt:
        return self._attempt(outcome, 500, retry_after)

    def _attempt(self, outcome: Outcome, status: int, retry_after: float | None = None) -> Attempt:
        return Attempt(
            at=self.clock.now(),
            outcome=outcome,
            milliseconds=5,
            status=status,
            retry_after=retry_after,
        )


@dataclass
class FakeRateLimitStore:
    clock: FakeClock
    free_at: dict[str, float] = field(default_factory=dict)

    def reserve(self, key: str, *, interval: float, not_later_than: float) -> Reservation:
        free_at = max(self.free_at.get(key, 0.0), self.clock.now())
        if free_at > not_later_than:
            return Reservation(None, free_at)
        self.free_at[key] = free_at + interval
        return Reservation(free_at, free_at + interval)


@dataclass
class FakeTemplateRenderer:
    """A renderer of the part of Liquid that is ``{{ field }}``, alone or within text."""

    def validate(self, template: Template) -> None:
        for part, text in template.parts:
            if text.rfind("{{") > text.rfind("}}"):
                raise InvalidSubscription(f"{part}: line 1: {{{{ without }}}}")

    def render(self, template: Template, fields: Document) -> RenderedTemplate:
        output = {part: self._set(part, text, fields) for part, text in template.parts}
        names = [name for _, text in template.parts for name in _FIELD.findall(text)]
        return RenderedTemplate(
            body=output.get("template"),
            subject=output.get("template subject"),
            headers=tuple(
                (name, output[f"template header {name}"]) for name, _ in template.headers
            ),
            missing_fields=tuple(dict.fromkeys(name for name in names if name not in fields)),
        )

    def _set(self, part: str, text: str, fields: Document) -> str:
        output = _FIELD.sub(lambda match: str(fields.get(match[1], "")), text)
        if part == "template" and not output.strip():
            raise TemplateFailed("template: its output is empty")
        if part.startswith("template header") and "\n" in output:
            raise TemplateFailed(f"{part}: its value has a line break")
        return output


@dataclass
class FakeDeadLetterQueue:
    records: list[DeliveryRecord] = field(default_factory=list)
    parked: list[tuple[QueueMessage, str]] = field(default_factory=list)
    moved: list[Message | None] = field(default_factory=list)  # there by SQS, or by hand

    def without_reason(self) -> Sequence[Message | None]:
        return list(self.moved)

    def send(self, record: DeliveryRecord, *, endpoint: str) -> None:
        self.records.append(record)

    def delete_copies(self, records: Collection[DeliveryRecord]) -> int:
        keys = {(record.lane, record.sequence) for record in records}
        removed = {(record.lane, record.sequence) for record in self.records} & keys
        self.records = [
            record for record in self.records if (record.lane, record.sequence) not in keys
        ]
        moved = {
            (record.lane, record.sequence) for record in records if record.reason == MOVED_BY_SQS
        }
        self.moved = [
            record
            for record in self.moved
            if not isinstance(record, Delivery) or (record.lane, record.sequence) not in moved
        ]
        return len(removed)

    def quarantine(self, message: QueueMessage, reason: str) -> None:
        self.parked.append((message, reason))


@dataclass
class FakeMessageAcks:
    acknowledged: list[InFlightMessage] = field(default_factory=list)
    postponed: list[tuple[InFlightMessage, float]] = field(default_factory=list)
    extended: list[tuple[InFlightMessage, float]] = field(default_factory=list)
    expired: set[str] = field(default_factory=set)  # receipts

    def ack(self, messages: Sequence[InFlightMessage]) -> None:
        self.acknowledged += messages

    def nack(self, message: InFlightMessage, *, seconds: float) -> None:
        self.postponed.append((message, seconds))

    def extend(
        self, messages: Sequence[InFlightMessage], *, seconds: float
    ) -> Collection[InFlightMessage]:
        self.extended += [(message, seconds) for message in messages]
        return [message for message in messages if message.receipt in self.expired]


@dataclass
class FakeTelemetry:
    """Remembers each report, as (name of the method, detail)."""

    reports: list[tuple[str, object]] = field(default_factory=list)

    def fanned_out(self, sequenced: SequencedEvent, *, deliveries: int, repeated: bool) -> None:
        self.reports.append(("repeated" if repeated else "fanned_out", sequenced.sequence))

    def event_skipped(self, event: Event, reason: SkipReason) -> None:
        self.reports.append((str(reason), event.id))

    def pattern_exhausted(self, subscription_id: str, event: Event) -> None:
        self.reports.append(("pattern_exhausted", subscription_id))

    def quarantined(self, message_id: str, group: str, reason: str) -> None:
        self.reports.append(("quarantined", message_id))

    def attempted(self, record: DeliveryRecord, *, next_at: float | None) -> None:
        self.reports.append(("attempted", next_at))

    def discarded(self, record: DeliveryRecord) -> None:
        self.reports.append(("discarded", record.sequence))

    def dead_lettered(self, record: DeliveryRecord) -> None:
        self.reports.append(("dead_lettered", record.sequence))

    def disabled(self, subscription_id: str, reason: str) -> None:
        self.reports.append(("disabled", subscription_id))

    def resumed_late(self, seconds: float) -> None:
        self.reports.append(("resumed_late", seconds))

    def backlog_measured(self, backlog: Backlog, *, now: float) -> None:
        self.reports.append(("backlog_measured", backlog))

    def operators_notified(self, notices: int) -> None:
        self.reports.append(("operators_notified", notices))

    def lanes_resumed(self, lanes: int) -> None:
        self.reports.append(("lanes_resumed", lanes))

    def stalled(self, pipelines: int) -> None:
        self.reports.append(("stalled", pipelines))

    def replayed(self, deliveries: int) -> None:
        self.reports.append(("replayed", deliveries))

    def internal_error(self, error: Exception, *, doing: str) -> None:
        self.reports.append(("internal_error", error))
