"""Handler of one delivery: attempts it if it may go, and applies the outcome to its lane."""

from contextlib import nullcontext
from dataclasses import dataclass, replace

from lakehook.delivery.circuit_breaker import EndpointGuard
from lakehook.delivery.dependencies import (
    POST_ATTEMPT_MARGIN_SECONDS,
    DeliveryDependencies,
    InsufficientTime,
    Stop,
    nack_if_short,
)
from lakehook.delivery.lane_state import LaneState
from lakehook.delivery.rate_limiter import RateLimiter
from lakehook.domain.attempt import Attempt, Consequence
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.lane import (
    MAX_UNFINISHED_ATTEMPTS,
    DeliveryRecord,
    DeliveryStatus,
    HeldLane,
    SuspendedReason,
)
from lakehook.domain.queue_message import Ack
from lakehook.domain.retry import MAX_RETRY_AFTER_SECONDS
from lakehook.domain.subscription import Ordering, Subscription
from lakehook.ports.queues import Remaining


@dataclass(frozen=True)
class AttemptHandler:
    dependencies: DeliveryDependencies
    lane: LaneState
    endpoint: EndpointGuard
    rate_limiter: RateLimiter
    subscription: Subscription
    remaining: Remaining
    guarded: bool
    """Whether an earlier attempt may have crashed its worker; the start of each is then saved."""

    def __call__(self, record: DeliveryRecord, following: DeliveryRecord | None) -> Stop:
        if record.status is DeliveryStatus.DEAD:
            return self._skip_dead()
        self._stop_if_out_of_time()
        with self.dependencies.exclusive_attempts if self.guarded else nullcontext():
            self._stop_if_out_of_time()  # waiting for another guarded attempt may have taken long
            if early := self.rate_limiter.acquire(record, self.subscription):
                return early
            with self.endpoint.attempt():
                return self._attempt(record, following)

    def expire(self, record: DeliveryRecord, following: DeliveryRecord | None) -> Stop:
        """Dead-letter a delivery without an attempt: it has waited too long."""
        if record.status is DeliveryStatus.DEAD:
            return self._skip_dead()
        self._stop_if_out_of_time()
        return self._dead_letter(record.dead("expired"), following)

    def _stop_if_out_of_time(self) -> None:
        if self.remaining() < self.subscription.deadline_seconds + POST_ATTEMPT_MARGIN_SECONDS:
            raise InsufficientTime

    def _skip_dead(self) -> Stop:
        """Stop at a dead letter, which stays dead until it is redriven or discarded."""
        if self.subscription.ordering is Ordering.SKIP:
            return None
        self.lane.mark_dead()
        return Ack()

    def _attempt(self, record: DeliveryRecord, following: DeliveryRecord | None) -> Stop:
        if self.guarded:
            if record.attempts_started >= MAX_UNFINISHED_ATTEMPTS:
                return self._dead_letter(record.crashed(), following)
            record = self._mark_attempt_started(record)
        assert record.delivery, f"{record.id} waits without its event"
        try:
            seconds = self.remaining() - POST_ATTEMPT_MARGIN_SECONDS
            ends_before = self.dependencies.clock.now() + seconds
            attempt = self.dependencies.attempt(record.delivery, self.subscription, ends_before)
        except (InfrastructureError, InsufficientTime):
            self._undo_attempt_start(record)
            raise
        stop = self._apply_outcome(record.with_attempt(attempt), following, attempt)
        self.endpoint.record(attempt, record.lane, self.subscription)
        self._resume_unless_open()
        if attempt.disable_requested:
            self._disable(attempt)
        return stop

    def _mark_attempt_started(self, record: DeliveryRecord) -> DeliveryRecord:
        return self.lane.write(
            record.mark_attempt_started(), self.lane.held_at(record).with_attempt_started()
        )

    def _undo_attempt_start(self, record: DeliveryRecord) -> None:
        """Undo every recorded start: this worker lives, and an earlier undo may have been lost."""
        if self.guarded:
            self.lane.write(
                replace(record, attempts_started=0),
                self.lane.held_at(record).with_attempt_started(),
            )

    def _apply_outcome(
        self, tried: DeliveryRecord, following: DeliveryRecord | None, attempt: Attempt
    ) -> Stop:
        match attempt.outcome.consequence:
            case Consequence.COMPLETE:
                self.dependencies.telemetry.attempted(tried, next_at=None)
                self.lane.complete(tried, following)
                return None
            case Consequence.DEAD_LETTER:
                self.dependencies.telemetry.attempted(tried, next_at=None)
                return self._dead_letter(tried.dead(attempt.outcome), following)
            case Consequence.DISABLE:
                return self._block_lane(tried)
            case Consequence.RETRY:
                return self._retry(tried, following, attempt)

    def _retry(
        self, tried: DeliveryRecord, following: DeliveryRecord | None, attempt: Attempt
    ) -> Stop:
        held, now = self.lane.held_at(tried), self.dependencies.clock.now()
        hinted_until = now + min(attempt.retry_after or 0.0, MAX_RETRY_AFTER_SECONDS)
        if held.is_before_retry(attempt.at):
            probed = held.probe_failed(retry_after_until=hinted_until)
            return self._schedule_retry(tried, probed, attempt)
        schedule = self.subscription.retry_schedule or self.dependencies.schedule
        wait = schedule.wait_after(
            held.attempts + 1,
            retry_after=attempt.retry_after,
            random=self.dependencies.random.fraction(),
        )
        if wait is None:
            self.dependencies.telemetry.attempted(tried, next_at=None)
            return self._dead_letter(tried.dead(attempt.outcome), following)
        failed = held.head_failed(due_at=now + wait, retry_after_until=hinted_until)
        return self._schedule_retry(tried, failed, attempt)

    def _schedule_retry(self, tried: DeliveryRecord, after: HeldLane, attempt: Attempt) -> Stop:
        """Write the lane. After a probe it waits for the next one, if that is after its retry."""
        due_at = after.due_at
        assert due_at is not None, f"{after.lane} fails without a retry"
        self.dependencies.telemetry.attempted(tried, next_at=due_at)
        next_probe_at = self.endpoint.next_probe_at(attempt, tried.lane, self.subscription)
        if next_probe_at is not None and due_at < next_probe_at:
            self.lane.write(tried, after.suspended_for(SuspendedReason.CIRCUIT_OPEN))
            return Ack()
        self.lane.write(tried, after)
        return nack_if_short(due_at - self.dependencies.clock.now())

    def _resume_unless_open(self) -> None:
        """Resume the lane if the breaker has closed during its probe: nothing else would."""
        held = self.lane.record
        is_suspended = held is not None and held.suspended_reason is SuspendedReason.CIRCUIT_OPEN
        if is_suspended and not self.endpoint.is_open:
            self.lane.resume()

    def _block_lane(self, tried: DeliveryRecord) -> Stop:
        """Defer the lane: the endpoint asked to be disabled, and the delivery waits."""
        self.dependencies.telemetry.attempted(tried, next_at=None)
        self.lane.write(tried, self.lane.held_at(tried).blocked())
        return Ack()

    def _disable(self, attempt: Attempt) -> None:
        reason = f"the receiver asked for it ({attempt.disable_reason})"
        self.dependencies.subscriptions.disable(self.subscription.id, reason)
        self.dependencies.telemetry.disabled(self.subscription.id, reason)

    def _dead_letter(self, record: DeliveryRecord, following: DeliveryRecord | None) -> Stop:
        """Write the queue before the ledger: a crash in between costs a copy, not a loss."""
        self.dependencies.dead_letters.send(record, endpoint=self.subscription.endpoint.display_url)
        self.dependencies.telemetry.dead_lettered(record)
        if self.subscription.ordering is Ordering.SKIP:
            self.lane.complete(record, following)
            return None
        self.lane.write(record, self.lane.held_at(record).with_dead_head())
        return Ack()
