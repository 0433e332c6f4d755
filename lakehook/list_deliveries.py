"""List deliveries: of a pipeline, of a subscription, of both, or all; the newest first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import nlargest

from lakehook.domain.delivery import Lane
from lakehook.domain.lane import DeliveryRecord, Status
from lakehook.domain.pipeline_key import is_of_source, parse_pipeline_key
from lakehook.ports.archive import Archive
from lakehook.ports.subscriptions import Subscriptions


@dataclass(frozen=True, kw_only=True)
class Question:
    pipeline: str | None = None  # its key, ``staging/39``, or its id
    source: str | None = None  # those of its pipelines; with an id, of which it is
    subscription_id: str | None = None
    status: Status | None = None
    since: float = 0.0
    limit: int = 100

    @property
    def pipeline_key(self) -> str | None:
        if self.pipeline is None:
            return None
        return parse_pipeline_key(self.pipeline, source=self.source)

    def admits(self, record: DeliveryRecord) -> bool:
        if record.changed_at < self.since or self.status not in (None, record.status):
            return False
        return is_of_source(record.lane.pipeline_key, self.source)


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
        if pipeline_key := question.pipeline_key:
            for subscription_id in self._subscription_ids(question):
                yield from self.archive.of_lane(Lane(subscription_id, pipeline_key))
        else:
            yield from self.archive.of_subscription(question.subscription_id, seen=seen)

    def _subscription_ids(self, question: Question) -> list[str]:
        if question.subscription_id:
            return [question.subscription_id]
        return [one.id for one in self.subscriptions.all()]  # removed ones too
