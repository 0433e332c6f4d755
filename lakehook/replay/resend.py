"""Resend of one delivery that is done with: a replay of a single event, by the same id."""

from dataclasses import dataclass

from lakehook.domain.delivery import Delivery, Lane, parse_delivery_id
from lakehook.domain.errors import InvalidInput, NotFound
from lakehook.domain.lane import DeliveryStatus
from lakehook.domain.queue_message import Resume
from lakehook.domain.rate_limit import Rate
from lakehook.domain.replay import Replay, ReplayCriteria
from lakehook.ports.queues import DeliveryQueue
from lakehook.ports.stores import DeliveryQueries, PipelineHistory, SubscriptionReader
from lakehook.ports.system import Clock, Random
from lakehook.replay.worker import EnqueueLane

_INSTEAD = {
    DeliveryStatus.WAITING: "it waits, and goes out by itself",
    DeliveryStatus.DEAD: "it is a dead letter: redrive it",
}


@dataclass(frozen=True)
class Resend:
    subscriptions: SubscriptionReader
    archive: DeliveryQueries
    history: PipelineHistory
    enqueue_lane: EnqueueLane
    queue: DeliveryQueue
    clock: Clock
    random: Random

    def __call__(self, delivery_id: str) -> Delivery:
        """Send it once more, marked ``replayed``; what is new of its pipeline waits behind it."""
        lane, sequence = parse_delivery_id(delivery_id)
        record = self.archive.find(lane, sequence)
        if record is None:
            raise NotFound(f"{delivery_id}: not in the ledger")
        if reason := _INSTEAD.get(record.status):
            raise InvalidInput(f"{delivery_id}: {reason}")
        delivery = self._delivery(lane, sequence)
        now = self.clock.now()
        criteria = ReplayCriteria(since=0.0, until=None, rate=Rate.parse("1/s"))
        replay = Replay(
            id=f"send_{self.random.new_id()}",
            subscription_id=lane.subscription_id,
            criteria=criteria,
            started_at=now,
        )
        self.enqueue_lane([delivery], replay, due_at=now)
        self.queue.enqueue_resumes([Resume(lane, round(now * 1000))])
        return delivery

    def _delivery(self, lane: Lane, sequence: int) -> Delivery:
        subscription = self.subscriptions.find(lane.subscription_id)
        if subscription is None or subscription.removed_at:
            raise NotFound(f"{lane.subscription_id}: the subscription is removed")
        for accepted in self.history.events(lane.pipeline_key):
            if accepted.sequenced.sequence == sequence:
                return Delivery(lane, accepted.sequenced)
        raise NotFound(f"{lane}#{sequence}: its event is no longer kept")
