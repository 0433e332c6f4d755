"""List deliveries: of a pipeline, of a subscription, of both, or all; the newest first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import nlargest

from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, Status
from lakehook.ports.archive import Archive
from lakehook.ports.subscriptions import Subscriptions


@dataclass(frozen=True, kw_only=True)
class Question:
    pipeline_id: str | None = None
    subscription_id: str | None = None
    status: Status | None = None
    since: float = 0.0
    limit: int = 100

    def admits(self, record: DeliveryRecord) -> bool:
        return self.status in (None, record.status) and record.changed_at >= self.since


@dataclass(frozen=True)
class ListDeliveries:
    subscriptions: Subscriptions
    archive: Archive

    def __call__(
        self, question: Question, *, seen: Callable[[int], None] = lambda _: None
    ) -> list[DeliveryRecord]:
        """The last written first; ``seen`` is told how much of the ledger has been read."""
        found = (record for record in self._asked(question, seen) if question.admits(record))
        return nlargest(question.limit, found, key=lambda one: (one.changed_at, one.sequence))

    def _asked(self, question: Question, seen: Callable[[int], None]) -> Iterator[DeliveryRecord]:
        if question.pipeline_id:
            for subscription_id in self._subscription_ids(question):
                yield from self.archive.of_lane(Lane(subscription_id, question.pipeline_id))
        else:
            yield from self.archive.of_subscription(question.subscription_id, seen=seen)

    def _subscription_ids(self, question: Question) -> list[str]:
        if question.subscription_id:
            return [question.subscription_id]
        return [one.id for one in self.subscriptions.all()]  # removed ones too
