"""Tell of a pipeline: its events, and how far each subscriber has come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lakehook.domain.delivery import Lane
from lakehook.domain.errors import NotFound
from lakehook.domain.lane import Status
from lakehook.domain.pipeline_key import MAX_SHOWN, parse_pipeline_key
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
    pipeline_key: str
    events: Sequence[Accepted]
    unsent: Sequence[SetAside]
    places: Sequence[Place]


@dataclass(frozen=True)
class TellPipeline:
    subscriptions: Subscriptions
    chronicle: Chronicle
    archive: Archive

    def __call__(self, pipeline: str, *, source: str | None = None) -> Story:
        """By its key, ``staging/39``, or its id and its source; no source is the default one."""
        key = parse_pipeline_key(pipeline, source=source)
        events = self.chronicle.history(key)
        if not events:
            raise NotFound(f"no event of a pipeline {key[:MAX_SHOWN]!a} is known")
        return Story(key, events, self.chronicle.unsent(key), list(self._places(key)))

    def _places(self, pipeline_key: str) -> Iterator[Place]:
        for subscription in self.subscriptions.all():
            place = self._place(subscription, pipeline_key)
            if place:
                yield place

    def _place(self, subscription: Subscription, pipeline_key: str) -> Place | None:
        """None for a subscriber to whom nothing of it ever came."""
        known = {
            record.sequence: record.status
            for record in self.archive.of_lane(Lane(subscription.id, pipeline_key))
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
