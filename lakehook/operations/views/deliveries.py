"""Views of deliveries, their attempts, dead letters and held lanes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from lakehook.domain.attempt import Attempt
from lakehook.domain.delivery import Delivery, Lane
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import format_rfc3339
from lakehook.operations.views import console_path, delivery_path, described, example, format_time
from lakehook.operations.views.subscriptions import OF_SOURCE
from lakehook.queries import Explanation, LaneReport

REFERENCE = "The id by the subscription's name, as every command takes it."


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


Owners = Mapping[str, Subscription]
"""Every subscription by its id, removed ones too."""


def reference(lane: Lane, owners: Owners) -> str:
    """Return ``name#pipeline``, or the id if removed, as another subscription may have the name."""
    owner = owners.get(lane.subscription_id)
    is_in_force = owner is not None and owner.removed_at is None
    return f"{owner.name}#{lane.pipeline_key}" if owner and is_in_force else str(lane)


def name_of(subscription_id: str, owners: Owners) -> str | None:
    owner = owners.get(subscription_id)
    return owner.name if owner else None


@dataclass(frozen=True, kw_only=True)
class DeadLetterView:
    delivery_id: str = example("sub_0123#39#2")
    reference: str = field(metadata={"description": REFERENCE, "examples": ["ci#39#2"]})
    subscription_id: str
    subscription_name: str | None
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
    console_path: str = console_path()

    @classmethod
    def from_record(cls, record: DeliveryRecord, owners: Owners, **more: Any) -> Self:
        """Build the view; ``more`` are the fields that a subclass adds."""
        last = record.attempts_log[-1] if record.attempts_log else None
        return cls(
            delivery_id=record.id,
            reference=f"{reference(record.lane, owners)}#{record.sequence}",
            subscription_id=record.lane.subscription_id,
            subscription_name=name_of(record.lane.subscription_id, owners),
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
            console_path=delivery_path(record.id),
            **more,
        )


@dataclass(frozen=True, kw_only=True)
class DeadLetterDetailView(DeadLetterView):
    event: dict[str, Any]
    log: list[AttemptView]

    @classmethod
    def from_record(cls, record: DeliveryRecord, owners: Owners, **more: Any) -> Self:
        assert record.delivery, f"{record.id} is dead without its event"
        event = record.delivery.event.document
        return super().from_record(record, owners, event=event, log=_log(record), **more)


@dataclass(frozen=True, kw_only=True)
class DeliveryView(DeadLetterView):
    changed_at: str

    @classmethod
    def from_record(cls, record: DeliveryRecord, owners: Owners, **more: Any) -> Self:
        changed_at = format_rfc3339(record.changed_at)
        return super().from_record(record, owners, changed_at=changed_at, **more)


@dataclass(frozen=True, kw_only=True)
class DeliveryDetailView(DeliveryView):
    next: str = described("What happens next.")
    next_at: str | None
    log: list[AttemptView]

    @classmethod
    def from_explanation(cls, explained: Explanation, owners: Owners) -> Self:
        return cls.from_record(
            explained.record,
            owners,
            next=explained.next.description,
            next_at=format_time(explained.next.at),
            log=_log(explained.record),
        )


@dataclass(frozen=True, kw_only=True)
class SentDeliveryView:
    """A delivery that goes out once more."""

    sent: int
    delivery_id: str = example("sub_0123#39#2")
    event_id: str
    console_path: str = console_path()

    @classmethod
    def from_delivery(cls, delivery: Delivery) -> Self:
        return cls(
            sent=1,
            delivery_id=delivery.id,
            event_id=delivery.event.id,
            console_path=delivery_path(delivery.id),
        )


@dataclass(frozen=True, kw_only=True)
class DeadLetterActionResult:
    action: str
    dry_run: bool = described("Nothing was done; these are the selected ones.")
    number: int
    remaining: int = described("Selected, but left for another call.")
    waiting_behind: int | None = described("Deliveries behind them; null: too many lanes.")
    dead_letters: list[DeadLetterView]

    @classmethod
    def from_records(  # noqa: PLR0913  what is done, to what, and what of it is left
        cls,
        action: str,
        records: Sequence[DeliveryRecord],
        owners: Owners,
        *,
        dry_run: bool,
        waiting_behind: int | None,
        remaining: int = 0,
    ) -> Self:
        return cls(
            action=action,
            dry_run=dry_run,
            number=len(records),
            remaining=remaining,
            waiting_behind=waiting_behind,
            dead_letters=[DeadLetterView.from_record(record, owners) for record in records],
        )


@dataclass(frozen=True, kw_only=True)
class LaneView:
    lane: str = example("sub_0123#39")
    subscription_id: str
    subscription_name: str
    pipeline_id: str
    source: str | None = described(OF_SOURCE)
    head: int
    state: str
    attempts: int
    held_since: str
    due_at: str | None = described("null: something else must happen first.")
    waiting_behind: int
    console_path: str = console_path()

    @classmethod
    def from_report(cls, report: LaneReport) -> Self:
        held = report.held
        return cls(
            lane=str(held.lane),
            subscription_id=held.lane.subscription_id,
            subscription_name=report.subscription.name,
            pipeline_id=held.lane.pipeline_id,
            source=held.lane.source,
            head=held.head,
            state=report.state,
            attempts=report.attempts,
            held_since=format_rfc3339(held.held_since),
            due_at=format_time(report.due_at),
            waiting_behind=report.waiting_behind,
            console_path=delivery_path(f"{held.lane}#{held.head}"),
        )


def _log(record: DeliveryRecord) -> list[AttemptView]:
    return [AttemptView.from_attempt(attempt) for attempt in record.attempts_log]
