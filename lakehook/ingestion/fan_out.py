"""Fan-out: one event in, one delivery per interested subscription out."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lakehook.domain.channels import channel_for
from lakehook.domain.delivery import Delivery, Lane, SequencedEvent
from lakehook.domain.errors import InfrastructureError, InvalidEvent
from lakehook.domain.event import Event
from lakehook.domain.event_pattern import PatternExhausted
from lakehook.domain.pipeline import EventSkip, Pipeline
from lakehook.domain.subscription import Subscription
from lakehook.ports.ingress import AcceptedRecorder
from lakehook.ports.queues import DeliveryQueue, EventMessage, InvalidEventQueue
from lakehook.ports.stores import Journal, SubscriptionReader
from lakehook.ports.telemetry import Telemetry


@dataclass(frozen=True)
class FanOut:
    journal: Journal
    subscriptions: SubscriptionReader
    queue: DeliveryQueue
    invalid_events: InvalidEventQueue
    telemetry: Telemetry
    heard: AcceptedRecorder | None = None

    def __call__(self, batch: Sequence[EventMessage]) -> list[EventMessage]:
        """Fan a batch out, and return the messages that must be received again.

        A pipeline's event is numbered only after all deliveries of the one before were enqueued. So
        the batch is processed in rounds: the first message of each pipeline, then the second.
        Messages behind a failure in their group are received again with it.
        """
        subscriptions = [s for s in self.subscriptions.all() if s.removed_at is None]
        failed: list[EventMessage] = []
        stopped: set[str] = set()
        for messages in _rounds(batch):
            going = [message for message in messages if message.group not in stopped]
            again = self._fan_out(going, subscriptions)
            failed += [n for n in messages if n.group in stopped or n in again]
            stopped |= {message.group for message in again}
        return failed

    def quarantine(self, message: EventMessage, reason: str) -> None:
        self.invalid_events.quarantine(message, reason)
        self.telemetry.quarantined(message.id, message.group, reason)

    def _fan_out(
        self, messages: Sequence[EventMessage], subscriptions: Sequence[Subscription]
    ) -> list[EventMessage]:
        again: list[EventMessage] = []
        deliveries: dict[EventMessage, list[list[Delivery]]] = {}
        for message in messages:
            try:
                deliveries[message] = self._accept(message, subscriptions)
            except Exception as error:  # noqa: BLE001  one event's error stops its group alone
                self.telemetry.internal_error(error, doing="fan out")
                again.append(message)
        return again + self._send(deliveries)

    def _send(
        self, deliveries: Mapping[EventMessage, Sequence[Sequence[Delivery]]]
    ) -> list[EventMessage]:
        """Enqueue one event of each message, then the next: never two of a lane at once."""
        again: list[EventMessage] = []
        for index in range(max(map(len, deliveries.values()), default=0)):
            going = {
                message: events[index]
                for message, events in deliveries.items()
                if index < len(events) and message not in again
            }
            unsent = self._put([delivery for several in going.values() for delivery in several])
            again += [
                message
                for message, several in going.items()
                if any(delivery.id in unsent for delivery in several)
            ]
        return again

    def _put(self, deliveries: Sequence[Delivery]) -> Collection[str]:
        try:
            return self.queue.enqueue_deliveries(deliveries)
        except InfrastructureError as error:
            self.telemetry.internal_error(error, doing="send deliveries")
            return {delivery.id for delivery in deliveries}

    def _accept(
        self, message: EventMessage, subscriptions: Sequence[Subscription]
    ) -> list[list[Delivery]]:
        """Return the deliveries of each event that results from the message."""
        try:
            event = Event.from_message(message.body, group=message.group)
        except InvalidEvent as error:
            self.quarantine(message, str(error))
            return []
        self._record(event)
        pipeline, recorded = self.journal.load(event)
        if recorded and not pipeline.may_be_partially_sent(recorded[-1]):
            self.telemetry.fanned_out(recorded[-1], deliveries=0, repeated=True)
            return []
        return [
            self._deliveries(numbered, subscriptions, repeated=bool(recorded))
            for numbered in recorded or self._number(pipeline, event)
        ]

    def _record(self, event: Event) -> None:
        """Record the last notification of DevLake; a failure must not stop the fan-out."""
        try:
            if self.heard:
                self.heard.accepted(event)
        except InfrastructureError as error:
            self.telemetry.internal_error(error, doing="record when DevLake was heard")

    def _number(self, pipeline: Pipeline, event: Event) -> Sequence[SequencedEvent]:
        advance = pipeline.apply(event)
        if isinstance(advance, EventSkip):
            self.journal.record_skipped(event, advance)
            self.telemetry.event_skipped(event, advance.fate)
            return ()
        self.journal.append(advance)
        return advance.sequenced

    def _deliveries(
        self, numbered: SequencedEvent, subscriptions: Sequence[Subscription], *, repeated: bool
    ) -> list[Delivery]:
        event = numbered.event
        deliveries = [
            Delivery(Lane(subscription.id, event.pipeline_key), numbered)
            for subscription in subscriptions
            if self._is_wanted(subscription, event)
            and channel_for(subscription).unsupported_reason(event) is None
        ]
        self.telemetry.fanned_out(numbered, deliveries=len(deliveries), repeated=repeated)
        return deliveries

    def _is_wanted(self, subscription: Subscription, event: Event) -> bool:
        """Whether the subscription accepts the event; if matching takes too long, it does."""
        try:
            return subscription.accepts(event)
        except PatternExhausted:
            self.telemetry.pattern_exhausted(subscription.id, event)
            return True


def _rounds(batch: Sequence[EventMessage]) -> Iterator[list[EventMessage]]:
    groups: dict[str, list[EventMessage]] = defaultdict(list)
    for message in batch:
        groups[message.group].append(message)
    for index in range(max(map(len, groups.values()), default=0)):
        yield [messages[index] for messages in groups.values() if index < len(messages)]
