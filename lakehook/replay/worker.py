"""Worker of replays: one tick's share of every open replay, page by page.

As many pipelines of a page are enqueued as the rate and the time allow. The deliveries of a lane
wait again, and the lane is held at the first of them. Lane and records are written conditionally on
their versions, so of two writers one gets a conflict. The lane is made due and resumed through its
own message group, in which SQS allows only one worker. New deliveries are appended while it is
held.

The replay's record advances page by page. An interrupted tick leaves deliveries with the replay's
id; the next tick finds them enqueued, and continues after them.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

from lakehook.domain.channels import channel_for
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.errors import Conflict, InfrastructureError, LaneConflict
from lakehook.domain.json_document import to_json
from lakehook.domain.lane import LEASE_SECONDS, DeliveryRecord, DeliveryStatus, HeldLane
from lakehook.domain.pipeline import AcceptedEvent
from lakehook.domain.queue_message import Resume
from lakehook.domain.replay import Replay, ReplayCriteria, ReplayState
from lakehook.domain.subscription import Subscription
from lakehook.ports.queues import DeliveryQueue
from lakehook.ports.stores import (
    Journal,
    JournalEntry,
    Ledger,
    ReplayStore,
    Requeued,
    SubscriptionReader,
)
from lakehook.ports.system import Clock
from lakehook.ports.telemetry import Telemetry

MAX_TRIES = 3
MAX_RECORDS, MAX_BYTES = 90, 3_000_000  # of a transaction; DynamoDB allows 100 and 4 MB
RECORD_BYTES = 4_000  # of a record without its event: about twenty attempts
RECORDS_AT_A_TIME = 50
LANES_AT_A_TIME = 10
MAX_RUN_SECONDS = 15.0  # of a tick; the next one continues
FANOUT_SETTLING_SECONDS = 60.0
"""Delay of a new subscription's replay: a fan-out with an older cache ends within 30 s."""


@dataclass(frozen=True)
class EnqueueResult:
    sent: int = 0
    waiting: int = 0
    newly_held: bool = False  # the lane must be resumed


@dataclass(frozen=True)
class EnqueueLane:
    ledger: Ledger
    clock: Clock

    def __call__(
        self, deliveries: Sequence[Delivery], replay: Replay, *, due_at: float
    ) -> EnqueueResult:
        """Enqueue deliveries of a lane, and count them with those of an interrupted tick.

        Raises ``LaneConflict`` if other workers keep writing the lane.
        """
        for _ in range(MAX_TRIES - 1):
            with suppress(LaneConflict):
                return self._try(deliveries, replay, due_at)
        return self._try(deliveries, replay, due_at)

    def _try(self, deliveries: Sequence[Delivery], replay: Replay, due_at: float) -> EnqueueResult:
        lane = deliveries[0].lane
        held, records = self._read(lane, deliveries)
        own = {n for n, record in records.items() if record.replayed_by == replay.id}
        requeued = [
            _requeued(delivery, records.get(delivery.sequence), replay)
            for delivery in deliveries
            if delivery.sequence not in own
            and replay.criteria.status.matches(records.get(delivery.sequence))
        ]
        self._requeue(lane, requeued, held, due_at)
        foreign = (record for n, record in records.items() if n not in own)
        waiting = sum(record.status is DeliveryStatus.WAITING for record in foreign)
        return EnqueueResult(
            sent=len(own) + len(requeued), waiting=waiting, newly_held=bool(requeued)
        )

    def _read(
        self, lane: Lane, deliveries: Sequence[Delivery]
    ) -> tuple[HeldLane | None, dict[int, DeliveryRecord]]:
        held: HeldLane | None = self.ledger.load((), [lane]).lanes.get(lane)
        known: dict[int, DeliveryRecord] = {}
        for start in range(0, len(deliveries), RECORDS_AT_A_TIME):
            batch = deliveries[start : start + RECORDS_AT_A_TIME]
            records = self.ledger.load(batch, ()).records
            known |= {sequence: record for (_, sequence), record in records.items()}
        return held, known

    def _requeue(
        self, lane: Lane, requeued: Sequence[Requeued], held: HeldLane | None, due_at: float
    ) -> None:
        """Requeue in one transaction; in a large lane the first wait until the last are written."""
        parts = list(_parts(requeued))
        for number, part in enumerate(parts, start=1):
            lease = self.clock.now() + LEASE_SECONDS
            due = due_at if number == len(parts) else max(due_at, lease)
            after = _held(held, lane, requeued[0].record.sequence, due, self.clock.now())
            self.ledger.requeue(part, before=held, after=after)
            held = after


@dataclass(frozen=True)
class EnqueuePage:
    journal: Journal
    enqueue_lane: EnqueueLane
    queue: DeliveryQueue
    clock: Clock
    telemetry: Telemetry

    def __call__(
        self,
        found: Sequence[JournalEntry],
        replay: Replay,
        subscription: Subscription,
        *,
        sends_at: float,
        ends_at: float,
    ) -> tuple[Replay, bool]:
        """Enqueue a page; return the advanced replay, and whether the whole page was enqueued."""
        lanes: list[Lane] = []
        is_whole = False
        for pipeline, group in groupby(found, key=_pipeline_of):
            if not replay.may_send(sends_at) or self.clock.now() >= ends_at:
                break
            try:
                replay, held = self._enqueue(replay, pipeline, subscription)
            except LaneConflict:
                break  # the next tick tries again
            lanes += held
            *_, last = group
            replay = replace(replay, cursor=last.cursor)
        else:
            is_whole = True
        self._resume(lanes)
        return replay, is_whole

    def _enqueue(
        self, replay: Replay, pipeline: str, subscription: Subscription
    ) -> tuple[Replay, Sequence[Lane]]:
        """Enqueue a pipeline; an unreadable record is skipped and logged."""
        if pipeline == replay.pipeline:
            return replay, ()  # continued from the previous page, and enqueued as a whole there
        try:
            enqueued = self._all_of(pipeline, replay, subscription)
        except (LaneConflict, InfrastructureError):
            raise
        except Exception as error:  # noqa: BLE001  a record that no release can read
            self.telemetry.internal_error(error, doing="replay")
            return replay.with_skipped(pipeline), ()
        held = [Lane(subscription.id, pipeline)] if enqueued.newly_held else []
        return replay.with_enqueued(pipeline, sent=enqueued.sent, waiting=enqueued.waiting), held

    def _all_of(self, pipeline: str, replay: Replay, subscription: Subscription) -> EnqueueResult:
        deliveries = deliveries_for(self.journal.events(pipeline), replay.criteria, subscription)
        if not deliveries:
            return EnqueueResult()
        return self.enqueue_lane(deliveries, replay, due_at=replay.next_at)

    def _resume(self, lanes: Sequence[Lane]) -> None:
        """Resume the held lanes, each with a delay in the queue.

        The delays spread a tick's deliveries over its minute. The scheduler resumes lost ones.
        """
        token = round(self.clock.now() * 1000)
        for start in range(0, len(lanes), LANES_AT_A_TIME):
            batch = lanes[start : start + LANES_AT_A_TIME]
            self.queue.enqueue_resumes([Resume(lane, token) for lane in batch])


@dataclass(frozen=True)
class ProcessReplays:
    replays: ReplayStore
    subscriptions: SubscriptionReader
    journal: Journal
    ledger: Ledger
    queue: DeliveryQueue
    clock: Clock
    telemetry: Telemetry
    settling_seconds: float = FANOUT_SETTLING_SECONDS

    @cached_property
    def enqueue_page(self) -> EnqueuePage:
        enqueue_lane = EnqueueLane(self.ledger, self.clock)
        return EnqueuePage(self.journal, enqueue_lane, self.queue, self.clock, self.telemetry)

    def __call__(self) -> int:
        """Process every open replay, and return how many deliveries were enqueued.

        The one furthest behind its rate is processed first. A failing replay does not stop the
        others.
        """
        ends_at = self.clock.now() + MAX_RUN_SECONDS
        replays = sorted(self.replays.list_open(), key=lambda replay: replay.next_at)
        return sum(self._go_on(replay, ends_at) for replay in replays)

    def _go_on(self, replay: Replay, ends_at: float) -> int:
        latest = replay
        try:
            for saved in self._steps(replay, ends_at):
                latest = saved
        except Conflict:
            pass  # another tick processes it, or it was stopped
        except Exception as error:  # noqa: BLE001  the other replays go on
            self.telemetry.internal_error(error, doing="replay")
        return latest.sent - replay.sent

    def _steps(self, replay: Replay, ends_at: float) -> Iterator[Replay]:
        """Yield the replay each time it was saved."""
        now, subscription = self.clock.now(), self._subscription(replay)
        if subscription is None:
            yield self._end(replay, ReplayState.STOPPED, reason="subscription_removed")
        elif subscription.is_pending or not replay.may_send(now):
            return
        elif replay.criteria.until is None:  # the subscription was not active before
            yield self.replays.save(replay.with_end(now + self.settling_seconds))
        elif replay.criteria.until <= now:
            yield from self._pages(
                replay, subscription, until=replay.criteria.until, ends_at=ends_at
            )

    def _pages(
        self, replay: Replay, subscription: Subscription, *, until: float, ends_at: float
    ) -> Iterator[Replay]:
        """Process pages; the replay is claimed first, so that only one tick processes it."""
        now = self.clock.now()
        yield (replay := self.replays.save(replay.claimed(now)))
        is_whole = True
        while is_whole and replay.may_send(now) and self.clock.now() < ends_at:
            page = self.journal.page(since=replay.criteria.since, until=until, after=replay.cursor)
            replay, is_whole = self.enqueue_page(
                page.entries, replay, subscription, sends_at=now, ends_at=ends_at
            )
            if is_whole and not page.cursor:
                yield self._end(replay, ReplayState.DONE)
                return
            cursor = page.cursor if is_whole else replay.cursor
            yield (replay := self.replays.save(replace(replay, cursor=cursor)))

    def _end(self, replay: Replay, state: ReplayState, *, reason: str = "") -> Replay:
        return self.replays.save(replay.ended(state, now=self.clock.now(), reason=reason))

    def _subscription(self, replay: Replay) -> Subscription | None:
        subscription = self.subscriptions.find(replay.subscription_id, fresh=True)
        return subscription if subscription and subscription.removed_at is None else None


def _held(held: HeldLane | None, lane: Lane, lowest: int, due_at: float, now: float) -> HeldLane:
    if held:
        return held.replayed(lowest, due_at=due_at)
    return replace(HeldLane.held_at(lane, lowest, now=now), due_at=due_at)


def _requeued(delivery: Delivery, was: DeliveryRecord | None, replay: Replay) -> Requeued:
    record = was or DeliveryRecord.waiting(delivery)
    return Requeued(record.replayed(delivery, by=replay.id), was)


def _parts(requeued: Sequence[Requeued]) -> Iterator[list[Requeued]]:
    part: list[Requeued] = []
    size = 0
    for requeue in requeued:
        assert requeue.record.delivery, "what is to be sent has its event"
        more = RECORD_BYTES + len(to_json(requeue.record.delivery.event.document).encode())
        if part and (len(part) == MAX_RECORDS or size + more > MAX_BYTES):
            yield part
            part, size = [], 0
        part.append(requeue)
        size += more
    if part:
        yield part


def _pipeline_of(entry: JournalEntry) -> str:
    return entry.accepted.sequenced.event.pipeline_key


def deliveries_for(
    accepted: Iterable[AcceptedEvent], criteria: ReplayCriteria, subscription: Subscription
) -> list[Delivery]:
    """Build the deliveries of the selected events, whatever their status."""
    channel = channel_for(subscription)
    return [
        Delivery(Lane(subscription.id, event.sequenced.event.pipeline_key), event.sequenced)
        for event in accepted
        if criteria.matches(event.sequenced.event, at=event.at, subscription=subscription)
        and channel.unsupported_reason(event.sequenced.event) is None
    ]
