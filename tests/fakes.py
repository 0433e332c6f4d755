"""One in-memory stand-in per port. Each passes the contract suite beside the real adapter."""

import re
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from lakehook.domain.delivery import Delivery, Lane, NumberedEvent
from lakehook.domain.document import Document
from lakehook.domain.errors import (
    BadSubscription,
    ChangedMeanwhile,
    LaneMoved,
    OwnTrouble,
    TemplateFailed,
)
from lakehook.domain.event import Event
from lakehook.domain.health import Health
from lakehook.domain.lane import DeliveryRecord, HeldLane, Status
from lakehook.domain.lifecycle import Fate, Stage
from lakehook.domain.mail import Mail
from lakehook.domain.message import Resume
from lakehook.domain.outcome import Answer, Attempt, Outcome
from lakehook.domain.ping import Ping, Pong
from lakehook.domain.pipeline import Advance, EventSkip, Pipeline
from lakehook.domain.rate import Place
from lakehook.domain.request import Request
from lakehook.domain.subscription import Subscription
from lakehook.domain.template import Template, Typeset
from lakehook.ports.events import Notice
from lakehook.ports.history import Accepted, SetAside
from lakehook.ports.keys import Keys
from lakehook.ports.ledger import Census, Due, Page
from lakehook.ports.messages import Parcel
from lakehook.ports.sending import NoAnswer

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
        self.time += seconds


class FakeDice:
    def __init__(self) -> None:
        self._drawn = 0

    def chance(self) -> float:
        return 0.0

    def token(self) -> str:
        self._drawn += 1
        return f"{self._drawn:024x}"

    def key(self) -> bytes:
        self._drawn += 1
        return self._drawn.to_bytes(32)


@dataclass
class FakeJournal:
    """Plays ``Chronicle``, ``Watch`` and ``PipelineReader`` too."""

    pipelines: dict[str, Pipeline] = field(default_factory=dict)
    events: dict[tuple[str, str], NumberedEvent] = field(default_factory=dict)
    implied: dict[tuple[str, str], list[NumberedEvent]] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)
    accepted: dict[tuple[str, str], float] = field(default_factory=dict)
    aside: dict[tuple[str, str], SetAside] = field(default_factory=dict)
    leases: dict[str, float] = field(default_factory=dict)
    pipelines_read: int = 0

    def open(self, event: Event) -> tuple[Pipeline, Sequence[NumberedEvent]]:
        pipeline = self.pipelines.get(event.pipeline_key, Pipeline(event.pipeline_key))
        key = (event.pipeline_key, event.id)
        known = (*self.implied[key], self.events[key]) if key in self.events else ()
        return pipeline, known

    def append(self, advance: Advance) -> None:
        self._must_be_new(advance)
        before = advance.before
        for one in advance.numbered:
            key = (before.key, one.event.id)
            self.events[key], self.implied[key] = one, []
            self.accepted[key] = self.clock.now()
        self.implied[key] = list(advance.numbered[:-1])
        self.pipelines[before.key] = advance.after(now=self.clock.now())
        self.leases.pop(before.key, None)

    def read_pipelines(self, keys: Collection[str]) -> Mapping[str, Pipeline]:
        self.pipelines_read += len(keys)
        return _found(self.pipelines, keys)

    def set_aside(self, event: Event, skip: EventSkip) -> None:
        before = skip.before
        if skip.changes_pipeline:
            if self.pipelines.get(before.key) != before:
                raise OwnTrouble(f"pipeline {before.key} has moved on")
            self.pipelines[before.key] = skip.after
            self.leases.pop(before.key, None)
        self.aside[before.key, event.id] = SetAside(event, skip.fate, self.clock.now())

    def history(self, pipeline_key: str) -> Sequence[Accepted]:
        events = [
            Accepted(numbered, self.accepted[key])
            for key, numbered in self.events.items()
            if key[0] == pipeline_key
        ]
        return sorted(events, key=lambda one: one.numbered.sequence)

    def unsent(self, pipeline_key: str) -> Sequence[SetAside]:
        unsent = [one for key, one in self.aside.items() if key[0] == pipeline_key]
        return sorted(unsent, key=lambda one: one.at)

    def unended(
        self, stage: Stage, *, until: float, since: float | None = None, stalled: bool = False
    ) -> Iterator[Pipeline]:
        found = [
            (one.entered_at, one)
            for one in self.pipelines.values()
            if (one.round.stage, one.round.stalled) == (stage, stalled)
            and one.entered_at is not None
            and (since or 0.0) <= one.entered_at <= until
        ]
        yield from (one for _, one in sorted(found, key=lambda one: one[0]))

    def lease(self, pipeline: Pipeline, *, until: float) -> bool:
        now, known = self.clock.now(), self.pipelines[pipeline.key]
        is_as_it_was = (known.round, known.entered_at) == (pipeline.round, pipeline.entered_at)
        if not is_as_it_was or self.leases.get(pipeline.key, now) > now:
            return False
        self.leases[pipeline.key] = until
        return True

    def _must_be_new(self, advance: Advance) -> None:
        before = advance.before
        is_known = any((before.key, one.event.id) in self.events for one in advance.numbered)
        if is_known or self.pipelines.get(before.key, Pipeline(before.key)) != before:
            raise OwnTrouble(f"pipeline {before.key} has moved on")


@dataclass
class FakeSubscriptions:
    """``lagging`` are those that a reader still sees as they were, until it asks anew."""

    known: dict[str, Subscription] = field(default_factory=dict)
    lagging: dict[str, Subscription] = field(default_factory=dict)

    def all(self) -> Sequence[Subscription]:
        return list(self.known.values())

    def find(self, subscription_id: str, *, anew: bool = False) -> Subscription | None:
        if anew:
            self.lagging.clear()
        return self.lagging.get(subscription_id) or self.known.get(subscription_id)

    def save(self, subscription: Subscription) -> Subscription:
        known = self.known.get(subscription.id)
        if known and known.version != subscription.version:
            raise ChangedMeanwhile(subscription.id)
        saved = replace(subscription, version=subscription.version + 1)
        self.put(saved)
        return saved

    def put(self, subscription: Subscription) -> None:
        """Whatever it was before."""
        self.known[subscription.id] = subscription

    def disable(self, subscription_id: str, reason: str) -> None:
        known = self.known[subscription_id]
        if known.disabled_reason is None:
            known = replace(known, disabled_reason=reason)
        self.known[subscription_id] = replace(known, version=known.version + 1)


@dataclass
class FakeOutbox:
    """Plays the deliveries queue: a lane's messages in the order they came."""

    sent: list[Delivery] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def send(self, deliveries: Sequence[Delivery]) -> Collection[str]:
        lanes = [delivery.lane for delivery in deliveries]
        assert len(lanes) == len(set(lanes)), "two deliveries of one lane in one batch"
        self.sent += [one for one in deliveries if one.id not in self.refused]
        return self.refused & {delivery.id for delivery in deliveries}


@dataclass
class FakeSiding:
    parked: list[tuple[Notice, str]] = field(default_factory=list)

    def park(self, notice: Notice, reason: str) -> None:
        self.parked.append((notice, reason))


@dataclass
class FakeHealths:
    known: dict[str, Health] = field(default_factory=dict)
    writes: int = 0

    def find(self, subscription_id: str) -> Health:
        return self.known.get(subscription_id) or Health(subscription_id=subscription_id)

    def save(self, before: Health, after: Health) -> bool:
        if self.find(before.subscription_id).version != before.version:
            return False
        self.writes += 1
        self.known.pop(before.subscription_id, None)
        if not after.is_well:
            self.known[before.subscription_id] = after
        return True

    def lease(self, due: Due, *, until: float) -> int | None:
        health = self.find(due.lane.subscription_id)
        if health.due_at is None or health.token != due.token:
            return None
        leased = replace(health, due_at=until)
        self.known[health.subscription_id] = leased
        return leased.token


@dataclass
class FakeLedger:
    records: dict[tuple[Lane, int], DeliveryRecord] = field(default_factory=dict)
    sequences: defaultdict[Lane, list[int]] = field(default_factory=lambda: defaultdict(list))
    lanes: dict[Lane, HeldLane] = field(default_factory=dict)
    healths: FakeHealths = field(default_factory=FakeHealths)
    reads: int = 0
    writes: int = 0
    clock: FakeClock = field(default_factory=FakeClock)

    def read(self, deliveries: Collection[Delivery], lanes: Collection[Lane]) -> Page:
        self.reads += 1
        keys = ((one.lane, one.sequence) for one in deliveries)
        subscriptions = (one.subscription_id for one in lanes)
        return Page(
            _found(self.lanes, lanes),
            _found(self.records, keys),
            _found(self.healths.known, subscriptions),
        )

    def write(
        self, record: DeliveryRecord, *, before: HeldLane | None, after: HeldLane | None
    ) -> DeliveryRecord:
        if before or after:
            self._must_be(record.lane, before)
        self._refuse_moved(record, self.records.get((record.lane, record.sequence)))
        if before or after:
            self._put(record.lane, after)
        self.writes += 1
        return self.keep(record)

    def keep(self, record: DeliveryRecord) -> DeliveryRecord:
        """Whatever stands there."""
        key = (record.lane, record.sequence)
        if key not in self.records:
            insort(self.sequences[record.lane], record.sequence)
        written = replace(record, version=record.version + 1, changed_at=self.clock.now())
        self.records[key] = written
        return written

    def move(self, before: HeldLane, after: HeldLane | None) -> None:
        self._must_be(before.lane, before)
        self._put(before.lane, after)
        self.writes += 1

    def waiting(self, lane: HeldLane) -> Iterator[DeliveryRecord]:
        numbers = self.sequences[lane.lane]
        for number in numbers[bisect_left(numbers, lane.head) :]:
            record = self.records[lane.lane, number]
            if not record.status.is_final:
                yield record

    def due(self, now: float) -> Iterator[Due]:
        yield from [Due(one.lane, one.token) for one in self.lanes.values() if one.is_due(now)]
        for health in list(self.healths.known.values()):
            if health.due_at is not None and health.due_at <= now:
                yield Due(Lane(health.subscription_id, ""), health.token, breaker=True)

    def lease(self, due: Due, *, until: float) -> int | None:
        if due.breaker:
            return self.healths.lease(due, until=until)
        held = self.lanes.get(due.lane)
        if held is None or held.token != due.token:
            return None
        leased = replace(held, due_at=until, suspended_reason=None)
        self.lanes[due.lane] = leased
        return leased.token

    def census(self) -> Census:
        return Census(
            lanes_held=len(self.lanes),
            held_since=min((one.held_since for one in self.lanes.values()), default=None),
            breakers_open=sum(one.is_open for one in self.healths.known.values()),
        )

    def held_by(self, subscription_id: str) -> Iterator[HeldLane]:
        held = [one for one in self.lanes.values() if one.lane.subscription_id == subscription_id]
        yield from sorted(held, key=lambda one: one.held_since)

    def asleep(self, subscription_id: str) -> Iterator[HeldLane]:
        yield from (one for one in self.held_by(subscription_id) if one.suspended)

    def dead_of(self, subscription_id: str) -> Iterator[DeliveryRecord]:
        yield from [
            record
            for record in self.records.values()
            if record.status is Status.DEAD and record.lane.subscription_id == subscription_id
        ]

    def _refuse_moved(self, record: DeliveryRecord, known: DeliveryRecord | None) -> None:
        if record.status is Status.DELIVERED:
            if known and known.replayed_by != record.replayed_by:
                raise LaneMoved(f"{record.lane}#{record.sequence} is lined up by a replay")
            return
        is_final = known is not None and known.status is Status.DELIVERED
        if is_final or (known.version if known else 0) != record.version:
            raise LaneMoved(f"{record.lane}#{record.sequence} is {known}")

    def _must_be(self, lane: Lane, before: HeldLane | None) -> None:
        now = self.lanes.get(lane)
        if (now and now.version) != (before and before.version):
            raise LaneMoved(f"{lane} is at {now}")

    def _put(self, lane: Lane, after: HeldLane | None) -> None:
        self.lanes.pop(lane, None)
        if after:
            self.lanes[lane] = after


def _found(known: Mapping[Key, Value], keys: Iterable[Key]) -> dict[Key, Value]:
    return {key: value for key in keys if (value := known.get(key))}


@dataclass
class FakeReceiver:
    """Answers what the script says, one answer a request; then 200."""

    script: list[Answer | NoAnswer] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)

    def post(self, request: Request | Mail) -> Answer | NoAnswer:
        if isinstance(request, Mail):
            self.mails.append(request)
        else:
            self.requests.append(request)
        return self.script.pop(0) if self.script else Answer(status=200, headers={}, body=b"")


class FakeKeyring:
    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def open(self, subscription: Subscription) -> Keys:
        return self._keys


@dataclass
class FakeAttempts:
    """What becomes of each delivery in turn, by what the script says; then success."""

    clock: FakeClock
    script: dict[str, list[Attempt | Exception]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    during: Callable[[Delivery], None] = lambda _: None

    def __call__(self, delivery: Delivery, subscription: Subscription) -> Attempt:
        self.made.append(delivery.id)
        self.times.append(self.clock.now())
        self.during(delivery)
        script = self.script.get(delivery.id, [])
        attempt = script.pop(0) if script else self.success()
        if isinstance(attempt, Exception):
            raise attempt
        return replace(attempt, at=self.clock.now())

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


def nobody_asks(_ping: Ping, _subscription: Subscription) -> None:
    raise AssertionError("a ping where none is sent")


@dataclass
class FakePaces:
    clock: FakeClock
    free_at: dict[str, float] = field(default_factory=dict)

    def reserve(self, name: str, *, every: float, latest: float) -> Place:
        free_at = max(self.free_at.get(name, 0.0), self.clock.now())
        if free_at > latest:
            return Place(None, free_at)
        self.free_at[name] = free_at + every
        return Place(free_at, free_at + every)


@dataclass
class FakeTypesetter:
    """Knows of Liquid no more than ``{{ field }}``, alone or among words."""

    def check(self, template: Template) -> None:
        for part, text in template.texts:
            if text.rfind("{{") > text.rfind("}}"):
                raise BadSubscription(f"{part}: line 1: {{{{ without }}}}")

    def set(self, template: Template, fields: Document) -> Typeset:
        given = {part: self._set(part, text, fields) for part, text in template.texts}
        asked = [name for _, text in template.texts for name in _FIELD.findall(text)]
        return Typeset(
            body=given.get("template"),
            subject=given.get("template subject"),
            headers=tuple((name, given[f"template header {name}"]) for name, _ in template.headers),
            unknown=tuple(dict.fromkeys(name for name in asked if name not in fields)),
        )

    def _set(self, part: str, text: str, fields: Document) -> str:
        given = _FIELD.sub(lambda found: str(fields.get(found[1], "")), text)
        if part == "template" and not given.strip():
            raise TemplateFailed("template: it gives nothing")
        if part.startswith("template header") and "\n" in given:
            raise TemplateFailed(f"{part}: its value has a line break")
        return given


@dataclass
class FakePings:
    known: dict[Ping, Pong] = field(default_factory=dict)

    def record(self, ping: Ping, pong: Pong) -> None:
        self.known[ping] = pong

    def find(self, ping: Ping) -> Pong | None:
        return self.known.get(ping)


@dataclass
class FakeDeadLetters:
    """Plays ``LetterCopies`` too."""

    buried: list[DeliveryRecord] = field(default_factory=list)
    parked: list[tuple[Parcel, str]] = field(default_factory=list)

    def bury(self, record: DeliveryRecord, *, endpoint: str) -> None:
        self.buried.append(record)

    def remove(self, letters: Collection[DeliveryRecord]) -> int:
        wanted = {(one.lane, one.sequence) for one in letters}
        found = {(one.lane, one.sequence) for one in self.buried} & wanted
        self.buried = [one for one in self.buried if (one.lane, one.sequence) not in wanted]
        return len(found)

    def park(self, parcel: Parcel, reason: str) -> None:
        self.parked.append((parcel, reason))


@dataclass
class FakeReceipts:
    acknowledged: list[Parcel] = field(default_factory=list)
    postponed: list[tuple[Parcel, float]] = field(default_factory=list)

    def acknowledge(self, parcels: Sequence[Parcel]) -> None:
        self.acknowledged += parcels

    def postpone(self, parcel: Parcel, *, seconds: float) -> None:
        self.postponed.append((parcel, seconds))


@dataclass
class FakeBell:
    rung: list[Resume] = field(default_factory=list)
    deaf: set[Lane] = field(default_factory=set)

    def ring(self, resumes: Sequence[Resume]) -> Collection[Lane]:
        self.rung += [resume for resume in resumes if resume.lane not in self.deaf]
        return self.deaf & {resume.lane for resume in resumes}


@dataclass
class FakeTelemetry:
    """Remembers what was told, as (what, detail)."""

    told: list[tuple[str, object]] = field(default_factory=list)

    def fanned_out(self, numbered: NumberedEvent, *, deliveries: int, repeated: bool) -> None:
        self.told.append(("repeated" if repeated else "fanned out", numbered.sequence))

    def set_aside(self, event: Event, fate: Fate) -> None:
        self.told.append((str(fate), event.id))

    def pattern_exhausted(self, subscription_id: str, event: Event) -> None:
        self.told.append(("pattern exhausted", subscription_id))

    def parked(self, message_id: str, group: str, reason: str) -> None:
        self.told.append(("parked", message_id))

    def attempted(self, record: DeliveryRecord, *, next_at: float | None) -> None:
        self.told.append(("attempted", next_at))

    def discarded(self, record: DeliveryRecord) -> None:
        self.told.append(("discarded", record.sequence))

    def buried(self, record: DeliveryRecord) -> None:
        self.told.append(("buried", record.sequence))

    def disabled(self, subscription_id: str, reason: str) -> None:
        self.told.append(("disabled", subscription_id))

    def counted(self, census: Census, *, now: float) -> None:
        self.told.append(("counted", census))

    def trouble(self, error: Exception, *, doing: str) -> None:
        self.told.append(("trouble", error))
