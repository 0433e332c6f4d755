"""Trigger: a sample event, sent to every subscriber or delivered to a single one."""

from dataclasses import dataclass

from lakehook.domain.delivery import Delivery
from lakehook.domain.errors import InfrastructureError, InvalidInput
from lakehook.domain.event import Event, EventType
from lakehook.domain.sample import sample_delivery, trial_event
from lakehook.domain.subscription import Subscription
from lakehook.ports.ingress import Publish
from lakehook.ports.queues import DeliveryQueue
from lakehook.ports.system import Clock
from lakehook.subscriptions.preview import match

TRIAL_SOURCE = "trial"


@dataclass(frozen=True)
class TriggerEvent:
    publish: Publish
    deliveries: DeliveryQueue
    clock: Clock

    def to_all(self, event_type: EventType, pipeline_id: int | str) -> Event:
        """Publish a sample as the pipeline service would, to all its subscribers."""
        event = trial_event(event_type, at=self.clock.now(), pipeline_id=pipeline_id)
        self.publish([event])
        return event

    def to_one(
        self, subscription: Subscription, event_type: EventType, pipeline_id: int | str
    ) -> Delivery:
        """Deliver a sample to one subscription, in a lane of its own.

        Its source keeps it apart from the lanes of real pipelines, and from earlier trials: it
        waits for none that fails.
        """
        now = self.clock.now()
        source = f"{TRIAL_SOURCE}-{now * 1000:.0f}"
        event = trial_event(event_type, at=now, pipeline_id=pipeline_id, source=source)
        for found in match(subscription, [event]):
            if found.reason:
                raise InvalidInput(f"{subscription.name} does not get {event_type}: {found.reason}")
        delivery = sample_delivery(event, subscription)
        if self.deliveries.enqueue_deliveries([delivery]):
            raise InfrastructureError("the deliveries queue did not take it; try again")
        return delivery
