"""Dead letters: find them in the ledger, redrive them with a fresh budget, or discard them.

The ledger decides what is a dead letter, whatever happened to the queue's copy. Only messages that
SQS or a person has moved to the queue, past their lane, may be unknown to the ledger.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import takewhile

from lakehook.domain.delivery import Delivery, parse_delivery_id
from lakehook.domain.errors import InfrastructureError, LaneConflict, NotFound
from lakehook.domain.lane import MOVED_BY_SQS, DeliveryRecord, DeliveryStatus, HeldLane
from lakehook.ports.outbound import Warn
from lakehook.ports.queues import DeadLetterQueue, DeadLetterRedriver
from lakehook.ports.stores import Ledger, SubscriptionReader
from lakehook.ports.system import Clock

NO_ENDPOINT = "-"  # for a subscription that is not in the table
REASON = "discarded by operator"
MAX_TRIES = 5
MAX_LANES_COUNTED = 50  # one read has a hundred keys, two a lane


@dataclass(frozen=True, kw_only=True)
class DeadLetterSelector:
    """Selection of dead letters by ids, or by subscription, by reason, or by both."""

    ids: Sequence[str] = ()
    subscription_id: str | None = None
    reason: str | None = None
    on_queue: bool = False  # also those that only the queue has, which takes as long as it is long


def is_exactly_one_selector(
    ids: Sequence[str] | None, subscription: str | None, reason: str | None, *, every: bool
) -> bool:
    """Whether dead letters are selected in exactly one way: by ids, by filters, or all."""
    return [bool(ids), subscription is not None or reason is not None, every].count(True) == 1


@dataclass(frozen=True)
class FindMovedLetters:
    """Deliveries that only the dead-letter queue has: SQS or a person moved them there.

    What the ledger knows is left out: it is a copy, and the lane has gone on without it. A delivery
    that is unknown there was passed over, by what its receiver has had since: then it is late.
    """

    queue: DeadLetterQueue
    ledger: Ledger
    warn: Warn

    def __call__(self, selector: DeadLetterSelector) -> list[DeliveryRecord]:
        """Return the selected ones; a queue that may not be read is a warning."""
        if selector.reason not in (None, MOVED_BY_SQS):
            return []
        try:
            messages = self.queue.without_reason()
        except InfrastructureError as error:
            self.warn(f"the dead-letter queue could not be searched: {error}")
            return []
        deliveries = [message for message in messages if isinstance(message, Delivery)]
        self._warn_of(len(messages), len(messages) - len(deliveries))
        records = map(self._record, (d for d in deliveries if _is_chosen(d, selector)))
        return [record for record in records if record]

    def _warn_of(self, number: int, others: int) -> None:
        if number:
            self.warn(
                f"{number} of the messages on the dead-letter queue were moved there by SQS or by"
                f" hand, not by Lakehook ({others} are no deliveries, and may be deleted); does the"
                " deliveries queue have a redrive policy? See the runbook"
            )

    def _record(self, delivery: Delivery) -> DeliveryRecord | None:
        """The delivery as a dead letter; None if the ledger knows it."""
        if self.ledger.find(delivery.lane, delivery.sequence):
            return None
        late = any(
            record.attempts > 0
            for record in takewhile(
                lambda record: record.sequence > delivery.sequence,
                self.ledger.by_lane(delivery.lane),
            )
        )
        return DeliveryRecord.waiting(replace(delivery, late=late)).dead(MOVED_BY_SQS)


@dataclass(frozen=True)
class FindDeadLetters:
    subscriptions: SubscriptionReader
    ledger: Ledger
    moved: FindMovedLetters

    def __call__(
        self,
        selector: DeadLetterSelector,
        *,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> list[DeliveryRecord]:
        """Return them lane by lane, by sequence; ``NotFound`` for an id without a dead letter.

        ``on_progress`` is called for each that was read, and may raise to end a search.
        """
        selected = self._named(selector) if selector.ids else self._chosen(selector, on_progress)
        dead_letters = {
            (str(dead_letter.lane), dead_letter.sequence): dead_letter for dead_letter in selected
        }
        return [dead_letters[key] for key in sorted(dead_letters)]

    def count_behind(self, dead_letters: Sequence[DeliveryRecord]) -> int | None:
        """Count the deliveries behind these; None if they are of too many lanes to count."""
        lanes = {dead_letter.lane for dead_letter in dead_letters}
        if len(lanes) > MAX_LANES_COUNTED:
            return None
        held = self.ledger.load([], lanes).lanes.values()
        return sum(self.ledger.count_waiting_behind(list(held)))

    def _named(self, selector: DeadLetterSelector) -> list[DeliveryRecord]:
        """Return those with these ids; the queue is searched for ids that the ledger lacks."""
        records = {id_: self.ledger.find(*parse_delivery_id(id_)) for id_ in selector.ids}
        if None in records.values():
            records |= {record.id: record for record in self.moved(selector)}
        return [self._checked(id_, records[id_]) for id_ in selector.ids]

    def _checked(self, delivery_id: str, record: DeliveryRecord | None) -> DeliveryRecord:
        if record is None:
            raise NotFound(f"{delivery_id}: the ledger has no such delivery")
        if record.status is not DeliveryStatus.DEAD:
            raise NotFound(f"{delivery_id}: not a dead letter; it is {record.status}")
        return record

    def _chosen(
        self, selector: DeadLetterSelector, on_progress: Callable[[int], None]
    ) -> Iterator[DeliveryRecord]:
        for subscription_id in self._subscription_ids(selector):
            for dead_letter in self.ledger.dead_letters(subscription_id):
                on_progress(1)
                if selector.reason in (None, dead_letter.reason):
                    yield dead_letter
        if selector.on_queue:
            yield from self.moved(selector)

    def _subscription_ids(self, selector: DeadLetterSelector) -> list[str]:
        if selector.subscription_id:
            return [selector.subscription_id]
        return [s.id for s in self.subscriptions.all()]  # removed ones too


@dataclass(frozen=True)
class Redrive:
    subscriptions: SubscriptionReader
    redriver: DeadLetterRedriver
    copies: DeadLetterQueue

    def __call__(
        self,
        dead_letters: Sequence[DeliveryRecord],
        *,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> Sequence[DeliveryRecord]:
        """Send dead letters back, those of a lane in the order of their sequence; return them.

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
        return dead_letters


@dataclass(frozen=True)
class Discard:
    ledger: Ledger
    copies: DeadLetterQueue
    clock: Clock

    def __call__(
        self,
        dead_letters: Sequence[DeliveryRecord],
        *,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> list[DeliveryRecord]:
        """Discard dead letters, and return them; one that was redriven since is skipped."""
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
        raise LaneConflict(f"{dead_letter.id}: its lane is being processed; try again soon")

    def _try(self, dead_letter: DeliveryRecord) -> bool:
        assert dead_letter.delivery, f"{dead_letter.id} is dead without its event"
        page = self.ledger.load([dead_letter.delivery], [dead_letter.lane])
        stored = page.records.get((dead_letter.lane, dead_letter.sequence))
        is_moved = stored is None and dead_letter.reason == MOVED_BY_SQS
        record = dead_letter if is_moved else stored
        if record is None or record.status is not DeliveryStatus.DEAD:
            return False
        held = page.lanes.get(dead_letter.lane)
        after = self._advanced(held, record) if held else None
        self.ledger.save(record.discarded(REASON), before=held, after=after)
        return True

    def _advanced(self, held: HeldLane, record: DeliveryRecord) -> HeldLane | None:
        """Return the lane held at the next waiting delivery, due now; None if there is none."""
        if held.head != record.sequence:
            return held  # if it has become the head since, this write conflicts
        behind = (
            waiting_delivery
            for waiting_delivery in self.ledger.waiting_deliveries(held)
            if waiting_delivery.sequence != record.sequence
        )
        following = next(behind, None)
        return held.advanced_to(following.sequence, now=self.clock.now()) if following else None


def _is_chosen(delivery: Delivery, selector: DeadLetterSelector) -> bool:
    if selector.ids:
        return delivery.id in selector.ids
    return selector.subscription_id in (None, delivery.lane.subscription_id)
