"""Dead letters: find them in the ledger, redrive them with a fresh budget, or discard them.

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


@dataclass(frozen=True, kw_only=True)
class DeadLetterSelector:
    """Letters by their ids, or else all those of a subscription, of a reason, of both."""

    ids: Sequence[str] = ()
    subscription_id: str | None = None
    reason: str | None = None


def is_exactly_one_selector(
    ids: Sequence[str] | None, subscription: str | None, reason: str | None, *, every: bool
) -> bool:
    """Whether letters are chosen by their ids, by what they share, or all: in one way alone."""
    return [bool(ids), subscription is not None or reason is not None, every].count(True) == 1


@dataclass(frozen=True)
class FindDeadLetters:
    subscriptions: SubscriptionReader
    ledger: Ledger
    archive: DeliveryQueries

    def __call__(self, choice: DeadLetterSelector) -> list[DeliveryRecord]:
        """Lane by lane, in the order of their sequence; ``NotFound`` if an id is no letter's."""
        found = self._named(choice.ids) if choice.ids else self._chosen(choice)
        letters = {(str(letter.lane), letter.sequence): letter for letter in found}
        return [letters[key] for key in sorted(letters)]

    def _named(self, ids: Sequence[str]) -> list[DeliveryRecord]:
        return [self._letter(one) for one in ids]

    def _letter(self, delivery_id: str) -> DeliveryRecord:
        record = self.archive.find(*parse_delivery_id(delivery_id))
        if record is None:
            raise NotFound(f"{delivery_id}: the ledger has no such delivery")
        if record.status is not DeliveryStatus.DEAD:
            raise NotFound(f"{delivery_id}: no dead letter; it is {record.status}")
        return record

    def _chosen(self, choice: DeadLetterSelector) -> Iterator[DeliveryRecord]:
        for subscription_id in self._subscription_ids(choice):
            for letter in self.ledger.dead_letters(subscription_id):
                if choice.reason in (None, letter.reason):
                    yield letter

    def _subscription_ids(self, choice: DeadLetterSelector) -> list[str]:
        if choice.subscription_id:
            return [choice.subscription_id]
        return [one.id for one in self.subscriptions.all()]  # removed ones may have left letters


NO_ENDPOINT = "-"  # of a subscription that nobody remembers


@dataclass(frozen=True)
class Redrive:
    subscriptions: SubscriptionReader
    redriver: DeadLetterRedriver
    copies: DeadLetterCopies

    def __call__(
        self, letters: Sequence[DeliveryRecord], *, told: Callable[[int], None] = lambda _: None
    ) -> None:
        """Send letters back, those of one lane in the order of their sequence.

        The delivery function revives them: it is the one writer of lanes. So the ledger still has
        them dead for a moment, and a letter sent back twice is revived once. The queue's copies
        go last: a crash before that leaves copies, and loses nothing.
        """
        endpoints = {one.id: one.endpoint.display_url for one in self.subscriptions.all()}
        for letter in sorted(letters, key=lambda one: one.sequence):
            endpoint = endpoints.get(letter.lane.subscription_id, NO_ENDPOINT)
            self.redriver.send(letter, endpoint=endpoint)
            told(1)
        self.copies.delete_copies(letters)


REASON = "discarded by operator"
MAX_TRIES = 5


@dataclass(frozen=True)
class Discard:
    ledger: Ledger
    copies: DeadLetterCopies
    clock: Clock

    def __call__(
        self, letters: Sequence[DeliveryRecord], *, told: Callable[[int], None] = lambda _: None
    ) -> list[DeliveryRecord]:
        """Those that were discarded; one that has been redriven meanwhile is let be."""
        discarded = []
        for letter in sorted(letters, key=lambda one: one.sequence):
            if self._discard(letter):
                discarded.append(letter)
            told(1)
        self.copies.delete_copies(discarded)
        return discarded

    def _discard(self, letter: DeliveryRecord) -> bool:
        for _ in range(MAX_TRIES):
            with suppress(LaneConflict):
                return self._try(letter)
        raise LaneConflict(f"{letter.lane}#{letter.sequence}: its lane is at work; try again soon")

    def _try(self, letter: DeliveryRecord) -> bool:
        assert letter.delivery, f"{letter.lane}#{letter.sequence} is dead without its event"
        page = self.ledger.load([letter.delivery], [letter.lane])
        record = page.records.get((letter.lane, letter.sequence))
        if record is None or record.status is not DeliveryStatus.DEAD:
            return False
        held = page.lanes.get(letter.lane)
        after = self._advanced(held, record) if held else None
        self.ledger.save(record.discarded(REASON), before=held, after=after)
        return True

    def _advanced(self, held: HeldLane, record: DeliveryRecord) -> HeldLane | None:
        """The next that waits is the head, due now; the lane flows when there is none."""
        if held.head != record.sequence:
            return held  # and if it has become the head meanwhile, this write fails
        behind = (
            waiting_delivery
            for waiting_delivery in self.ledger.waiting_deliveries(held)
            if waiting_delivery.sequence != record.sequence
        )
        following = next(behind, None)
        return held.advanced_to(following.sequence, now=self.clock.now()) if following else None
