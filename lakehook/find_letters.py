"""Find letters: the dead ones, by the ledger, whatever has become of the queue's copies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lakehook.domain.delivery_id import parse_delivery_id
from lakehook.domain.errors import NotFound
from lakehook.domain.lane import DeliveryRecord, Status
from lakehook.ports.archive import Archive
from lakehook.ports.ledger import Ledger
from lakehook.ports.subscriptions import Subscriptions


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Letters by their ids, or else all those of a subscription, of a reason, of both."""

    ids: Sequence[str] = ()
    subscription_id: str | None = None
    reason: str | None = None


def is_one_choice(
    ids: Sequence[str] | None, subscription: str | None, reason: str | None, *, every: bool
) -> bool:
    """Whether letters are chosen by their ids, by what they share, or all: in one way alone."""
    return [bool(ids), subscription is not None or reason is not None, every].count(True) == 1


@dataclass(frozen=True)
class FindLetters:
    subscriptions: Subscriptions
    ledger: Ledger
    archive: Archive

    def __call__(self, choice: Choice) -> list[DeliveryRecord]:
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
        if record.status is not Status.DEAD:
            raise NotFound(f"{delivery_id}: no dead letter; it is {record.status}")
        return record

    def _chosen(self, choice: Choice) -> Iterator[DeliveryRecord]:
        for subscription_id in self._subscription_ids(choice):
            for letter in self.ledger.dead_of(subscription_id):
                if choice.reason in (None, letter.reason):
                    yield letter

    def _subscription_ids(self, choice: Choice) -> list[str]:
        if choice.subscription_id:
            return [choice.subscription_id]
        return [one.id for one in self.subscriptions.all()]  # removed ones may have left letters
