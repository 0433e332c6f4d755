"""A visit: one worker's stay in one lane, and what it does there with each message."""

from lakehook.deliver.crew import MARGIN_SECONDS, Crew, OutOfTime
from lakehook.deliver.hold import Hold
from lakehook.deliver.pace import Pace
from lakehook.deliver.pulse import Pulse
from lakehook.deliver.stop import Stop, in_queue_or_ledger
from lakehook.deliver.turn import Turn
from lakehook.domain.channels import channel_of
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.disposition import Again, Disposition, Done
from lakehook.domain.health import SLOT_SECONDS, Health
from lakehook.domain.lane import (
    EXPIRES_AFTER_SECONDS,
    LOOK_AGAIN_SECONDS,
    DeliveryRecord,
    HeldLane,
    Status,
    SuspendedReason,
)
from lakehook.domain.message import Received, Resume
from lakehook.domain.ping import Ping
from lakehook.domain.subscription import Ordering, Subscription
from lakehook.ports.ledger import Page
from lakehook.ports.messages import Remaining

SHORTEST_WAIT_IN_QUEUE_SECONDS = 1.0  # SQS counts whole seconds; less is waited out here


class Visit:
    def __init__(self, crew: Crew, lane: Lane, page: Page, remaining: Remaining) -> None:
        self._crew = crew
        self._hold = Hold(crew.ledger, crew.clock, lane=lane, page=page)
        self._remaining = remaining
        health = page.healths.get(lane.subscription_id)
        self._pulse = Pulse(crew, health or Health(subscription_id=lane.subscription_id))
        self._pace = Pace(crew, self._hold)
        self._announcing = False
        self._probing = False

    def receive(self, received: Received) -> Disposition:
        try:
            return self._receive(received)
        finally:
            self._pace.leave()

    def _receive(self, received: Received) -> Disposition:
        disposition = self._look_at(received)
        while isinstance(disposition, Again) and (
            disposition.after_seconds < SHORTEST_WAIT_IN_QUEUE_SECONDS
        ):
            self._crew.clock.sleep(disposition.after_seconds)
            disposition = self._resume()
        return Done() if self._has_died_again(received) else disposition

    def _has_died_again(self, received: Received) -> bool:
        """What came to revive a letter would do so once more: its lane goes on by the clock."""
        message = received.message
        if not received.redriven or not isinstance(message, Delivery):
            return False
        known = self._hold.known(message.sequence)
        return known is not None and known.status is Status.DEAD

    def _look_at(self, received: Received) -> Disposition:
        message = received.message
        if isinstance(message, Ping):
            return self._put(message)
        if isinstance(message, Resume):
            self._announcing, self._probing = True, message.probe
            return self._resume(token=message.token)
        self._announcing |= received.again
        known = self._hold.known(message.sequence)
        if known and received.revives(known):
            return self._revive(known)
        if self._hold.record is None:
            return self._flow(message, known)
        return self._resume() if known else self._join(self._hold.record, message)

    def _put(self, ping: Ping) -> Disposition:
        """A question that an operator asks; whether deliveries go out is another one.

        One that could not be put for minutes is let go: its asker has left.
        """
        if ping.is_stale(self._crew.clock.now()):
            return Done()
        if subscription := self._subscription(anew=True):
            if self._remaining() < subscription.deadline_seconds + MARGIN_SECONDS:
                raise OutOfTime
            self._crew.ping(ping, subscription)
        return Done()

    def _flow(self, delivery: Delivery, known: DeliveryRecord | None) -> Disposition:
        record = known or DeliveryRecord.waiting(delivery)
        if record.status is not Status.WAITING:
            return Done()
        if self._announcing or not self._may_go_at_once():
            self._hold.write(record, self._hold.at(record))
            return self._resume()
        return self._turn(record, following=None) or Done()

    def _join(self, held: HeldLane, delivery: Delivery) -> Disposition:
        self._hold.write(DeliveryRecord.waiting(delivery), held.joined_by(delivery.sequence))
        return Done()

    def _revive(self, dead: DeliveryRecord) -> Disposition:
        """A letter that was redriven goes next, at once and with a fresh budget."""
        subscription = self._subscription()
        late = subscription is not None and subscription.ordering is Ordering.SKIP
        held = self._hold.record or self._hold.at(dead)
        revived = held.revived(dead.sequence, now=self._crew.clock.now())
        self._hold.write(dead.revived(late=late), revived)
        return self._resume()

    def _resume(self, *, token: int | None = None) -> Disposition:
        """Attempt the head, then those behind it, until none is left or one has failed."""
        held, now = self._hold.record, self._crew.clock.now()
        if held is None:
            return Done()
        if token != held.token and not held.is_due(now):
            return in_queue_or_ledger(held.due_at - now)
        # What has waited may be wanted no more, and the lane would not be looked at again soon.
        subscription = self._subscription(anew=True)
        if subscription and subscription.is_blocked:
            return self._stay_blocked(subscription)
        if subscription and (asleep := self._must_wait(subscription)):
            return asleep
        with self._pulse.slot() as admitted:
            if admitted:
                return self._work_off()
            return self._sleep(SLOT_SECONDS, reason=SuspendedReason.CONCURRENCY_LIMIT)

    def _work_off(self) -> Disposition:
        for record, following in self._hold.waiting():
            if stop := self._turn(record, following):
                return stop
        self._hold.release()
        return Done()

    def _stay_blocked(self, subscription: Subscription) -> Disposition:
        """What has waited too long for a paused or disabled subscription is a dead letter."""
        oldest = self._crew.clock.now() - EXPIRES_AFTER_SECONDS
        if self._hold.has_held_since(oldest):
            for record, following in self._hold.waiting():
                if record.status is Status.WAITING and record.changed_at > oldest:
                    break
                if stop := self._turn_under(subscription).expire(record, following):
                    return stop
            else:
                self._hold.release()
                return Done()
        self._hold.block()
        return Done()

    def _must_wait(self, subscription: Subscription) -> Stop:
        """What is paused, disabled or down is not attempted; then the message has done its work."""
        if subscription.is_blocked:
            self._hold.block()
            return Done()
        if self._pulse.is_open and not self._probing:
            self._probing = self._pulse.takes_the_probe()
            return None if self._probing else self._sleep_while_it_is_down()
        return None

    def _sleep_while_it_is_down(self) -> Stop:
        """A breaker that closed meanwhile has woken who slept then: this lane goes on by itself."""
        asleep = self._sleep(LOOK_AGAIN_SECONDS, reason=SuspendedReason.CIRCUIT_OPEN)
        if self._pulse.is_still_open():
            return asleep
        self._hold.rouse()
        return None

    def _sleep(self, seconds: float, *, reason: SuspendedReason) -> Disposition:
        self._hold.sleep(until=self._crew.clock.now() + seconds, reason=reason)
        return Done()

    def _turn(self, record: DeliveryRecord, following: DeliveryRecord | None) -> Stop:
        subscription = self._subscription()
        if subscription is None or _is_beyond_words(record, subscription):
            reason = "format_has_no_words" if subscription else "subscription_removed"
            discarded = record.discarded(reason)
            self._crew.telemetry.discarded(discarded)
            self._hold.settle(discarded, following)
            return None
        # A delivery of a flowing lane has no place to wait in: once begun, it goes.
        if self._hold.record and (asleep := self._must_wait(subscription)):
            return asleep
        turn = self._turn_under(subscription)
        if record.status is Status.WAITING:
            self._probing = False  # one attempt, whatever comes of it
        return turn(record, following)

    def _turn_under(self, subscription: Subscription) -> Turn:
        return Turn(
            self._crew,
            self._hold,
            self._pulse,
            self._pace,
            subscription,
            self._remaining,
            self._announcing,
        )

    def _may_go_at_once(self) -> bool:
        subscription = self._subscription()
        if subscription is None:
            return True  # to be discarded
        return not (subscription.is_blocked or self._pulse.is_open or self._pulse.is_slow)

    def _subscription(self, *, anew: bool = False) -> Subscription | None:
        """The lane's subscription; none when it was removed."""
        lane = self._hold.lane
        found = self._crew.subscriptions.find(lane.subscription_id, anew=anew)
        return found if found and found.removed_at is None else None


def _is_beyond_words(record: DeliveryRecord, subscription: Subscription) -> bool:
    """Fan-out sends no such thing; whoever else writes to the queue may."""
    if record.status is not Status.WAITING or record.delivery is None:
        return False
    return channel_of(subscription).silence(record.delivery.event) is not None
