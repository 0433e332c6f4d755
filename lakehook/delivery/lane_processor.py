"""Processor of one lane's messages, in order.

A delivery is attempted at once while its lane flows. When an attempt fails, the lane is held at
that delivery: later deliveries wait in the ledger, and a resume drains them from the head. See
``domain/lane.py`` for the states.

==================  ===================================================================
lane_processor.py   the messages of one lane: what to do with each
attempt_handler.py  one delivery: its attempt, and what follows from the outcome
circuit_breaker.py  the health of the subscription's endpoint, recorded at each attempt
rate_limiter.py     the subscription's rate: no attempt before its reserved send time
scheduler.py        resumes of due lanes and of suspended ones
lane_state.py       the lane's record as this worker last wrote it
dependencies.py     the stores, queues and clocks behind it
==================  ===================================================================
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from lakehook.delivery.attempt_handler import AttemptHandler
from lakehook.delivery.circuit_breaker import EndpointGuard
from lakehook.delivery.dependencies import (
    MIN_WAIT_IN_QUEUE_SECONDS,
    POST_ATTEMPT_MARGIN_SECONDS,
    DeliveryDependencies,
    InsufficientTime,
    Stop,
    nack_if_short,
)
from lakehook.delivery.lane_state import LaneState
from lakehook.delivery.rate_limiter import RateLimiter
from lakehook.domain.channels import channel_for
from lakehook.domain.circuit_breaker import EndpointHealth
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.errors import LaneConflict
from lakehook.domain.lane import (
    EXPIRES_AFTER_SECONDS,
    DeliveryRecord,
    DeliveryStatus,
    HeldLane,
    SuspendedReason,
)
from lakehook.domain.queue_message import (
    Ack,
    Disposition,
    Message,
    Nack,
    Ping,
    ReceivedMessage,
    Resume,
)
from lakehook.domain.subscription import Ordering, Subscription
from lakehook.ports.queues import Remaining
from lakehook.ports.stores import LedgerSnapshot


class LaneProcessor:
    def __init__(
        self,
        dependencies: DeliveryDependencies,
        lane: Lane,
        page: LedgerSnapshot,
        remaining: Remaining,
    ) -> None:
        self._dependencies = dependencies
        self._lane = LaneState(dependencies.ledger, dependencies.clock, lane=lane, page=page)
        self._remaining = remaining
        health = page.endpoint_health.get(lane.subscription_id)
        self._endpoint = EndpointGuard(
            dependencies,
            health or EndpointHealth(subscription_id=lane.subscription_id),
            remaining,
        )
        self._rate_limiter = RateLimiter(dependencies, self._lane)
        self._guarded = False
        self._probing = False

    def process(self, received: ReceivedMessage) -> Disposition:
        try:
            return self._process(received)
        finally:
            self._rate_limiter.release()

    def _process(self, received: ReceivedMessage) -> Disposition:
        disposition = self._dispatch(received)
        while isinstance(disposition, Nack) and (
            disposition.delay_seconds < MIN_WAIT_IN_QUEUE_SECONDS
        ):
            self._dependencies.clock.sleep(disposition.delay_seconds)
            disposition = self._resume()
        return Ack() if self._died_again_after_redrive(received) else disposition

    def _died_again_after_redrive(self, received: ReceivedMessage) -> bool:
        """Whether a redriven delivery is dead again: its message would redrive it once more."""
        message = received.message
        if not received.redriven or not isinstance(message, Delivery):
            return False
        record = self._lane.record_of(message.sequence)
        return record is not None and record.status is DeliveryStatus.DEAD

    def _dispatch(self, received: ReceivedMessage) -> Disposition:
        message = received.message
        if isinstance(message, Ping):
            return self._ping(message)
        if isinstance(message, Resume):
            self._guarded, self._probing = True, message.probe
            return self._resume(token=message.token)
        self._guarded |= received.redelivered
        record = self._lane.record_of(message.sequence)
        if record and received.revives(record):
            return self._redrive(record)
        if self._lane.record is None:
            return self._attempt_now(message, record)
        return self._resume() if record else self._append(self._lane.record, message)

    def _ping(self, ping: Ping) -> Disposition:
        """Send a ping, also for a paused subscription.

        A stale ping is dropped: the caller no longer waits.
        """
        if ping.is_stale(self._dependencies.clock.now()):
            return Ack()
        if subscription := self._subscription(fresh=True):
            if self._remaining() < subscription.deadline_seconds + POST_ATTEMPT_MARGIN_SECONDS:
                raise InsufficientTime
            self._dependencies.ping(ping, subscription)
        return Ack()

    def _attempt_now(self, delivery: Delivery, known: DeliveryRecord | None) -> Disposition:
        record = known or DeliveryRecord.waiting(delivery)
        if record.status is not DeliveryStatus.WAITING:
            return Ack()
        if self._guarded or not self._can_attempt_immediately():
            return self._hold(record)
        return self._handle(record, following=None) or Ack()

    def _hold(self, record: DeliveryRecord) -> Disposition:
        """Hold a flowing lane at its first delivery: by one write if it cannot be attempted."""
        held = self._lane.held_at(record)
        if self._is_blocked() and self._is_blocked(fresh=True):
            self._lane.write(record, held.blocked())
            return Ack()
        if self._endpoint.is_full():
            self._lane.write(record, held.suspended_for(SuspendedReason.CONCURRENCY_LIMIT))
            return self._ack_if_full()
        self._lane.write(record, held)
        return self._resume()

    def _append(self, held: HeldLane, delivery: Delivery) -> Disposition:
        now = self._dependencies.clock.now()
        appended = held.with_appended(delivery.sequence, now=now)
        self._lane.write(DeliveryRecord.waiting(delivery), appended)
        return Ack()

    def _redrive(self, dead: DeliveryRecord) -> Disposition:
        """Requeue a dead letter: it goes next, at once and with a fresh budget."""
        subscription = self._subscription()
        late = subscription is not None and subscription.ordering is Ordering.SKIP
        held = self._lane.record or self._lane.held_at(dead)
        revived = held.redriven(dead.sequence, now=self._dependencies.clock.now())
        self._lane.write(dead.redriven(late=late), revived)
        return self._resume()

    def _resume(self, *, token: int | None = None) -> Disposition:
        """Drain a due lane from its head, until no delivery is left or one has failed."""
        held, now = self._lane.record, self._dependencies.clock.now()
        if held is None:
            return Ack()
        if token != held.due_token and not held.is_due(now):
            return Ack() if held.due_at is None else nack_if_short(held.due_at - now)
        # The subscription may have changed, and the lane may not be due again soon.
        subscription = self._subscription(fresh=True)
        if subscription and subscription.is_blocked:
            return self._expire_or_block(subscription)
        if subscription and (stop := self._defer_if_unavailable(subscription)):
            return stop
        with self._endpoint.permit() as admitted:
            return self._drain() if admitted else self._suspend_without_permit()

    def _drain(self) -> Disposition:
        for record, following in self._lane.waiting():
            if stop := self._handle(record, following):
                return stop
        self._lane.release()
        return Ack()

    def _expire_or_block(self, subscription: Subscription) -> Disposition:
        """Dead-letter deliveries that waited too long for a paused or disabled subscription."""
        oldest = self._dependencies.clock.now() - EXPIRES_AFTER_SECONDS
        if self._lane.has_held_since(oldest):
            for record, following in self._lane.waiting():
                if record.status is DeliveryStatus.WAITING and record.changed_at > oldest:
                    self._lane.block(held_since=record.changed_at)
                    return Ack()
                if stop := self._attempt_handler(subscription).expire(record, following):
                    return stop
            self._lane.release()
            return Ack()
        self._lane.block()
        return Ack()

    def _defer_if_unavailable(self, subscription: Subscription) -> Stop:
        """Ack without an attempt if the subscription is blocked, or its endpoint is down."""
        if subscription.is_blocked:
            self._lane.block()
            return Ack()
        if self._endpoint.is_open and not self._probing:
            self._probing = self._endpoint.try_acquire_probe()
            return None if self._probing else self._suspend_while_open()
        return None

    def _suspend_while_open(self) -> Stop:
        """Suspend the lane, unless the breaker has closed since, when nothing would resume it."""
        self._lane.suspend(SuspendedReason.CIRCUIT_OPEN)
        if self._endpoint.refresh_is_open():
            return Ack()
        self._lane.resume()
        return None

    def _suspend_without_permit(self) -> Disposition:
        """Suspend the lane, unless a permit was released since, which resumed no lane."""
        self._lane.suspend(SuspendedReason.CONCURRENCY_LIMIT)
        return self._ack_if_full()

    def _ack_if_full(self) -> Disposition:
        if self._endpoint.refresh_is_full():
            return Ack()
        self._lane.resume()
        return Nack(MIN_WAIT_IN_QUEUE_SECONDS)

    def _handle(self, record: DeliveryRecord, following: DeliveryRecord | None) -> Stop:
        subscription = self._subscription()
        if subscription is None or _is_unsupported(record, subscription):
            reason = "unsupported_by_channel" if subscription else "subscription_removed"
            discarded = record.discarded(reason)
            self._dependencies.telemetry.discarded(discarded)
            self._lane.complete(discarded, following)
            return None
        # A flowing lane has no record to wait in, so a delivery that has begun is attempted.
        if self._lane.record and (stop := self._defer_if_unavailable(subscription)):
            return stop
        handle = self._attempt_handler(subscription)
        if record.status is DeliveryStatus.WAITING:
            self._probing = False  # one attempt, whatever its outcome
        return handle(record, following)

    def _attempt_handler(self, subscription: Subscription) -> AttemptHandler:
        return AttemptHandler(
            self._dependencies,
            self._lane,
            self._endpoint,
            self._rate_limiter,
            subscription,
            self._remaining,
            self._guarded,
        )

    def _can_attempt_immediately(self) -> bool:
        subscription = self._subscription()
        if subscription is None:
            return True  # to be discarded
        return not (subscription.is_blocked or self._endpoint.is_open or self._endpoint.is_limited)

    def _is_blocked(self, *, fresh: bool = False) -> bool:
        subscription = self._subscription(fresh=fresh)
        return subscription is not None and subscription.is_blocked

    def _subscription(self, *, fresh: bool = False) -> Subscription | None:
        """The lane's subscription; None if it was removed."""
        lane = self._lane.lane
        subscription = self._dependencies.subscriptions.find(lane.subscription_id, fresh=fresh)
        return subscription if subscription and subscription.removed_at is None else None


@dataclass(frozen=True)
class DeliverLane:
    dependencies: DeliveryDependencies

    def read(self, messages: Sequence[Message]) -> LedgerSnapshot:
        """Load the lanes and the known deliveries of a batch, by one consistent read."""
        deliveries = [message for message in messages if isinstance(message, Delivery)]
        return self.dependencies.ledger.load(deliveries, {message.lane for message in messages})

    def mark_unanswered(self) -> float:
        return self.dependencies.attempts.mark_unanswered()

    def __call__(
        self, received: Sequence[ReceivedMessage], page: LedgerSnapshot, remaining: Remaining
    ) -> list[Disposition]:
        """Process the messages of one lane; the disposition of each, in the same order."""
        processor = LaneProcessor(self.dependencies, received[0].message.lane, page, remaining)
        dispositions: list[Disposition] = []
        with suppress(InsufficientTime, LaneConflict):
            for message in received:
                dispositions.append(processor.process(message))  # noqa: PERF401  keep those before a stop
        return dispositions + [Nack()] * (len(received) - len(dispositions))


def _is_unsupported(record: DeliveryRecord, subscription: Subscription) -> bool:
    """Whether the channel cannot express the event; fan-out never enqueues such a delivery."""
    if record.status is not DeliveryStatus.WAITING or record.delivery is None:
        return False
    return channel_for(subscription).unsupported_reason(record.delivery.event) is not None
