"""Trigger: a sample event, sent to every subscriber or delivered to a single one."""

from dataclasses import dataclass

from lakehook.domain.delivery import Delivery, Lane, SequencedEvent
from lakehook.domain.errors import InfrastructureError, InvalidInput
from lakehook.domain.event import Event, EventType
from lakehook.domain.sample import trial_event
from lakehook.domain.subscription import Subscription
from lakehook.ports.ingress import Publish
from lakehook.ports.queues import DeliveryQueue
from lakehook.ports.stores import DeliveryQueries
from lakehook.ports.system import Clock
from lakehook.subscriptions.preview import match

TRIAL_SOURCE = "trial"


@dataclass(frozen=True)
class TriggerEvent:
    publish: Publish
    deliveries: DeliveryQueue
    queries: DeliveryQueries
    clock: Clock

    def to_all(self, event_type: EventType, pipeline_id: int | str) -> Event:
        """Publish a sample as the pipeline service would, for every subscription that wants it."""
        event = trial_event(event_type, at=self.clock.now(), pipeline_id=pipeline_id)
        self.publish([event])
        return event

    def to_one(
        self, subscription: Subscription, event_type: EventType, pipeline_id: int | str
    ) -> Delivery:
        """Deliver a sample to one subscription, behind its earlier trials of that pipeline.

        The source ``trial`` keeps them apart from the lanes of real pipelines.
        """
        now = self.clock.now()
        event = trial_event(event_type, at=now, pipeline_id=pipeline_id, source=TRIAL_SOURCE)
        for found in match(subscription, [event]):
            if found.reason:
                raise InvalidInput(f"{subscription.name} does not get {event_type}: {found.reason}")
        lane = Lane(subscription.id, event.pipeline_key)
        last = next(iter(self.queries.by_lane(lane)), None)
        number = last.sequence + 1 if last else 1
        before = str(last.event_type) if last else None
        delivery = Delivery(lane, SequencedEvent(event, number, before))
        if self.deliveries.enqueue_deliveries([delivery]):
            raise InfrastructureError("the deliveries queue did not take it; try again")
        return delivery
