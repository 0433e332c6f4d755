"""Resend at once, by the same ids: a finished delivery, or a pipeline's events."""

from collections.abc import Sequence
from dataclasses import dataclass

from lakehook.domain.delivery import Delivery, parse_delivery_id
from lakehook.domain.errors import InvalidInput, NotFound
from lakehook.domain.lane import DeliveryStatus
from lakehook.domain.queue_message import Resume
from lakehook.domain.rate_limit import Rate
from lakehook.domain.replay import Replay, ReplayCriteria
from lakehook.domain.subscription import Subscription
from lakehook.ports.queues import DeliveryQueue
from lakehook.ports.stores import Journal, Ledger, SubscriptionReader
from lakehook.ports.system import Clock, Random
from lakehook.replay.worker import EnqueueLane, EnqueueResult, deliveries_for

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
