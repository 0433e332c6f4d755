"""List lanes: those that are held, at what, and what for."""

from collections.abc import Iterator
from dataclasses import dataclass

from lakehook.domain.lane import HeldLane
from lakehook.domain.standing import Look, lane_state
from lakehook.domain.subscription import Subscription
from lakehook.ports.archive import Archive
from lakehook.ports.ledger import Healths, Ledger
from lakehook.ports.subscriptions import Subscriptions


@dataclass(frozen=True, kw_only=True)
class LaneReport:
    held: HeldLane
    state: str
    attempts: int  # of the head, in all
    behind: int  # how many wait behind the head


@dataclass(frozen=True)
class ListLanes:
    subscriptions: Subscriptions
    ledger: Ledger
    healths: Healths
    archive: Archive

    def __call__(self, subscription: Subscription | None = None) -> list[LaneReport]:
        """The lanes of one subscription or of all, removed ones too; the longest held first."""
        asked = [subscription] if subscription else self.subscriptions.all()
        reports = [report for one in asked for report in self._reports(one)]
        return sorted(reports, key=lambda one: (one.held.held_since, str(one.held.lane)))

    def _reports(self, subscription: Subscription) -> Iterator[LaneReport]:
        health = self.healths.find(subscription.id)
        for held in self.ledger.held_by(subscription.id):
            head = self.archive.find(held.lane, held.head)
            look = Look(subscription, held, head, health)
            yield LaneReport(
                held=held,
                state=lane_state(look),
                attempts=look.head.attempts if look.head else 0,
                behind=self.archive.behind(held),
            )
