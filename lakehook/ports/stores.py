"""Ports of the stores: the ledger, the journal, health, rate limits, replays and subscriptions."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.delivery import Delivery, Lane, SequencedEvent
from lakehook.domain.event import Event
from lakehook.domain.lane import DeliveryRecord, HeldLane
from lakehook.domain.pipeline import Pipeline, PipelineState, SkipReason
from lakehook.domain.rate_limit import Reservation
from lakehook.domain.replay import Replay
from lakehook.domain.subscription import Subscription


@dataclass(frozen=True)
class LedgerSnapshot:
    """What one consistent read of the ledger found."""

    lanes: Mapping[Lane, HeldLane]
    records: Mapping[tuple[Lane, int], DeliveryRecord]
    endpoint_health: Mapping[str, EndpointHealth] = field(
        default_factory=dict
    )  # of those that are not healthy


@dataclass(frozen=True)
class DueItem:
    """A held lane or a circuit breaker that is due, with the token of its due time."""

    lane: Lane
    due_token: int
    is_breaker: bool = False


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """How much waits, over all subscriptions."""

    lanes_held: int = 0
    held_since: float | None = None  # of the one that has been held longest
    breakers_open: int = 0


@dataclass(frozen=True, kw_only=True)
class HeldSummary:
    """What is held for one subscription, and the delivery that has held up others longest."""

    lanes: int = 0
    dead: int = 0
    is_truncated: bool = False  # there are more of either: the count ended early
    since: float | None = None
    lane: HeldLane | None = None  # None: it is a dead letter whose lane has gone on
    head: DeliveryRecord | None = None


class Ledger(Protocol):
    """The deliveries and lanes: idempotency records, attempt logs and waiting deliveries."""

    def load(self, deliveries: Collection[Delivery], lanes: Collection[Lane]) -> LedgerSnapshot:
        """Read consistently, in one call for a batch of up to 10 messages."""

    def save(
        self, record: DeliveryRecord, *, before: HeldLane | None, after: HeldLane | None
    ) -> DeliveryRecord:
        """Record a delivery and move its lane from ``before`` to ``after``, both or neither.

        The record as it now stands; ``LaneConflict`` when it is no longer of the version that was
        read, or the lane no longer as it was before. Only a success is written over whatever is
        there, unless a replay has requeued it since; on a flowing lane it costs one plain write.
        """

    def save_lane(self, before: HeldLane, after: HeldLane | None) -> None:
        """Move a lane alone; ``LaneConflict`` when it is no longer as it was before."""

    def waiting_deliveries(self, lane: HeldLane) -> Iterator[DeliveryRecord]:
        """The head and those behind it that are not final, in order, read as they are needed."""

    def due(self, now: float) -> Iterator[DueItem]:
        """Held lanes whose due time has come, by an index that may lag behind."""

    def lease(self, due: DueItem, *, until: float) -> int | None:
        """Move a due time, and return the new token; None if it was moved since.

        A suspended lane is no longer suspended then.
        """

    def backlog(self) -> Backlog:
        """Count what is held, by an index that may lag behind."""

    def held_lanes(self, subscription_id: str) -> Iterator[HeldLane]:
        """Held lanes of a subscription, the longest held first.

        By an index that may lag behind, as ``dead_letters``; what it names is read consistently.
        """

    def summarize_held(self, subscription_ids: Sequence[str]) -> Mapping[str, HeldSummary]:
        """Count what is held, for those subscriptions that hold anything.

        By the index, and no more than one page of it each, however much is held.
        """

    def suspended_lanes(self, subscription_id: str) -> Iterator[HeldLane]:
        """Held lanes that are suspended, the longest held first."""

    def dead_letters(self, subscription_id: str) -> Iterator[DeliveryRecord]:
        """Its dead letters, also those whose lane has gone on."""


class EndpointHealthStore(Protocol):
    def find(self, subscription_id: str) -> EndpointHealth:
        """The present health of an endpoint; that of a healthy one if there is no record."""

    def find_many(self, subscription_ids: Collection[str]) -> Mapping[str, EndpointHealth]:
        """The health of those endpoints that are not healthy."""

    def save(self, before: EndpointHealth, after: EndpointHealth) -> bool:
        """Save it, or delete it if healthy; false if it was written since."""


class RateLimitStore(Protocol):
    def reserve(self, key: str, *, interval: float, not_later_than: float) -> Reservation:
        """Reserve the next free send time, unless it is later than ``not_later_than``.

        Send times are ``interval`` seconds apart or more, and never reserved twice.
        """


class DeliveryQueries(Protocol):
    """The ledger as people read it: what became of every delivery."""

    def find(self, lane: Lane, sequence: int) -> DeliveryRecord | None:
        """One delivery, consistently."""

    def by_lane(self, lane: Lane) -> Iterator[DeliveryRecord]:
        """Every delivery of a lane that is still known, the highest sequence first."""

    def by_subscription(
        self, subscription_id: str | None, *, on_scanned: Callable[[int], None]
    ) -> Iterator[DeliveryRecord]:
        """Every delivery of a subscription, or of all, in no order.

        All of the ledger is read for it, page by page; ``on_scanned`` gets each page's size.
        """

    def count_waiting_behind(self, held: HeldLane) -> int:
        """How many wait behind the head of a held lane."""


@dataclass(frozen=True)
class AcceptedEvent:
    """An event of a pipeline, and when it was accepted."""

    sequenced: SequencedEvent
    at: float


@dataclass(frozen=True)
class SkippedEvent:
    """An event of a pipeline that was skipped, with the reason and the time."""

    event: Event
    reason: SkipReason
    at: float


class PipelineHistory(Protocol):
    def events(self, pipeline_key: str) -> Sequence[AcceptedEvent]:
        """The events of a pipeline that are still kept, in the order of their sequence."""

    def skipped(self, pipeline_key: str) -> Sequence[SkippedEvent]:
        """The skipped events of a pipeline that are still kept, in order of arrival."""


class UnfinishedPipelines(Protocol):
    """Pipelines that have not ended, by an index that may lag behind."""

    def list(
        self,
        state: PipelineState,
        *,
        until: float,
        since: float | None = None,
        stalled: bool = False,
    ) -> Iterator[Pipeline]:
        """Those in this state since ``until`` or longer, the longest first; read as needed.

        Either those whose stall was published, or the others. ``since`` leaves out
        those that came into it earlier.
        """

    def lease(self, pipeline: Pipeline, *, until: float) -> bool:
        """Lease a stall against other ticks; false if it is leased, or over."""


class ReplayStore(Protocol):
    """The jobs: those that are open, one a subscription, and those that have ended."""

    def list_open(self) -> Sequence[Replay]:
        """All that are open, consistently."""

    def list_finished(self) -> Sequence[Replay]:
        """Those that have ended and are still known."""

    def save(self, replay: Replay) -> Replay:
        """Save a replay, and return it as saved; an ended one allows another to open.

        ``Conflict`` when it is no longer of the version that was read, or when a new one
        finds another open for its subscription.
        """


@dataclass(frozen=True)
class JournalEntry:
    """An event of the past, and where to read on behind it."""

    accepted: AcceptedEvent
    cursor: str


@dataclass(frozen=True)
class JournalPage:
    """``cursor`` is where the next page begins; none is left when it is empty."""

    entries: Sequence[JournalEntry]
    cursor: str
    read: int


class JournalScan(Protocol):
    def page(self, *, since: float, until: float, after: str) -> JournalPage:
        """Some of the events that were accepted from then until then, pipeline by pipeline.

        All of the journal is read for it, page by page; ``after`` is empty for the first one.
        """


@dataclass(frozen=True)
class Requeued:
    """A record that is to wait, and what it was."""

    record: DeliveryRecord
    previous: DeliveryRecord | None


class ReplayWriter(Protocol):
    def requeue(
        self, requeued: Sequence[Requeued], *, before: HeldLane | None, after: HeldLane
    ) -> None:
        """Requeue up to 90 deliveries of a lane and hold it, in one transaction.

        ``LaneConflict`` when the lane or one of the records is no longer as it was.
        """


class SubscriptionReader(Protocol):
    def all(self) -> Sequence[Subscription]:
        """Every subscription, removed ones too, as of now."""

    def find(self, subscription_id: str, *, fresh: bool = False) -> Subscription | None:
        """One subscription, removed or not: from the cache, or ``fresh``."""

    def disable(self, subscription_id: str, reason: str) -> None:
        """Disable a subscription until an operator enables it; the first reason is kept."""


class SubscriptionRepository(SubscriptionReader, Protocol):
    def save(self, subscription: Subscription) -> Subscription:
        """Save a subscription, and return it as saved; every reader sees it.

        ``Conflict`` when it is no longer of the version that was read.
        """
