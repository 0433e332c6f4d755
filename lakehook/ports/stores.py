"""Ports of the stores: the ledger, the journal, health, rate limits, replays and subscriptions."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from lakehook.domain.delivery import Delivery, Lane, SequencedEvent
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.event import Event
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.domain.pipeline import (
    AcceptedEvent,
    EventSkip,
    Pipeline,
    PipelineState,
    PipelineTransition,
    SkipReason,
)
from lakehook.domain.rate_limit import Reservation
from lakehook.domain.subscription import Subscription

if TYPE_CHECKING:  # of stores that some functions do without, so that they start sooner
    from lakehook.domain.circuit_breaker import EndpointHealth
    from lakehook.domain.devlake.reconciliation import Reconciliation
    from lakehook.domain.health_history import HealthChange, SubscriptionCondition
    from lakehook.domain.replay import Replay


@dataclass(frozen=True)
class LedgerSnapshot:
    """Result of one consistent read of the ledger."""

    lanes: Mapping[Lane, HeldLane]
    records: Mapping[tuple[Lane, int], DeliveryRecord]
    endpoint_health: Mapping[str, "EndpointHealth"] = field(default_factory=dict)
    """Of the endpoints that are not healthy."""


@dataclass(frozen=True)
class DueItem:
    """A held lane or a circuit breaker, with the token of its due time; 0 if it has none."""

    lane: Lane
    due_token: int
    is_breaker: bool = False

    @classmethod
    def of(cls, held: HeldLane) -> "DueItem":
        return cls(held.lane, held.due_token)

    @property
    def due_at(self) -> float:
        return self.due_token / 1000


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """Totals of the held lanes, over all subscriptions."""

    lanes_held: int = 0
    held_since: float | None = None  # of the lane that has been held longest
    breakers_open: int = 0


@dataclass(frozen=True, kw_only=True)
class HeldSummary:
    """Totals of one subscription's held lanes, and the delivery that has delayed others longest."""

    lanes: int = 0
    dead: int = 0
    is_truncated: bool = False  # there are more of either: the count ended early
    since: float | None = None
    lane: HeldLane | None = None  # None: it is a dead letter whose lane has gone on
    head: DeliveryRecord | None = None


@dataclass(frozen=True)
class Requeued:
    """A record that is requeued, and its previous version."""

    record: DeliveryRecord
    previous: DeliveryRecord | None


class Ledger(Protocol):
    """The deliveries and lanes: idempotency records, attempt logs and waiting deliveries."""

    def load(self, deliveries: Collection[Delivery], lanes: Collection[Lane]) -> LedgerSnapshot:
        """Read consistently, in one call for a batch of up to 10 messages."""

    def save(
        self, record: DeliveryRecord, *, before: HeldLane | None, after: HeldLane | None
    ) -> DeliveryRecord:
        """Record a delivery and move its lane from ``before`` to ``after``, atomically.

        Returns the record as saved. Raises ``LaneConflict`` if the record or the lane has changed
        since it was read. A success is always written, unless a replay has requeued the delivery
        since, or it is a dead letter by now; on a flowing lane it costs one plain write.
        """

    def save_late_success(self, record: DeliveryRecord) -> None:
        """Record a success whatever its lane has come to, atomically.

        A lane that is held behind it as a dead letter becomes due, since no operator will decide.
        Raises ``LaneConflict`` if a replay has requeued the delivery.
        """

    def save_lane(self, before: HeldLane, after: HeldLane | None) -> None:
        """Move a lane only; raises ``LaneConflict`` if it has changed."""

    def waiting_deliveries(self, lane: HeldLane) -> Iterator[DeliveryRecord]:
        """Yield the head and the unfinished deliveries behind it in order, reading as needed."""

    def due(self, now: float) -> Iterator[DueItem]:
        """Yield due lanes, by an index that may lag behind."""

    def due_breakers(self, now: float) -> Iterator[DueItem]:
        """Yield due circuit breakers, the longest due first, by the same index."""

    def lease(self, due: DueItem, *, until: float) -> int | None:
        """Set a due time, and return the new token; None if it has changed since.

        A suspended lane is no longer suspended afterwards.
        """

    def held_lanes(self, subscription_id: str) -> Iterator[HeldLane]:
        """Yield the held lanes of a subscription, the longest held first.

        The index may lag behind, as that of each method below, so an empty answer proves nothing:
        what is missed is found within the hour. What the index names is read consistently.
        """

    def summarize_held(self, subscription_ids: Sequence[str]) -> Mapping[str, HeldSummary]:
        """Count what is held, for those subscriptions that hold anything.

        By the index, and no more than one page of it each, however much is held.
        """

    def suspended_lanes(
        self, subscription_id: str, *, held_until: float | None = None
    ) -> Iterator[HeldLane]:
        """Suspended lanes that are held since ``held_until`` or longer, the longest held first."""

    def lanes_behind_dead_letters(
        self, subscription_id: str, *, held_until: float | None = None
    ) -> Iterator[HeldLane]:
        """The same of lanes whose head is a dead letter, and that are not due."""

    def dead_letters(self, subscription_id: str) -> Iterator[DeliveryRecord]:
        """Yield a subscription's dead letters, also those whose lane has gone on."""

    def requeue(
        self, requeued: Sequence[Requeued], *, before: HeldLane | None, after: HeldLane
    ) -> None:
        """Requeue up to 90 deliveries of a lane and hold it, in one transaction.

        Raises ``LaneConflict`` if the lane or one of the records has changed.
        """

    def find(self, lane: Lane, sequence: int) -> DeliveryRecord | None:
        """Read one delivery consistently."""

    def by_lane(self, lane: Lane) -> Iterator[DeliveryRecord]:
        """Yield the stored deliveries of a lane, the highest sequence first."""

    def by_subscription(
        self, subscription_id: str | None, *, on_scanned: Callable[[int], None]
    ) -> Iterator[DeliveryRecord]:
        """Yield the deliveries of a subscription, or of all, in no order.

        Scans the whole ledger page by page; ``on_scanned`` gets each page's size.
        """

    def find_many(
        self, keys: Sequence[tuple[Lane, int]]
    ) -> Mapping[tuple[Lane, int], DeliveryRecord]:
        """Read the stored ones of these deliveries, consistently."""

    def count_waiting_behind(self, held: Sequence[HeldLane]) -> list[int]:
        """Count the deliveries behind the head of each held lane."""


class ConditionStore(Protocol):
    """Conditions of the last notification of operators."""

    def load(self) -> tuple[float, Mapping[str, "SubscriptionCondition"]]:
        """Return the time of the last check, and the subscriptions that were not healthy."""

    def save(self, looked_at: float, conditions: Mapping[str, "SubscriptionCondition"]) -> None: ...


class HealthHistory(Protocol):
    """Changes of the health of subscriptions, kept for somewhat more than a day."""

    def append(self, changes: Sequence["HealthChange"]) -> None: ...

    def since(self, at: float) -> Sequence["HealthChange"]:
        """Return the changes since then, in the order of time."""


class EndpointHealthStore(Protocol):
    def find(self, subscription_id: str) -> "EndpointHealth":
        """Read an endpoint's health; without a record it is healthy."""

    def find_many(self, subscription_ids: Collection[str]) -> Mapping[str, "EndpointHealth"]:
        """The health of those endpoints that are not healthy."""

    def save(self, before: "EndpointHealth", after: "EndpointHealth") -> bool:
        """Save the health, or delete the record if healthy; false if it was written since."""


class RateLimitStore(Protocol):
    def reserve(self, key: str, *, interval: float, not_later_than: float) -> Reservation:
        """Reserve the next free send time, unless it is later than ``not_later_than``.

        Send times are ``interval`` seconds apart or more, and never reserved twice.
        """


@dataclass(frozen=True)
class SkippedEvent:
    """An event of a pipeline that was skipped, with the reason and the time."""

    event: Event
    reason: SkipReason
    at: float


class ReplayStore(Protocol):
    """Store of replays: open ones, at most one per subscription, and finished ones."""

    def list_open(self) -> Sequence["Replay"]:
        """Read the open replays consistently."""

    def list_finished(self) -> Sequence["Replay"]:
        """Read the finished replays that are still stored."""

    def save(self, replay: "Replay") -> "Replay":
        """Save a replay, and return it as saved; once it has ended, another may open.

        Raises ``Conflict`` if it has changed since it was read, or if a new one finds another open
        for its subscription.
        """


@dataclass(frozen=True)
class JournalEntry:
    """An event of the journal, and a cursor: from there on are all events behind it."""

    accepted: AcceptedEvent
    cursor: str


@dataclass(frozen=True)
class JournalPage:
    """A page of the journal; ``cursor`` is the start of the next one, empty after the last."""

    entries: Sequence[JournalEntry]
    cursor: str
    read: int


@dataclass(frozen=True)
class LoadedEvent:
    """An event's pipeline, and the event itself if the journal has it already.

    The event is then the last of the sequence, after those that were inferred from it.
    """

    pipeline: Pipeline
    recorded: Sequence[SequencedEvent] = ()


class Journal(Protocol):
    """The pipelines: every event of each, once, with its sequence."""

    def load(self, events: Sequence[Event]) -> Sequence[LoadedEvent]:
        """Load events of different pipelines, in their order."""

    def append(
        self, steps: Sequence[PipelineTransition | EventSkip]
    ) -> Mapping[str, InfrastructureError]:
        """Record steps of different pipelines; return those that failed, by the pipelines' keys.

        A step fails if its pipeline has been written since it was loaded. The events of a
        transition are accepted together or not at all. A skipped event is recorded with its reason,
        and with the facts it adds to the pipeline.
        """

    def read_pipelines(self, keys: Collection[str]) -> Mapping[str, Pipeline]:
        """Read the pipelines that fan-out knows, consistently, by their keys."""

    def events(self, pipeline_key: str) -> Sequence[AcceptedEvent]:
        """Read the stored events of a pipeline, in the order of their sequence."""

    def skipped(self, pipeline_key: str) -> Sequence[SkippedEvent]:
        """Read the stored skipped events of a pipeline, in order of arrival."""

    def page(self, *, since: float, until: float, after: str) -> JournalPage:
        """Read events accepted in this interval, pipeline by pipeline.

        Scans the whole journal page by page; ``after`` is the cursor, empty for the first page.
        No event is missed if its pipeline goes on meanwhile, but it may be read twice.
        """

    def unfinished(
        self,
        state: PipelineState,
        *,
        until: float,
        since: float | None = None,
        stalled: bool = False,
    ) -> Iterator[Pipeline]:
        """Yield pipelines in this state since ``until`` or longer, the longest first, as needed.

        By an index that may lag behind. ``stalled`` selects those whose stall was published, else
        the others. ``since`` leaves out those that entered the state earlier.
        """

    def lease_stall(self, pipeline: Pipeline, *, until: float) -> bool:
        """Lease a stall against other ticks; false if it is leased, or over."""


class Reconciliations(Protocol):
    """Store of the scheduled reconcile's state, one record for each source."""

    def find(self, source: str | None) -> "Reconciliation | None":
        """Read the state consistently; None before the first run."""

    def save(self, reconciliation: "Reconciliation") -> "Reconciliation | None":
        """Save the state and return it as saved; None if another run has saved since."""


class SubscriptionReader(Protocol):
    def all(self) -> Sequence[Subscription]:
        """Read every subscription, removed ones too; a cache may be some seconds old."""

    def find(self, subscription_id: str, *, fresh: bool = False) -> Subscription | None:
        """Read one subscription, removed or not: from the cache, or ``fresh``."""

    def disable(self, subscription_id: str, reason: str) -> None:
        """Disable a subscription until an operator enables it; the first reason is kept."""


class FanOutReader(Protocol):
    def load(self, events: Sequence[Event]) -> tuple[Sequence[LoadedEvent], Sequence[Subscription]]:
        """Load events as by ``Journal.load``, and every subscription as it is now."""


class SubscriptionRepository(SubscriptionReader, Protocol):
    def save(self, subscription: Subscription, *, claim_name: bool = False) -> Subscription:
        """Save a subscription, and return it as saved; every reader sees it.

        Raises ``Conflict`` if it has changed since it was read. With ``claim_name`` raises
        ``NameTaken`` if another subscription has the name, even if both are saved at once.
        """

    def save_state(self, subscription: Subscription) -> Subscription:
        """The same where only whether it is paused, disabled or pending has changed."""
