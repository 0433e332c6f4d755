"""Explain: where one delivery is, what was tried, what came back, and what happens next."""

from dataclasses import dataclass

from lakehook.domain.delivery_id import parse_delivery_id
from lakehook.domain.errors import NotFound
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.standing import Look, Next, what_next
from lakehook.ports.archive import Archive
from lakehook.ports.ledger import Ledger
from lakehook.ports.subscriptions import Subscriptions


@dataclass(frozen=True)
class Explanation:
    record: DeliveryRecord
    next: Next


@dataclass(frozen=True)
class Explain:
    subscriptions: Subscriptions
    ledger: Ledger
    archive: Archive

    def __call__(self, delivery_id: str) -> Explanation:
        lane, sequence = parse_delivery_id(delivery_id)
        record = self.archive.find(lane, sequence)
        if record is None:
            raise NotFound(
                f"{delivery_id}: not in the ledger; perhaps its message is still on the queue"
            )
        subscription = self.subscriptions.find(lane.subscription_id)
        page = self.ledger.read([], [lane])
        held = page.lanes.get(lane)
        head = self.archive.find(lane, held.head) if held else None
        health = page.healths.get(lane.subscription_id)
        look = Look(subscription, held, head, health)
        return Explanation(record, what_next(record, look))
