"""Deliver: the messages of one lane in order, each attempted when its turn has come.

A delivery is attempted at once while its lane flows. When an attempt fails, the lane is held at
that delivery: what comes after it waits in the ledger, and a resume works off the waiting line
from its head. See ``domain/lane.py`` for the states.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.disposition import Again, Disposition, Done
from lakehook.domain.errors import LaneMoved
from lakehook.domain.lane import DeliveryRecord, HeldLane, Status
from lakehook.domain.message import Message, Resume
from lakehook.domain.outcome import Attempt
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.subscription import Subscription
from lakehook.ports import (
    Clock,
    DeadLetters,
    Dice,
    Ledger,
    Page,
    Remaining,
    Subscriptions,
    Telemetry,
)

LONGEST_WAIT_IN_QUEUE_SECONDS = 60.0
SHORTEST_WAIT_IN_QUEUE_SECONDS = 1.0  # SQS counts whole seconds; less is waited out here
MARGIN_SECONDS = 2.0  # to write down what came of an attempt


class _OutOfTime(Exception):  # nothing is wrong: the rest waits for another invocation
    pass


@dataclass(frozen=True)
class Deliver:
    ledger: Ledger
    subscriptions: Subscriptions
    attempt: Callable[[Delivery, Subscription], Attempt]
    dead_letters: DeadLetters
    clock: Clock
    dice: Dice
    telemetry: Telemetry
    schedule: RetrySchedule

    def read(self, messages: Sequence[Message]) -> Page:
        """One consistent read for a whole batch: its lanes, and what is known of its deliveries."""
        deliveries = [message for message in messages if isinstance(message, Delivery)]
        return self.ledger.read(deliveries, {message.lane for message in messages})

    def __call__(
        self, messages: Sequence[Message], page: Page, remaining: Remaining
    ) -> list[Disposition]:
        """Work off the messages of one lane; what is to become of each, in the same order."""
        visit = _Visit(self, messages[0].lane, page, remaining)
        dispositions: list[Disposition] = []
        with suppress(_OutOfTime, LaneMoved):
            for message in messages:
                dispositions.append(visit.receive(message))  # noqa: PERF401  keep those before a stop
        return dispositions + [Again()] * (len(messages) - len(dispositions))


class _Visit:
    """One worker's stay in one lane, whose record it knows as it last wrote it."""

    def __init__(self, deliver: Deliver, lane: Lane, page: Page, remaining: Remaining) -> None:
        self._deliver = deliver
        self._ledger = deliver.ledger
        self._records = page.records
        self._held = page.lanes.get(lane)
        self._remaining = remaining
        self._lane = lane
        self._subscription = self._in_force()

    def receive(self, message: Message) -> Disposition:
        disposition = self._look_at(message)
        while isinstance(disposition, Again) and (
            disposition.after_seconds < SHORTEST_WAIT_IN_QUEUE_SECONDS
        ):
            self._deliver.clock.sleep(disposition.after_seconds)
            disposition = self._resume()
        return disposition

    def _look_at(self, message: Message) -> Disposition:
        if isinstance(message, Resume):
            return self._resume(token=message.token)
        known = self._records.get((message.lane, message.sequence))
        if self._held is None:
            return self._flow(message, known)
        return self._resume() if known else self._join(self._held, message)

    def _flow(self, delivery: Delivery, known: DeliveryRecord | None) -> Disposition:
        record = known or DeliveryRecord.waiting(delivery)
        if record.status is not Status.WAITING:
            return Done()
        return self._settle_or_hold(record, following=None)

    def _join(self, held: HeldLane, delivery: Delivery) -> Disposition:
        self._write(DeliveryRecord.waiting(delivery), held.joined_by(delivery.sequence))
        return Done()

    def _resume(self, *, token: int | None = None) -> Disposition:
        """Attempt the head, then those behind it, until none is left or one has failed."""
        if self._held is None:
            return Done()
        now = self._deliver.clock.now()
        if token != self._held.token and not self._held.is_due(now):
            return _in_queue_or_ledger(self._held.due_at - now)
        # What has waited may be wanted no more, and the lane would not be looked at again soon.
        self._subscription = self._in_force(anew=True)
        for record, following in _with_following(self._ledger.waiting(self._held)):
            if record.status is Status.DEAD and self._subscription:
                return self._block(self._held)
            disposition = self._settle_or_hold(record, following)
            if self._held is None or self._held.head == record.sequence:
                return disposition
        return self._release()

    def _settle_or_hold(
        self, record: DeliveryRecord, following: DeliveryRecord | None
    ) -> Disposition:
        if self._subscription is None:
            discarded = record.discarded("subscription_removed")
            self._deliver.telemetry.discarded(discarded)
            return self._settle(discarded, following)
        if self._remaining() < self._subscription.deadline_seconds + MARGIN_SECONDS:
            raise _OutOfTime
        assert record.delivery, f"{record.lane}#{record.sequence} waits without its event"
        attempt = self._deliver.attempt(record.delivery, self._subscription)
        tried = record.tried(attempt)
        if attempt.outcome.is_success:
            self._deliver.telemetry.attempted(tried, next_at=None)
            return self._settle(tried, following)
        return self._hold(tried, attempt, self._subscription)

    def _settle(self, record: DeliveryRecord, following: DeliveryRecord | None) -> Disposition:
        after = None
        if self._held and following:
            after = self._held.moved_on(following.sequence, now=self._deliver.clock.now())
        try:
            self._write(record, after)
        except LaneMoved:
            # Whoever has the lane now must not send again what has arrived.
            self._ledger.write(record, before=None, after=None)
            raise
        return Done()

    def _hold(
        self, record: DeliveryRecord, attempt: Attempt, subscription: Subscription
    ) -> Disposition:
        now = self._deliver.clock.now()
        held = self._held or HeldLane.at(record.lane, record.sequence, now=now)
        wait = self._deliver.schedule.wait_after(
            held.attempts + 1, hint=attempt.retry_after, chance=self._deliver.dice.chance()
        )
        self._deliver.telemetry.attempted(record, next_at=wait and now + wait)
        if wait is None:
            return self._bury(record.dead(attempt.outcome), held, subscription)
        self._write(record, held.head_failed(due_at=now + wait))
        return _in_queue_or_ledger(wait)

    def _bury(
        self, record: DeliveryRecord, held: HeldLane, subscription: Subscription
    ) -> Disposition:
        """Queue first, ledger second: a crash between the two costs a second letter, not a loss."""
        self._deliver.dead_letters.bury(record, endpoint=subscription.endpoint.shown)
        self._deliver.telemetry.buried(record)
        self._write(record, held.blocked(now=self._deliver.clock.now()))
        return Done()

    def _block(self, held: HeldLane) -> Disposition:
        blocked = held.blocked(now=self._deliver.clock.now())
        self._ledger.move(held, blocked)
        self._held = blocked
        return Done()

    def _release(self) -> Disposition:
        if self._held:
            self._ledger.move(self._held, None)
            self._held = None
        return Done()

    def _write(self, record: DeliveryRecord, after: HeldLane | None) -> None:
        self._ledger.write(record, before=self._held, after=after)
        self._held = after

    def _in_force(self, *, anew: bool = False) -> Subscription | None:
        found = self._deliver.subscriptions.find(self._lane.subscription_id, anew=anew)
        return found if found and found.removed_at is None else None


def _in_queue_or_ledger(wait: float) -> Disposition:
    """A short wait stays in the queue; for a long one the clock comes back to the lane."""
    return Again(wait) if wait <= LONGEST_WAIT_IN_QUEUE_SECONDS else Done()


def _with_following(
    records: Iterable[DeliveryRecord],
) -> Iterator[tuple[DeliveryRecord, DeliveryRecord | None]]:
    record: DeliveryRecord | None = None
    for following in records:
        if record:
            yield record, following
        record = following
    if record:
        yield record, None
