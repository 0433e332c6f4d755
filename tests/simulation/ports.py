"""The ports as the functions reach them: in-memory fakes behind the gate, and as DynamoDB answers.

What DynamoDB does that a dictionary does not: a batch is not read at one instant, a query reads
pages of ten, an index lags behind.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import count, islice
from typing import Any

from lakehook.delivery.scheduler import PERIOD_MINUTES, is_rechecked
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.domain.replay import AT_ONCE_SECONDS, Replay
from lakehook.domain.subscription import Subscription
from lakehook.ports.queues import EventMessage
from lakehook.ports.stores import DueItem, LedgerSnapshot, Requeued
from tests.fakes import (
    FakeEndpointHealthStore,
    FakeLedger,
    FakeSubscriptions,
    FakeUnfinishedAttempts,
)
from tests.fakes_replay import FakeReplayStore
from tests.simulation.clockwork import MINUTE, IsDue
from tests.simulation.faults import Fault, Gate, Invocation
from tests.simulation.history import EVERYONE, History
from tests.simulation.timeline import Timeline

PAGE = 10
TEAR_SECONDS = 0.01
LAG_SECONDS = 2.0  # of an index by subscription


class Reached:
    """Any port, every call of it through the gate. A bound method is kept."""

    def __init__(self, name: str, port: Any, gate: Gate) -> None:
        self._name, self._port, self._gate = name, port, gate

    def __getattr__(self, method: str) -> Callable[..., Any]:
        effect, call_name, pass_gate = (
            getattr(self._port, method),
            f"{self._name}.{method}",
            self._gate.call,
        )

        def call(*args: Any, **kwargs: Any) -> Any:
            return pass_gate(call_name, partial(effect, *args, **kwargs), _trouble)

        setattr(self, method, call)
        return call

    def _through(
        self, method: str, effect: Callable[[], Any], about: Collection[object] = ()
    ) -> Any:
        return self._gate.call(f"{self._name}.{method}", effect, _trouble, about)


class ReachedLedger(Reached):
    _earlier_due: tuple[DueItem, ...] = ()

    def load(self, deliveries: Collection[Delivery], lanes: Collection[Lane]) -> LedgerSnapshot:
        page: LedgerSnapshot = self._through(
            "load", lambda: self._torn(deliveries, lanes), tuple(lanes)
        )
        return page

    def _torn(self, deliveries: Collection[Delivery], lanes: Collection[Lane]) -> LedgerSnapshot:
        """Read a batch while others may write: for milliseconds, not for minutes."""
        records = self._port.load(deliveries, []).records
        self._gate.timeline.sleep(TEAR_SECONDS)
        held: LedgerSnapshot = self._port.load([], lanes)
        return LedgerSnapshot(held.lanes, records, held.endpoint_health)

    def save(
        self, record: DeliveryRecord, *, before: HeldLane | None, after: HeldLane | None
    ) -> DeliveryRecord:
        """A new record of a lane that flows is inserted first; others may write before the put."""
        save = partial(self._port.save, record, before=before, after=after)
        if before is None and after is None and record.version == 0:
            key = record.lane, record.sequence
            inserted: DeliveryRecord | None = self._through(
                "save", lambda: None if key in self._port.records else save(), (record.lane,)
            )
            if inserted:
                return inserted
            self._gate.timeline.sleep(TEAR_SECONDS)
        saved: DeliveryRecord = self._through("save", save, (record.lane,))
        return saved

    def waiting_deliveries(self, lane: HeldLane) -> Iterator[DeliveryRecord]:
        while page := self._page(lane):
            yield from page
            lane = replace(lane, head=page[-1].sequence + 1)

    def _page(self, lane: HeldLane) -> list[DeliveryRecord]:
        page: list[DeliveryRecord] = self._through(
            "waiting_deliveries",
            lambda: list(islice(self._port.waiting_deliveries(lane), PAGE)),
            (lane.lane,),
        )
        return page

    def due(self, now: float) -> Iterator[DueItem]:
        earlier, fresh = (
            self._earlier_due,
            tuple(self._through("due", lambda: [*self._port.due(now)])),
        )
        self._earlier_due = fresh
        yield from earlier if self._gate.faults.happens(Fault.INDEX_LAGGED) else fresh

    def held_lanes(self, subscription_id: str) -> Iterator[HeldLane]:
        yield from self._lanes("held_lanes", subscription_id)

    def due_breakers(self, now: float) -> Iterator[DueItem]:
        yield from self._through("due_breakers", lambda: [*self._port.due_breakers(now)])

    def suspended_lanes(
        self, subscription_id: str, *, held_until: float | None = None
    ) -> Iterator[HeldLane]:
        yield from self._lanes("suspended_lanes", subscription_id, held_until=held_until)

    def lanes_behind_dead_letters(
        self, subscription_id: str, *, held_until: float | None = None
    ) -> Iterator[HeldLane]:
        yield from self._lanes("lanes_behind_dead_letters", subscription_id, held_until=held_until)

    def dead_letters(self, subscription_id: str) -> Iterator[DeliveryRecord]:
        letters: list[DeliveryRecord] = self._through(
            "dead_letters", lambda: [*self._port.dead_letters(subscription_id)]
        )
        since = self._seen_until()
        yield from (letter for letter in letters if letter.changed_at <= since)

    def _lanes(self, index: str, subscription_id: str, **limit: Any) -> Iterator[HeldLane]:
        """Each is read by its key; so a lag hides what was written since, and shows nothing old."""
        lanes: list[HeldLane] = self._through(
            index, lambda: [*getattr(self._port, index)(subscription_id, **limit)]
        )
        since = self._seen_until()
        yield from (held for held in lanes if self._port.written_at[held.lane] <= since)

    def _seen_until(self) -> float:
        now = self._gate.timeline.now()
        return now - LAG_SECONDS if self._gate.faults.happens(Fault.INDEX_LAGGED) else now


class WitnessedAttempts(FakeUnfinishedAttempts):
    """Store that notes who announced an attempt at a message, by its id, group and body."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline = timeline
        self.announced: defaultdict[tuple[str, str, str], list[Invocation]] = defaultdict(list)

    def save(self, message: EventMessage, number: int) -> None:
        if number > self.numbers.get(message.id, 0):
            self.announced[message.id, message.group, message.body].append(self._timeline.context)
        super().save(message, number)


class WitnessedSubscriptions(FakeSubscriptions):
    """Subscriptions that note since when one is disabled."""

    def __init__(
        self, subscriptions: dict[str, Subscription], timeline: Timeline, history: History
    ) -> None:
        super().__init__(subscriptions)
        self._timeline, self._history = timeline, history

    def disable(self, subscription_id: str, reason: str) -> None:
        super().disable(subscription_id, reason)
        self._history.disabled.setdefault(subscription_id, self._timeline.now())


class WitnessedHealths(FakeEndpointHealthStore):
    """Store that plans a tick when a breaker is due."""

    def __init__(
        self, timeline: Timeline, history: History, planned: Callable[[IsDue], None]
    ) -> None:
        super().__init__()
        self._timeline, self._history, self._planned = timeline, history, planned

    def save(self, before: EndpointHealth, after: EndpointHealth) -> bool:
        saved = super().save(before, after)
        if saved and after.is_open != before.is_open:
            now, state = self._timeline.now(), "opens" if after.is_open else "closes"
            self._history.log(now, EVERYONE, "the breaker of", after.subscription_id, state)
            self._history.breakers[after.subscription_id].append((now, after.is_open))
        self._planned(self.find(before.subscription_id))
        return saved

    def lease(self, due: DueItem, *, until: float) -> int | None:
        token = super().lease(due, until=until)
        self._planned(self.find(due.lane.subscription_id))
        return token


class WitnessedLedger(FakeLedger):
    """Ledger that notes each write in the history, and plans a tick when lanes are due."""

    def __init__(
        self, timeline: Timeline, history: History, planned: Callable[[IsDue], None]
    ) -> None:
        super().__init__(healths=WitnessedHealths(timeline, history, planned), clock=timeline)
        self._timeline, self._history, self._planned = timeline, history, planned
        self.written_at: dict[Lane, float] = {}

    def save(
        self, record: DeliveryRecord, *, before: HeldLane | None, after: HeldLane | None
    ) -> DeliveryRecord:
        written = super().save(record, before=before, after=after)
        self._history.wrote(
            written,
            at=self._timeline.now(),
            by=self._timeline.context,
            was_charged=_is_charged(record, before, after),
        )
        return written

    def save_late_success(self, record: DeliveryRecord) -> None:
        super().save_late_success(record)
        written = self.records[record.lane, record.sequence]
        self._history.wrote(written, at=self._timeline.now(), by=self._timeline.context)

    def requeue(
        self, requeued: Sequence[Requeued], *, before: HeldLane | None, after: HeldLane
    ) -> None:
        super().requeue(requeued, before=before, after=after)
        now, by = self._timeline.now(), self._timeline.context
        for delivery in requeued:
            written = self.records[after.lane, delivery.record.sequence]
            self._history.wrote(written, at=now, by=by, replayed=True)

    def lease(self, due: DueItem, *, until: float) -> int | None:
        now, held = self._timeline.now(), self.lanes.get(due.lane)
        token = super().lease(due, until=until)
        if held and token is not None:
            self.written_at[due.lane] = now
            self._history.leased(due.lane, at=now, early=not held.is_due(now))
            self._planned(self.lanes[due.lane])
        return token

    def _put(self, lane: Lane, after: HeldLane | None) -> None:
        super()._put(lane, after)
        now = self.written_at[lane] = self._timeline.now()
        if after is None:
            self._history.log(now, lane, "flows")
            return
        due_in = "never" if after.due_at is None else after.due_at - now
        self._history.log(now, lane, "held at", after.head, "and due in", due_in, "s")
        self._planned(RecheckIsDue(lane.subscription_id, now) if after.due_at is None else after)


@dataclass(frozen=True)
class RecheckIsDue:
    """Time of the next recheck of a subscription some of whose lanes have no due time."""

    subscription_id: str
    since: float

    @property
    def due_at(self) -> float:
        minute = int(self.since // MINUTE) + 1
        return MINUTE * (minute + _minutes_left(self.subscription_id, minute % PERIOD_MINUTES))


@cache
def _minutes_left(subscription_id: str, minute: int) -> int:
    """Return the minutes until a subscription is rechecked, from a minute of a period."""
    return next(minutes for minutes in count() if is_rechecked(subscription_id, minute + minutes))


@dataclass(frozen=True)
class ReplayIsDue:
    """Time of the scheduler's next step of a replay."""

    replay: Replay

    @property
    def due_at(self) -> float:
        return self.replay.next_at - AT_ONCE_SECONDS


class PlannedReplays(FakeReplayStore):
    """Store that notes how much had happened when each replay began."""

    def __init__(self, planned: Callable[[IsDue], None], history: History) -> None:
        super().__init__()
        self._planned, self._history = planned, history

    def save(self, replay: Replay) -> Replay:
        saved = super().save(replay)
        self._history.replays.setdefault(saved.id, self._history.happened)
        if saved.is_open:
            self._planned(ReplayIsDue(saved))
        return saved


def _trouble() -> InfrastructureError:
    return InfrastructureError("simulated")


def _is_charged(record: DeliveryRecord, before: HeldLane | None, after: HeldLane | None) -> bool:
    """Tell whether the lane counts one attempt more of its head, or the head has died of it."""
    if record.status == "dead" or after is None or after.head != record.sequence:
        return True
    spent = before.attempts if before and before.head == after.head else 0
    return after.attempts > spent


class WitnessTelemetry:
    """Telemetry that records unforeseen errors only."""

    def __init__(self, timeline: Timeline, history: History) -> None:
        self._timeline, self._history = timeline, history

    def internal_error(self, error: Exception, *, doing: str) -> None:
        self._history.log(self._timeline.now(), EVERYONE, "trouble while it would", doing, error)
        if not isinstance(error, InfrastructureError):
            self._history.surprises.append(repr(error))

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_args, **_kwargs: None
