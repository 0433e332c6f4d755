"""Management of replays: count what would be sent, start, follow and stop; and resend at once.

Events are selected by the replay's criteria and the subscription's present filter. Counting writes
nothing. A dead letter that was replayed has its stale copy on the dead-letter queue deleted. A
resend is of one finished delivery, or of a pipeline's events, by the same ids.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lakehook.domain.delivery import Delivery, parse_delivery_id
from lakehook.domain.errors import Conflict, InvalidInput, NotFound
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus
from lakehook.domain.queue_message import Resume
from lakehook.domain.rate_limit import Rate
from lakehook.domain.replay import (
    BEGINNING,
    DeliveryFilter,
    Replay,
    ReplayCriteria,
    ReplayRequest,
    ReplayState,
)
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import format_duration, format_rfc3339
from lakehook.ports.outbound import Warn
from lakehook.ports.queues import DeadLetterQueue, DeliveryQueue
from lakehook.ports.stores import Journal, Ledger, ReplayStore, SubscriptionReader
from lakehook.ports.system import Clock, Random
from lakehook.replay.worker import (
    FANOUT_SETTLING_SECONDS,
    EnqueueLane,
    EnqueueResult,
    deliveries_for,
)

RECORDS_AT_A_TIME = 50

OnProgress = Callable[[int], None]
"""Called with the number of further journal items read."""
POLL_SECONDS = 1.0
MAX_TRIES = 5  # against a scheduler that writes it, too


@dataclass(frozen=True, kw_only=True)
class ReplayCount:
    deliveries: int
    pipelines: int
    waiting: int  # waiting already, so not touched
    by_type: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CountReplay:
    journal: Journal
    ledger: Ledger
    clock: Clock

    def __call__(
        self,
        criteria: ReplayCriteria,
        subscription: Subscription,
        *,
        on_progress: OnProgress = lambda _: None,
    ) -> ReplayCount:
        """Count by reading the whole journal, and the record of each selected delivery."""
        types: Counter[str] = Counter()
        pipelines, waiting = set(), 0
        for deliveries in self._chosen(criteria, subscription, on_progress):
            records = self.ledger.load(deliveries, ()).records
            for delivery in deliveries:
                record = records.get((delivery.lane, delivery.sequence))
                waiting += record is not None and record.status is DeliveryStatus.WAITING
                if criteria.status.matches(record):
                    types[delivery.event.type] += 1
                    pipelines.add(delivery.lane.pipeline_key)
        return ReplayCount(
            deliveries=types.total(), pipelines=len(pipelines), waiting=waiting, by_type=types
        )

    def _chosen(
        self, criteria: ReplayCriteria, subscription: Subscription, on_progress: OnProgress
    ) -> Iterator[Sequence[Delivery]]:
        until = self.clock.now() if criteria.until is None else criteria.until
        cursor = ""
        while True:
            page = self.journal.page(since=criteria.since, until=until, after=cursor)
            on_progress(page.read)
            deliveries = deliveries_for(
                (entry.accepted for entry in page.entries), criteria, subscription
            )
            for start in range(0, len(deliveries), RECORDS_AT_A_TIME):
                yield deliveries[start : start + RECORDS_AT_A_TIME]
            cursor = page.cursor
            if not cursor:
                return


@dataclass(frozen=True)
class Started:
    replay: Replay
    already_running: bool = False  # it was open already


@dataclass(frozen=True)
class StartReplay:
    replays: ReplayStore
    count: CountReplay
    clock: Clock
    random: Random
    warn: Warn
    journal_keeps_seconds: float
    settling_seconds: float = FANOUT_SETTLING_SECONDS

    def criteria(
        self, request: ReplayRequest, subscription: Subscription | None = None
    ) -> ReplayCriteria:
        """Parse the criteria; ``InvalidInput`` names a wrong one; useless ones are warned of."""
        now = self.clock.now()
        criteria = ReplayCriteria.from_request(request, now=now)
        for name in criteria.event_types:
            if subscription and not subscription.accepts_type(name):
                self.warn(f"event type: {subscription.name} does not want {name}, so none is sent")
        if request.since != BEGINNING and criteria.since < now - self.journal_keeps_seconds:
            self.warn(
                f"since: {request.since}: events are kept for "
                f"{format_duration(self.journal_keeps_seconds)};"
                " what is older is not sent"
            )
        return criteria

    def __call__(
        self,
        subscription: Subscription,
        criteria: ReplayCriteria,
        *,
        counted: bool = True,
        on_progress: OnProgress = lambda _: None,
    ) -> Started:
        """Start a replay, or attach to the open one of the subscription.

        Counting reads the whole journal, for which the API has no time.
        """
        if open_ := self._open(subscription):
            return _attach(open_, criteria)
        matched = None
        if counted:
            matched = self.count(criteria, subscription, on_progress=on_progress).deliveries
        replay = replace(self._new(subscription, criteria), matched=matched)
        try:
            return Started(self.replays.save(replay))
        except Conflict:
            if open_ := self._open(subscription):
                return _attach(open_, criteria)
            raise

    def for_new(self, subscription: Subscription, criteria: ReplayCriteria) -> Started:
        """Start a replay of events accepted before a new subscription was active.

        A fan-out with an older cache may still accept events. So the replay waits until none is
        left, and takes events without a record: nothing is lost, and nothing is sent twice. It is
        not counted, since the caller waits for its secret.
        """
        now = self.clock.now()
        until = None if subscription.is_pending else now + self.settling_seconds
        missed = replace(criteria, until=until, status=DeliveryFilter.MISSING)
        return Started(self.replays.save(self._new(subscription, missed)))

    def _new(self, subscription: Subscription, criteria: ReplayCriteria) -> Replay:
        return Replay(
            id=f"rpl_{self.random.new_id()}",
            subscription_id=subscription.id,
            criteria=criteria,
            started_at=self.clock.now(),
        )

    def _open(self, subscription: Subscription) -> Replay | None:
        replays = self.replays.list_open()
        return next((r for r in replays if r.subscription_id == subscription.id), None)


@dataclass(frozen=True)
class LookUpReplays:
    replays: ReplayStore

    def __call__(self, replay_id: str) -> Replay:
        for replay in self.all():
            if replay.id == replay_id:
                return replay
        raise NotFound(f"no replay has the id {replay_id[:60]!a}")

    def all(self) -> list[Replay]:
        """Return all replays, the last started first."""
        replays = {r.id: r for r in (*self.replays.list_open(), *self.replays.list_finished())}
        return sorted(replays.values(), key=lambda replay: -replay.started_at)


@dataclass(frozen=True)
class FollowReplay:
    look_up: LookUpReplays
    clock: Clock

    def __call__(self, replay: Replay, *, sent: Callable[[int], None] = lambda _: None) -> Replay:
        """Wait for the end of a replay; ``sent`` is called with each further number enqueued."""
        sent(replay.sent)
        while replay.is_open:
            self.clock.sleep(POLL_SECONDS)
            before, replay = replay, self.look_up(replay.id)
            sent(replay.sent - before.sent)
        return replay


@dataclass(frozen=True)
class StopReplay:
    look_up: LookUpReplays
    clock: Clock

    def __call__(self, replay_id: str) -> Replay:
        """Stop a replay: enqueued deliveries are still sent. An ended one is returned unchanged."""
        for _ in range(MAX_TRIES):
            replay = self.look_up(replay_id)
            if not replay.is_open:
                return replay
            stopped = replay.ended(
                ReplayState.STOPPED, now=self.clock.now(), reason="by an operator"
            )
            try:
                return self.look_up.replays.save(stopped)
            except Conflict:
                continue
        raise Conflict(f"{replay_id} is being processed; try again")


@dataclass(frozen=True)
class DeleteStaleDlqCopies:
    """Deletes copies of former dead letters; a copy that is left has no effect."""

    ledger: Ledger
    copies: DeadLetterQueue

    def __call__(self, records: Sequence[DeliveryRecord]) -> int:
        """Delete the copies of records that were dead and are not any more; return how many."""
        stale = [record for record in records if not self._is_still_dead(record)]
        return self.copies.delete_copies(stale) if stale else 0

    def _is_still_dead(self, record: DeliveryRecord) -> bool:
        now = self.ledger.find(record.lane, record.sequence)
        return now is not None and (now.status, now.attempts) == (
            DeliveryStatus.DEAD,
            record.attempts,
        )


def _attach(replay: Replay, criteria: ReplayCriteria) -> Started:
    if not replay.criteria.equals(criteria):
        raise InvalidInput(
            f"{replay.subscription_id}: another replay is open, {replay.id}, since"
            f" {format_rfc3339(replay.criteria.since)}; wait for it, or: lakehook replays stop "
            f"{replay.id}"
        )
    return Started(replay, already_running=True)


_INSTEAD = {
    DeliveryStatus.WAITING: "it waits, and goes out by itself",
    DeliveryStatus.DEAD: "it is a dead letter: redrive it",
}
_EVERY_EVENT = ReplayCriteria(since=0.0, until=None, rate=Rate.parse("1/s"))


@dataclass(frozen=True)
class SendAtOnce:
    """Enqueues deliveries of one lane, marked ``replayed``, and resumes the lane."""

    enqueue_lane: EnqueueLane
    queue: DeliveryQueue
    clock: Clock
    random: Random

    def __call__(self, deliveries: Sequence[Delivery]) -> EnqueueResult:
        now, lane = self.clock.now(), deliveries[0].lane
        replay = Replay(
            id=f"send_{self.random.new_id()}",
            subscription_id=lane.subscription_id,
            criteria=_EVERY_EVENT,
            started_at=now,
        )
        enqueued = self.enqueue_lane(deliveries, replay, due_at=now)
        if enqueued.newly_held:
            self.queue.enqueue_resumes([Resume(lane, round(now * 1000))])
        return enqueued


@dataclass(frozen=True)
class Resend:
    subscriptions: SubscriptionReader
    ledger: Ledger
    journal: Journal
    send: SendAtOnce

    def __call__(self, delivery_id: str) -> Delivery:
        """Send it once more; what is new of its pipeline waits behind it."""
        lane, sequence = parse_delivery_id(delivery_id)
        record = self.ledger.find(lane, sequence)
        if record is None:
            raise NotFound(f"{delivery_id}: not in the ledger")
        if reason := _INSTEAD.get(record.status):
            raise InvalidInput(f"{delivery_id}: {reason}")
        subscription = self.subscriptions.find(lane.subscription_id)
        if subscription is None or subscription.removed_at:
            raise NotFound(f"{lane.subscription_id}: the subscription is removed")
        for accepted in self.journal.events(lane.pipeline_key):
            if accepted.sequenced.sequence == sequence:
                delivery = Delivery(lane, accepted.sequenced)
                self.send([delivery])
                return delivery
        raise NotFound(f"{delivery_id}: its event is no longer kept")


@dataclass(frozen=True)
class SendPipeline:
    """Sends a pipeline's events to one subscriber, whether it has had them or not."""

    journal: Journal
    send: SendAtOnce

    def select(self, pipeline_key: str, subscription: Subscription) -> Sequence[Delivery]:
        """Return the deliveries of those of its events that the subscription wants."""
        events = self.journal.events(pipeline_key)
        deliveries = deliveries_for(events, _EVERY_EVENT, subscription)
        if not deliveries:
            raise NotFound(
                f"{subscription.name} wants none of the events that are kept of pipeline"
                f" {pipeline_key!a}"
            )
        return deliveries

    def __call__(self, pipeline_key: str, subscription: Subscription) -> EnqueueResult:
        """Send them, in order; a delivery that waits is left alone, since it goes out anyway."""
        return self.send(self.select(pipeline_key, subscription))
