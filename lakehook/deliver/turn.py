"""A delivery's turn: attempt it if that may be, and do what follows from the outcome."""

from contextlib import nullcontext
from dataclasses import dataclass, replace

from lakehook.deliver.crew import MARGIN_SECONDS, Crew, OutOfTime
from lakehook.deliver.hold import Hold
from lakehook.deliver.pace import Pace
from lakehook.deliver.pulse import Pulse
from lakehook.deliver.stop import Stop, in_queue_or_ledger
from lakehook.domain.disposition import Done
from lakehook.domain.errors import OwnTrouble
from lakehook.domain.lane import MOST_ANNOUNCEMENTS, DeliveryRecord, HeldLane, Status
from lakehook.domain.outcome import Attempt, Consequence
from lakehook.domain.retry import LONGEST_HINT_SECONDS
from lakehook.domain.subscription import Ordering, Subscription
from lakehook.ports.messages import Remaining


@dataclass(frozen=True)
class Turn:
    crew: Crew
    hold: Hold
    pulse: Pulse
    pace: Pace
    subscription: Subscription
    remaining: Remaining
    announcing: bool
    """Whether an earlier attempt may have brought its worker down: then each is announced."""

    def __call__(self, record: DeliveryRecord, following: DeliveryRecord | None) -> Stop:
        if record.status is Status.DEAD:
            return self._pass_by()
        self._stop_if_out_of_time()
        with self.crew.alone if self.announcing else nullcontext():
            self._stop_if_out_of_time()  # others may have been alone for long
            if early := self.pace.hold_back(record, self.subscription):
                return early
            return self._take(record, following)

    def expire(self, record: DeliveryRecord, following: DeliveryRecord | None) -> Stop:
        """Without an attempt: it has waited too long for its subscription."""
        if record.status is Status.DEAD:
            return self._pass_by()
        self._stop_if_out_of_time()
        return self._bury(record.dead("expired"), following)

    def _stop_if_out_of_time(self) -> None:
        if self.remaining() < self.subscription.deadline_seconds + MARGIN_SECONDS:
            raise OutOfTime

    def _pass_by(self) -> Stop:
        """A dead letter stays dead until it is redriven or discarded."""
        if self.subscription.ordering is Ordering.SKIP:
            return None
        self.hold.die()
        return Done()

    def _take(self, record: DeliveryRecord, following: DeliveryRecord | None) -> Stop:
        if self.announcing:
            if record.announced >= MOST_ANNOUNCEMENTS:
                return self._bury(record.crashed(), following)
            record = self._announce(record)
        assert record.delivery, f"{record.lane}#{record.sequence} waits without its event"
        try:
            attempt = self.crew.attempt(record.delivery, self.subscription)
        except OwnTrouble:
            self._take_back(record)
            raise
        stop = self._conclude(record.tried(attempt), following, attempt)
        if attempt.outcome.tells_of_endpoint:
            self.pulse.feel(attempt, record.lane, self.subscription)
        if attempt.unwanted:
            self._disable(attempt)
        return stop

    def _announce(self, record: DeliveryRecord) -> DeliveryRecord:
        return self.hold.write(record.announce(), self.hold.at(record).announced())

    def _take_back(self, record: DeliveryRecord) -> None:
        """No request was made: whatever failed us, this delivery brought nobody down."""
        if self.announcing:
            self.hold.write(
                replace(record, announced=record.announced - 1), self.hold.at(record).announced()
            )

    def _conclude(
        self, tried: DeliveryRecord, following: DeliveryRecord | None, attempt: Attempt
    ) -> Stop:
        match attempt.outcome.consequence:
            case Consequence.SETTLE:
                self.crew.telemetry.attempted(tried, next_at=None)
                self.hold.settle(tried, following)
                return None
            case Consequence.BURY:
                self.crew.telemetry.attempted(tried, next_at=None)
                return self._bury(tried.dead(attempt.outcome), following)
            case Consequence.DISABLE:
                return self._keep(tried)
            case Consequence.RETRY:
                return self._retry(tried, following, attempt)

    def _retry(
        self, tried: DeliveryRecord, following: DeliveryRecord | None, attempt: Attempt
    ) -> Stop:
        held, now = self.hold.at(tried), self.crew.clock.now()
        hinted_until = now + min(attempt.retry_after or 0.0, LONGEST_HINT_SECONDS)
        if held.would_be_early(attempt.at):
            return self._put_off(tried, held.failed_early(hinted_until=hinted_until))
        schedule = self.subscription.retry_schedule or self.crew.schedule
        wait = schedule.wait_after(
            held.attempts + 1, hint=attempt.retry_after, chance=self.crew.dice.chance()
        )
        if wait is None:
            self.crew.telemetry.attempted(tried, next_at=None)
            return self._bury(tried.dead(attempt.outcome), following)
        failed = held.head_failed(due_at=now + wait, hinted_until=hinted_until)
        return self._put_off(tried, failed)

    def _put_off(self, tried: DeliveryRecord, after: HeldLane) -> Stop:
        self.crew.telemetry.attempted(tried, next_at=after.due_at)
        self.hold.write(tried, after)
        return in_queue_or_ledger(after.due_at - self.crew.clock.now())

    def _keep(self, tried: DeliveryRecord) -> Stop:
        """The receiver wants nothing any more: what it refused waits with the rest."""
        self.crew.telemetry.attempted(tried, next_at=None)
        self.hold.write(tried, self.hold.at(tried).blocked(now=self.crew.clock.now()))
        return Done()

    def _disable(self, attempt: Attempt) -> None:
        reason = f"the receiver asked for it ({attempt.farewell})"
        self.crew.subscriptions.disable(self.subscription.id, reason)
        self.crew.telemetry.disabled(self.subscription.id, reason)

    def _bury(self, record: DeliveryRecord, following: DeliveryRecord | None) -> Stop:
        """Queue first, ledger second: a crash between the two costs a second letter, not a loss."""
        self.crew.dead_letters.bury(record, endpoint=self.subscription.endpoint.shown)
        self.crew.telemetry.buried(record)
        if self.subscription.ordering is Ordering.SKIP:
            self.hold.settle(record, following)
            return None
        self.hold.write(record, self.hold.at(record).died(now=self.crew.clock.now()))
        return Done()
