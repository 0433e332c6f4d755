"""Views of deliveries, their attempts, dead letters and held lanes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from lakehook.domain.attempt import Attempt
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.time import format_rfc3339
from lakehook.operations.views import described, example, format_time
from lakehook.operations.views.subscriptions import OF_SOURCE
from lakehook.queries import Explanation, LaneReport


@dataclass(frozen=True, kw_only=True)
class AttemptView:
    at: str
    outcome: str
    status: int | None
    milliseconds: int
    answer: str | None

    @classmethod
    def from_attempt(cls, attempt: Attempt) -> Self:
        return cls(
            at=format_rfc3339(attempt.at),
            outcome=str(attempt.outcome),
            status=attempt.status,
            milliseconds=attempt.milliseconds,
            answer=attempt.excerpt or None,
        )


@dataclass(frozen=True, kw_only=True)
class DeadLetterView:
    delivery_id: str = example("sub_0123#39#2")
    subscription_id: str
    pipeline_id: str
    source: str | None = described(OF_SOURCE)
    sequence: int
    event_id: str
    event_type: str
    status: str
    reason: str | None
    attempts: int
    last_status: str | None
    last_attempt_at: str | None

    @classmethod
    def from_record(cls, record: DeliveryRecord, **more: Any) -> Self:
        """The view; ``more`` are the fields that a subclass adds."""
        last = record.attempts_log[-1] if record.attempts_log else None
        return cls(
            delivery_id=f"{record.lane}#{record.sequence}",
            subscription_id=record.lane.subscription_id,
            pipeline_id=record.lane.pipeline_id,
            source=record.lane.source,
            sequence=record.sequence,
            event_id=record.event_id,
            event_type=record.event_type,
            status=str(record.status),
            reason=record.reason or None,
            attempts=record.attempts,
            last_status=last.last_status if last else None,
            last_attempt_at=format_rfc3339(last.at) if last else None,
            **more,
        )


@dataclass(frozen=True, kw_only=True)
class DeadLetterDetailView(DeadLetterView):
    event: dict[str, Any]
    log: list[AttemptView]

    @classmethod
    def from_record(cls, record: DeliveryRecord, **more: Any) -> Self:
        assert record.delivery, f"{record.lane}#{record.sequence} is dead without its event"
        event = record.delivery.event.document
        return super().from_record(record, event=event, log=_log(record), **more)


@dataclass(frozen=True, kw_only=True)
class DeliveryView(DeadLetterView):
    changed_at: str

    @classmethod
    def from_record(cls, record: DeliveryRecord, **more: Any) -> Self:
        changed_at = format_rfc3339(record.changed_at)
        return super().from_record(record, changed_at=changed_at, **more)


@dataclass(frozen=True, kw_only=True)
class DeliveryDetailView(DeliveryView):
    next: str = described("What happens next, in words.")
    next_at: str | None
    log: list[AttemptView]

    @classmethod
    def from_explanation(cls, explained: Explanation) -> Self:
        return cls.from_record(
            explained.record,
            next=explained.next.description,
            next_at=format_time(explained.next.at),
            log=_log(explained.record),
        )


@dataclass(frozen=True, kw_only=True)
class DeadLetterActionResult:
    action: str
    dry_run: bool = described("It was only asked which they are.")
    number: int
    remaining: int = described("Chosen too, and left for another call.")
    dead_letters: list[DeadLetterView]

    @classmethod
    def from_records(
        cls, action: str, records: Sequence[DeliveryRecord], *, dry_run: bool, remaining: int = 0
    ) -> Self:
        return cls(
            action=action,
            dry_run=dry_run,
            number=len(records),
            remaining=remaining,
            dead_letters=[DeadLetterView.from_record(record) for record in records],
        )


@dataclass(frozen=True, kw_only=True)
class LaneView:
    lane: str = example("sub_0123#39")
    subscription_id: str
    pipeline_id: str
    source: str | None = described(OF_SOURCE)
    head: int
    state: str
    attempts: int
    held_since: str
    due_at: str
    waiting_behind: int

    @classmethod
    def from_report(cls, report: LaneReport) -> Self:
        held = report.held
        return cls(
            lane=str(held.lane),
            subscription_id=held.lane.subscription_id,
            pipeline_id=held.lane.pipeline_id,
            source=held.lane.source,
            head=held.head,
            state=report.state,
            attempts=report.attempts,
            held_since=format_rfc3339(held.held_since),
            due_at=format_rfc3339(held.due_at),
            waiting_behind=report.waiting_behind,
        )


def _log(record: DeliveryRecord) -> list[AttemptView]:
    return [AttemptView.from_attempt(attempt) for attempt in record.attempts_log]
