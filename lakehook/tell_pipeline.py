"""Tell of a pipeline: its events, and how far each subscriber has come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lakehook.domain.delivery import Lane
from lakehook.domain.errors import NotFound
from lakehook.domain.lane import Status
from lakehook.domain.subscription import Subscription
from lakehook.ports.archive import Archive
from lakehook.ports.history import Accepted, Chronicle, SetAside
from lakehook.ports.subscriptions import Subscriptions


@dataclass(frozen=True, kw_only=True)
class Place:
    """How far a subscriber has come in a pipeline, as far as the ledger still knows."""

    subscription: Subscription
    last_delivered: int | None
    waiting: int
    dead: int


@dataclass(frozen=True)
class Story:
    pipeline_id: str
    events: Sequence[Accepted]
    unsent: Sequence[SetAside]
    places: Sequence[Place]


@dataclass(frozen=True)
class TellPipeline:
    subscriptions: Subscriptions
    chronicle: Chronicle
    archive: Archive

    def __call__(self, pipeline_id: str) -> Story:
        events = self.chronicle.history(pipeline_id)
        if not events:
            raise NotFound(f"no event of a pipeline {pipeline_id[:80]!a} is known")
        unsent = self.chronicle.unsent(pipeline_id)
        return Story(pipeline_id, events, unsent, list(self._places(pipeline_id)))

    def _places(self, pipeline_id: str) -> Iterator[Place]:
        for subscription in self.subscriptions.all():
            place = self._place(subscription, pipeline_id)
            if place:
                yield place

    def _place(self, subscription: Subscription, pipeline_id: str) -> Place | None:
        """None for a subscriber to whom nothing of it ever came."""
        known = {
            record.sequence: record.status
            for record in self.archive.of_lane(Lane(subscription.id, pipeline_id))
        }
        if not known:
            return None
        delivered = [n for n, status in known.items() if status is Status.DELIVERED]
        statuses = list(known.values())
        return Place(
            subscription=subscription,
            last_delivered=max(delivered, default=None),
            waiting=statuses.count(Status.WAITING),
            dead=statuses.count(Status.DEAD),
        )
