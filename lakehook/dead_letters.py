"""Dead dead_letters: find them in the ledger, redrive them with a fresh budget, or discard them.

The ledger decides what is a dead letter, whatever became of the queue's copy.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from lakehook.domain.delivery import parse_delivery_id
from lakehook.domain.errors import LaneConflict, NotFound
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus, HeldLane
from lakehook.ports.queues import DeadLetterCopies, DeadLetterRedriver
from lakehook.ports.stores import DeliveryQueries, Ledger, SubscriptionReader
from lakehook.ports.system import Clock

NO_ENDPOINT = "-"  # of a subscription that is not in the table
REASON = "discarded by operator"
MAX_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class DeadLetterSelector:
    """Dead letters by their ids, or those of a subscription, of a reason, or of both."""

    ids: Sequence[str] = ()
    subscription_id: str | None = None
    reason: str | None = None


def is_exactly_one_selector(
    ids: Sequence[str] | None, subscription: str | None, reason: str | None, *, every: bool
) -> bool:
    """Whether dead letters are selected in exactly one way: by ids, by filters, or all."""
    return [bool(ids), subscription is not None or reason is not None, every].count(True) == 1


@dataclass(frozen=True)
class FindDeadLetters:
    subscriptions: SubscriptionReader
    ledger: Ledger
    archive: DeliveryQueries

    def __call__(self, choice: DeadLetterSelector) -> list[DeliveryRecord]:
        """Lane by lane, in the order of sequence; ``NotFound`` if an id has no dead letter."""
        found = self._named(choice.ids) if choice.ids else self._chosen(choice)
        dead_letters = {
            (str(dead_letter.lane), dead_letter.sequence): dead_letter for dead_letter in found
        }
        return [dead_letters[key] for key in sorted(dead_letters)]

    def _named(self, ids: Sequence[str]) -> list[DeliveryRecord]:
        return [self._find(delivery_id) for delivery_id in ids]

    def _find(self, delivery_id: str) -> DeliveryRecord:
        record = self.archive.find(*parse_delivery_id(delivery_id))
        if record is None:
            raise NotFound(f"{delivery_id}: the ledger has no such delivery")
        if record.status is not DeliveryStatus.DEAD:
            raise NotFound(f"{delivery_id}: not a dead letter; it is {record.status}")
        return record

    def _chosen(self, choice: DeadLetterSelector) -> Iterator[DeliveryRecord]:
        for subscription_id in self._subscription_ids(choice):
            for dead_letter in self.ledger.dead_letters(subscription_id):
                if choice.reason in (None, dead_letter.reason):
                    yield dead_letter

    def _subscription_ids(self, choice: DeadLetterSelector) -> list[str]:
        if choice.subscription_id:
            return [choice.subscription_id]
        return [
            subscription.id for subscription in self.subscriptions.all()
        ]  # removed subscriptions too


@dataclass(frozen=True)
class Redrive:
    subscriptions: SubscriptionReader
    redriver: DeadLetterRedriver
    copies: DeadLetterCopies

    def __call__(
        self,
        dead_letters: Sequence[DeliveryRecord],
        *,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Send dead letters back, those of one lane in the order of their sequence.

        The deliver function requeues them, as the only writer of lanes. So they stay dead in the
        ledger for a moment, and a second redrive has no effect. The queue's copies are deleted
        last: a crash before that leaves copies, and loses no delivery.
        """
        endpoints = {s.id: s.endpoint.display_url for s in self.subscriptions.all()}
        for dead_letter in sorted(dead_letters, key=lambda record: record.sequence):
            endpoint = endpoints.get(dead_letter.lane.subscription_id, NO_ENDPOINT)
            self.redriver.send(dead_letter, endpoint=endpoint)
            on_progress(1)
        self.copies.delete_copies(dead_letters)


@dataclass(frozen=True)
class Discard:
    ledger: Ledger
    copies: DeadLetterCopies
    clock: Clock

    def __call__(
        self,
        dead_letters: Sequence[DeliveryRecord],
        *,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> list[DeliveryRecord]:
        """Discard dead letters, and return those; one that was redriven since is skipped."""
        discarded = []
        for dead_letter in sorted(dead_letters, key=lambda record: record.sequence):
            if self._discard(dead_letter):
                discarded.append(dead_letter)
            on_progress(1)
        self.copies.delete_copies(discarded)
        return discarded

    def _discard(self, dead_letter: DeliveryRecord) -> bool:
        for _ in range(MAX_TRIES):
            with suppress(LaneConflict):
                return self._try(dead_letter)
        raise LaneConflict(
            f"{dead_letter.lane}#{dead_letter.sequence}: its lane is at work; try again soon"
        )

    def _try(self, dead_letter: DeliveryRecord) -> bool:
        assert dead_letter.delivery, (
            f"{dead_letter.lane}#{dead_letter.sequence} is dead without its event"
        )
        page = self.ledger.load([dead_letter.delivery], [dead_letter.lane])
        record = page.records.get((dead_letter.lane, dead_letter.sequence))
        if record is None or record.status is not DeliveryStatus.DEAD:
            return False
        held = page.lanes.get(dead_letter.lane)
        after = self._advanced(held, record) if held else None
        self.ledger.save(record.discarded(REASON), before=held, after=after)
        return True

    def _advanced(self, held: HeldLane, record: DeliveryRecord) -> HeldLane | None:
        """The lane held at the next waiting delivery, due now; None if there is none."""
        if held.head != record.sequence:
            return held  # if it has become the head since, this write fails
        behind = (
            waiting_delivery
            for waiting_delivery in self.ledger.waiting_deliveries(held)
            if waiting_delivery.sequence != record.sequence
        )
        following = next(behind, None)
        return held.advanced_to(following.sequence, now=self.clock.now()) if following else None
