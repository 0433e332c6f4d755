"""Fan-out: events of the queue become deliveries to the subscriptions that want them.

A message that is received again may have crashed its worker: out of time, out of memory. A receive
count does not tell, since our own outages and other messages of the batch raise it, too. So each
such message is tried alone, after an announcement that is kept until its outcome is known. After
three announcements in a row without an outcome, the message is quarantined.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lakehook.domain.channels import channel_for
from lakehook.domain.delivery import Delivery, Lane, SequencedEvent
from lakehook.domain.errors import InfrastructureError, InvalidEvent
from lakehook.domain.event import Event
from lakehook.domain.event_pattern import PatternExhausted
from lakehook.domain.lane import MAX_UNFINISHED_ATTEMPTS
from lakehook.domain.pipeline import EventSkip, PipelineTransition
from lakehook.domain.subscription import Subscription
from lakehook.ports.ingress import AcceptedRecorder
from lakehook.ports.queues import (
    DeliveryQueue,
    EventMessage,
    InvalidEventQueue,
    MessageAcks,
    Remaining,
    UnfinishedAttempts,
)
from lakehook.ports.stores import FanOutReader, Journal, LoadedEvent
from lakehook.ports.telemetry import Telemetry

TURN_SECONDS = 5
"""For the messages of a batch that came back: then the others are visible again, crash or not.

What is left of an invocation is more than a call to AWS can hang, so that no outage convicts.
"""

CRASHED = (
    f"crashed: fan-out ended {MAX_UNFINISHED_ATTEMPTS} times while it worked on this event alone"
)


@dataclass(frozen=True, kw_only=True)
class FanOutPorts:
    reader: FanOutReader
    journal: Journal
    queue: DeliveryQueue
    invalid_events: InvalidEventQueue
    unfinished: UnfinishedAttempts
    acks: MessageAcks
    telemetry: Telemetry
    heard: AcceptedRecorder | None = None


@dataclass(frozen=True)
class FanOut:
    ports: FanOutPorts

    def __call__(self, batch: Sequence[EventMessage]) -> list[EventMessage]:
        """Fan a batch out, and return the messages that must be received again.

        A pipeline's event is numbered only after all deliveries of the one before were enqueued. So
        the batch is processed in rounds: the first message of each pipeline, then the second.
        Messages behind a failure in their group are received again with it.
        """
        failed: list[EventMessage] = []
        stopped: set[str] = set()
        for messages in _rounds(batch):
            going = [message for message in messages if message.group not in stopped]
            again = self._fan_out(going)
            failed += [n for n in messages if n.group in stopped or n in again]
            stopped |= {message.group for message in again}
        return failed

    def quarantine(self, message: EventMessage, reason: str) -> None:
        self.ports.invalid_events.quarantine(message, reason)
        self.ports.telemetry.quarantined(message.id, message.group, reason)

    def _fan_out(self, messages: Sequence[EventMessage]) -> list[EventMessage]:
        events, again = self._parse(messages)
        deliveries, failed = self._accept_all(events) if events else ({}, [])
        return again + failed + self._send(deliveries)

    def _parse(
        self, messages: Sequence[EventMessage]
    ) -> tuple[dict[EventMessage, Event], list[EventMessage]]:
        """Return the valid events, and the messages of others that could not be quarantined."""
        events: dict[EventMessage, Event] = {}
        again: list[EventMessage] = []
        for message in messages:
            try:
                events[message] = Event.from_message(message.body, group=message.group)
            except InvalidEvent as error:
                again += self._quarantine_or_retry(message, str(error))
        return events, again

    def _quarantine_or_retry(self, message: EventMessage, reason: str) -> list[EventMessage]:
        try:
            self.quarantine(message, reason)
        except InfrastructureError as error:
            self.ports.telemetry.internal_error(error, doing="fan out")
            return [message]
        return []

    def _accept_all(
        self, events: Mapping[EventMessage, Event]
    ) -> tuple[dict[EventMessage, list[list[Delivery]]], list[EventMessage]]:
        """Accept events of different pipelines together; return their deliveries, and who failed.

        An event that causes an unexpected error is found by trying each alone, so that it stops its
        own group only.
        """
        try:
            return self._accept(events)
        except Exception as error:  # noqa: BLE001  whatever one of them causes
            if isinstance(error, InfrastructureError) or len(events) == 1:
                self.ports.telemetry.internal_error(error, doing="fan out")
                return {}, list(events)
        deliveries: dict[EventMessage, list[list[Delivery]]] = {}
        failed: list[EventMessage] = []
        for message, event in events.items():
            accepted, failures = self._accept_all({message: event})
            deliveries |= accepted
            failed += failures
        return deliveries, failed

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
            return self.ports.queue.enqueue_deliveries(deliveries)
        except InfrastructureError as error:
            self.ports.telemetry.internal_error(error, doing="send deliveries")
            return {delivery.id for delivery in deliveries}

    def _accept(
        self, events: Mapping[EventMessage, Event]
    ) -> tuple[dict[EventMessage, list[list[Delivery]]], list[EventMessage]]:
        """Return the deliveries of each event that results from a message."""
        for event in events.values():
            self._record(event)
        read, subscriptions = self.ports.reader.load(list(events.values()))
        loaded = dict(zip(events, read, strict=True))
        steps = {
            message: stored.pipeline.apply(events[message])
            for message, stored in loaded.items()
            if not stored.recorded
        }
        failures = self.ports.journal.append(list(steps.values()))
        for error in failures.values():
            self.ports.telemetry.internal_error(error, doing="fan out")
        deliveries = {
            message: [
                self._deliveries(sequenced, subscriptions, repeated=message not in steps)
                for sequenced in self._to_send(stored, steps.get(message))
            ]
            for message, stored in loaded.items()
            if stored.pipeline.key not in failures
        }
        return deliveries, [message for message in events if message not in deliveries]

    def _to_send(
        self, loaded: LoadedEvent, step: PipelineTransition | EventSkip | None
    ) -> Sequence[SequencedEvent]:
        """Return what is to be sent of a step that was recorded, or of an event's repeat."""
        if isinstance(step, PipelineTransition):
            return step.sequenced
        if step:
            self.ports.telemetry.event_skipped(step.event, step.reason)
            return ()
        newest = loaded.recorded[-1]
        if loaded.pipeline.may_be_partially_sent(newest):
            return loaded.recorded
        self.ports.telemetry.fanned_out(newest, deliveries=0, repeated=True)
        return ()

    def _record(self, event: Event) -> None:
        """Record the last notification of DevLake; a failure must not stop the fan-out."""
        try:
            if self.ports.heard:
                self.ports.heard.accepted(event)
        except InfrastructureError as error:
            self.ports.telemetry.internal_error(error, doing="record when DevLake was heard")

    def _deliveries(
        self, sequenced: SequencedEvent, subscriptions: Sequence[Subscription], *, repeated: bool
    ) -> list[Delivery]:
        event = sequenced.event
        deliveries = [
            Delivery(Lane(subscription.id, event.pipeline_key), sequenced)
            for subscription in subscriptions
            if subscription.removed_at is None
            and self._is_wanted(subscription, event)
            and channel_for(subscription).unsupported_reason(event) is None
        ]
        self.ports.telemetry.fanned_out(sequenced, deliveries=len(deliveries), repeated=repeated)
        return deliveries

    def _is_wanted(self, subscription: Subscription, event: Event) -> bool:
        """Whether the subscription accepts the event; if matching takes too long, it does."""
        try:
            return subscription.accepts(event)
        except PatternExhausted:
            self.ports.telemetry.pattern_exhausted(subscription.id, event)
            return True


def _rounds(batch: Sequence[EventMessage]) -> Iterator[list[EventMessage]]:
    groups: dict[str, list[EventMessage]] = defaultdict(list)
    for message in batch:
        groups[message.group].append(message)
    for index in range(max(map(len, groups.values()), default=0)):
        yield [messages[index] for messages in groups.values() if index < len(messages)]


@dataclass(frozen=True)
class FanOutBatch:
    fan_out: FanOut
    unfinished: UnfinishedAttempts
    acks: MessageAcks

    def __call__(
        self, batch: Sequence[EventMessage], remaining: Remaining
    ) -> Sequence[EventMessage]:
        """Fan a batch out, and return the messages that must be received again."""
        if all(message.receives == 1 for message in batch):
            return self.fan_out(batch)
        return self._isolate(batch, remaining)

    def _isolate(self, batch: Sequence[EventMessage], remaining: Remaining) -> list[EventMessage]:
        """Process one message at a time, the least suspect first, and delete each when it is done.

        A crash delays the message that was being tried, and no other for more than a turn.
        """
        unfinished = self.unfinished.count(batch)
        turn_ends = remaining() - TURN_SECONDS
        for message in batch:
            self.acks.nack(message, seconds=TURN_SECONDS)
        again: list[EventMessage] = []
        for position, message in enumerate(_least_suspect_first(batch, unfinished)):
            is_stopped = message.group in {failed.group for failed in again}
            if is_stopped or (position and remaining() < turn_ends):
                again.append(message)
                continue
            self.acks.nack(message, seconds=remaining())  # keeps other workers away from it
            if self._is_done(message, unfinished.get(message, 0)):
                self.acks.ack([message])
            else:
                again.append(message)
        return again

    def _is_done(self, message: EventMessage, unfinished: int) -> bool:
        """Whether the message is fanned out or quarantined."""
        try:
            if unfinished >= MAX_UNFINISHED_ATTEMPTS:
                self.fan_out.quarantine(message, CRASHED)
                return True
            if message.receives == 1:
                return self._is_fanned_out(message)
            self.unfinished.save(message, unfinished + 1)
        except InfrastructureError as error:
            self._log(error)
            return False
        done = self._is_fanned_out(message)
        self._save_outcome(message)
        return done

    def _save_outcome(self, message: EventMessage) -> None:
        """Take back every announcement: this worker lives.

        If that fails, the message is done or comes again all the same.
        """
        try:
            self.unfinished.save(message, 0)
        except InfrastructureError as error:
            self._log(error)

    def _is_fanned_out(self, message: EventMessage) -> bool:
        try:
            return not self.fan_out([message])
        except Exception as error:  # noqa: BLE001  an error is an outcome: this worker lives
            self._log(error)
            return False

    def _log(self, error: Exception) -> None:
        self.fan_out.ports.telemetry.internal_error(error, doing="fan out")


def _least_suspect_first(
    batch: Sequence[EventMessage], unfinished: Mapping[EventMessage, int]
) -> list[EventMessage]:
    """Sort groups by their suspicion; a group keeps its order."""
    suspicion: dict[str, tuple[int, bool]] = {}
    for message in batch:
        so_far = suspicion.get(message.group, (0, False))
        suspicion[message.group] = max(so_far, (unfinished.get(message, 0), message.receives > 1))
    return sorted(batch, key=lambda message: suspicion[message.group])


def build_fan_out(ports: FanOutPorts) -> FanOutBatch:
    return FanOutBatch(FanOut(ports), ports.unfinished, ports.acks)
