"""Rate limiter of a subscription: no attempt goes out before its reserved send time.

Send times are reserved a little ahead, one interval after the other. A lane with a reservation
waits for it. A lane that finds all of them taken is suspended in the ledger and spends no attempt.
After a send, the lane resumes the longest-suspended lanes, so waiting lanes need no polling.
"""

from lakehook.delivery.dependencies import (
    MAX_WAIT_IN_QUEUE_SECONDS,
    MIN_WAIT_IN_QUEUE_SECONDS,
    DeliveryDependencies,
    Stop,
    nack_if_short,
)
from lakehook.delivery.lane_state import LaneState
from lakehook.delivery.scheduler import resume_suspended_lanes
from lakehook.domain.channels import effective_rate
from lakehook.domain.lane import DeliveryRecord, HeldLane, SuspendedReason
from lakehook.domain.queue_message import Ack
from lakehook.domain.rate_limit import Rate
from lakehook.domain.subscription import Subscription

RESERVED_AHEAD_SECONDS = 30.0
SLACK_SECONDS = 5.0  # so one send time can always be reserved, however long the interval
MAX_LANES_RESUMED = 10


class RateLimiter:
    def __init__(self, dependencies: DeliveryDependencies, lane: LaneState) -> None:
        self._dependencies, self._lane = dependencies, lane
        self._acquired: tuple[Subscription, Rate] | None = None
        self._free_at = 0.0  # the next send time that is not reserved

    def acquire(self, record: DeliveryRecord, subscription: Subscription) -> Stop:
        """Return None if the attempt may start now; else the disposition of the message."""
        rate = effective_rate(subscription)
        if rate is None:
            return None
        held, now = self._lane.held_at(record), self._dependencies.clock.now()
        if held.is_before_reservation(now):
            return nack_if_short(held.reserved_at - now)
        if not held.has_valid_reservation(now) and (
            stop := self._reserve(record, subscription, rate)
        ):
            return stop
        self._acquired = subscription, rate
        return None

    def release(self) -> None:
        """Resume suspended lanes for the free send times, unless this lane has one reserved."""
        if self._acquired is None:
            return
        held, now = self._lane.record, self._dependencies.clock.now()
        if held and held.is_before_reservation(now):
            return
        subscription, rate = self._acquired
        room = (now + _ahead(rate) - self._free_at) / rate.min_interval_seconds
        number = max(1, min(int(room), MAX_LANES_RESUMED))
        for subscription_id in self._subscriptions_sharing_limit(subscription):
            resume_suspended_lanes(self._dependencies, subscription_id, number)

    def _reserve(self, record: DeliveryRecord, subscription: Subscription, rate: Rate) -> Stop:
        now = self._dependencies.clock.now()
        reservation = self._dependencies.rate_limits.reserve(
            subscription.effective_rate_limit_key,
            interval=rate.min_interval_seconds,
            not_later_than=now + _ahead(rate),
        )
        self._free_at = reservation.next_free_at
        if reservation.at is None:
            held = self._lane.held_at(record).suspended_for(SuspendedReason.RATE_LIMIT)
            self._save(record, held)
            return Ack()
        wait = reservation.at - now
        if wait < MIN_WAIT_IN_QUEUE_SECONDS:
            self._dependencies.clock.sleep(wait)
            return None
        self._save(record, _with_reservation(self._lane.held_at(record), reservation.at, wait))
        return nack_if_short(wait)

    def _save(self, record: DeliveryRecord, held: HeldLane) -> None:
        """Hold the lane; a delivery of a flowing lane has no record yet."""
        if self._lane.record is None:
            self._lane.write(record, held)
        else:
            self._lane.await_reservation(held)

    def _subscriptions_sharing_limit(self, subscription: Subscription) -> list[str]:
        """Return the subscriptions with the same limit: some services count per URL."""
        if not subscription.rate_limit_key:
            return [subscription.id]
        key = subscription.rate_limit_key
        return [s.id for s in self._dependencies.subscriptions.all() if s.rate_limit_key == key]


def _ahead(rate: Rate) -> float:
    return max(RESERVED_AHEAD_SECONDS, rate.min_interval_seconds + SLACK_SECONDS)


def _with_reservation(held: HeldLane, reserved_at: float, wait: float) -> HeldLane:
    """Make the lane due early: the scheduler runs once a minute."""
    early = MAX_WAIT_IN_QUEUE_SECONDS if wait > MAX_WAIT_IN_QUEUE_SECONDS else 0.0
    return held.with_reservation(reserved_at, due_at=reserved_at - early)
