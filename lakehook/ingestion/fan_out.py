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
from lakehook.ports.heard import AcceptedRecorder
from lakehook.ports.queues import DeliveryQueue, EventMessage, InvalidEventQueue, Journal
from lakehook.ports.stores import SubscriptionReader
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
        """Fan a batch out, and return the notices that must come again.

        A pipeline's event is numbered only after the one before it has been sent whole, so the
        batch is worked off in turns: the first notice of each pipeline, then the second. What
        follows a failure in its group comes again with it.
        """
        subscriptions = [s for s in self.subscriptions.all() if s.removed_at is None]
        failed: list[EventMessage] = []
        stopped: set[str] = set()
        for notices in _rounds(batch):
            going = [notice for notice in notices if notice.group not in stopped]
            again = self._fan_out(going, subscriptions)
            failed += [n for n in notices if n.group in stopped or n in again]
            stopped |= {notice.group for notice in again}
        return failed

    def _fan_out(
        self, notices: Sequence[EventMessage], subscriptions: Sequence[Subscription]
    ) -> list[EventMessage]:
        again: list[EventMessage] = []
        deliveries: dict[EventMessage, list[list[Delivery]]] = {}
        for notice in notices:
            try:
                deliveries[notice] = self._accept(notice, subscriptions)
            except Exception as error:  # noqa: BLE001  one event's trouble stops its group alone
                self.telemetry.internal_error(error, doing="fan out")
                again.append(notice)
        return again + self._send(deliveries)

    def _send(
        self, deliveries: Mapping[EventMessage, Sequence[Sequence[Delivery]]]
    ) -> list[EventMessage]:
        """Send one event of each notice, then the next: never two of a lane at once."""
        again: list[EventMessage] = []
        for turn in range(max(map(len, deliveries.values()), default=0)):
            going = {
                notice: events[turn]
                for notice, events in deliveries.items()
                if turn < len(events) and notice not in again
            }
            unsent = self._put([one for several in going.values() for one in several])
            again += [
                notice
                for notice, several in going.items()
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
        self, notice: EventMessage, subscriptions: Sequence[Subscription]
    ) -> list[list[Delivery]]:
        """The deliveries of each event that the notice has come to."""
        try:
            event = Event.from_message(notice.body, group=notice.group)
        except InvalidEvent as error:
            self.invalid_events.quarantine(notice, str(error))
            self.telemetry.quarantined(notice.id, notice.group, str(error))
            return []
        self._record(event)
        pipeline, known = self.journal.load(event)
        if known and not pipeline.may_be_partially_sent(known[-1]):
            self.telemetry.fanned_out(known[-1], deliveries=0, repeated=True)
            return []
        return [
            self._deliveries(numbered, subscriptions, repeated=bool(known))
            for numbered in known or self._number(pipeline, event)
        ]

    def _record(self, event: Event) -> None:
        """When DevLake was heard last is not worth a delivery."""
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
        """What can't be matched in time goes out: too much is better than lost."""
        try:
            return subscription.accepts(event)
        except PatternExhausted:
            self.telemetry.pattern_exhausted(subscription.id, event)
            return True


def _rounds(batch: Sequence[EventMessage]) -> Iterator[list[EventMessage]]:
    groups: dict[str, list[EventMessage]] = defaultdict(list)
    for notice in batch:
        groups[notice.group].append(notice)
    for turn in range(max(map(len, groups.values()), default=0)):
        yield [notices[turn] for notices in groups.values() if turn < len(notices)]
