"""Logs and metrics of fan-out and delivery: one canonical line per event and per attempt."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from lakehook import metrics as names
from lakehook.adapters.telemetry import Powertools, event_fields
from lakehook.domain.delivery import SequencedEvent
from lakehook.domain.event import Event
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.pipeline import SkipReason
from lakehook.ports.stores import Backlog

if TYPE_CHECKING:
    from lakehook.ports.telemetry import ReconcileReport

MAX_UNREADABLE = 3  # per run
_SKIPPED = {
    SkipReason.DUPLICATE: names.EVENTS_DEDUPLICATED,
    SkipReason.STALE: names.EVENTS_STALE,
    SkipReason.STALL_OVER: names.STALLS_DISCARDED,
}


class PowertoolsTelemetry(Powertools):
    def fanned_out(self, sequenced: SequencedEvent, *, deliveries: int, repeated: bool) -> None:
        event = sequenced.event
        self._count(names.EVENTS_REDELIVERED if repeated else names.EVENTS)
        if event.is_inferred and not repeated:
            self._count(names.EVENTS_INFERRED)
        self._info(
            "event_fanned_out",
            **event_fields(event),
            sequence=sequenced.sequence,
            deliveries=deliveries,
            repeated=repeated,
            inferred=event.is_inferred or None,
        )

    def event_skipped(self, event: Event, reason: SkipReason) -> None:
        self._count(_SKIPPED[reason])
        self._info("event_skipped", **event_fields(event), fate=reason)

    def stalled(self, pipelines: int) -> None:
        self._count(names.PIPELINES_STALLED, pipelines)
        self._info("pipelines_stalled", pipelines=pipelines)

    def pattern_exhausted(self, subscription_id: str, event: Event) -> None:
        self._count(names.PATTERNS_EXHAUSTED)
        self.logger.warning(
            "pattern_exhausted",
            subscription=subscription_id,
            pipeline_id=event.pipeline_id,
            source=event.source,
            event_id=event.id,
        )

    def quarantined(self, message_id: str, group: str, reason: str) -> None:
        self._count(names.INVALID_MESSAGES)
        self.logger.warning("invalid_message", message_id=message_id, group=group, reason=reason)

    def attempted(self, record: DeliveryRecord, *, next_at: float | None) -> None:
        attempt = record.attempts_log[-1]
        self._count(names.DELIVERED if attempt.outcome.is_success else names.FAILED)
        self._measure(names.ATTEMPT_DURATION, attempt.milliseconds, MetricUnit.Milliseconds)
        self._info(
            "delivery_attempted",
            **_fields(record),
            attempt=record.attempts,
            outcome=attempt.outcome,
            status=attempt.status,
            milliseconds=attempt.milliseconds,
            next_at=next_at,
        )

    def discarded(self, record: DeliveryRecord) -> None:
        self._count(names.DISCARDED)
        self._info("delivery_discarded", **_fields(record), reason=record.reason)

    def dead_lettered(self, record: DeliveryRecord) -> None:
        self._count(names.DEAD)
        self.logger.warning("delivery_dead", **_fields(record), reason=record.reason)

    def disabled(self, subscription_id: str, reason: str) -> None:
        self._count(names.DISABLED)
        self.logger.warning("subscription_disabled", subscription=subscription_id, reason=reason)

    def lanes_resumed(self, lanes: int) -> None:
        self._count(names.LANES_RESUMED, lanes)
        self._info("lanes_resumed", lanes=lanes)

    def resumed_late(self, seconds: float) -> None:
        self._measure(names.SCHEDULER_LAG, seconds, MetricUnit.Seconds)
        self.logger.warning("resumed_late", seconds=round(seconds))

    def replayed(self, deliveries: int) -> None:
        self._count(names.REPLAYED, deliveries)
        self._info("deliveries_replayed", deliveries=deliveries)

    def backlog_measured(self, backlog: Backlog, *, now: float) -> None:
        """Measure what waits. Nothing is written for nothing, as CloudWatch bills by the hour."""
        if not (backlog.lanes_held or backlog.breakers_open):
            return
        oldest = 0.0 if backlog.held_since is None else max(0.0, now - backlog.held_since)
        self._count(names.LANES_HELD, backlog.lanes_held)
        self._measure(names.OLDEST_HELD_LANE_AGE, oldest, MetricUnit.Seconds)
        self._count(names.BREAKERS_OPEN, backlog.breakers_open)

    def operators_notified(self, notices: int) -> None:
        self._info("operators_notified", notices=notices)

    def reconciled(self, report: "ReconcileReport") -> None:
        self._count(names.EVENTS_RECONCILED, 0)  # so that the metric has a value without losses
        self._info(
            "reconciled",
            source=report.source,
            pipelines=report.read,
            events=report.published,
            unreadable=report.unreadable[:MAX_UNREADABLE] or None,
            has_backlog=report.has_backlog or None,
        )

    def event_reconciled(self, event: Event) -> None:
        self._count(names.EVENTS_RECONCILED)
        self._info("event_reconciled", **event_fields(event))

    def reconcile_failed(
        self, source: str | None, reason: str, *, fault: Exception | None = None
    ) -> None:
        """Log a failed reconcile; it delays no delivery, and its lag has a metric of its own."""
        self.logger.warning("reconcile_failed", source=source, reason=reason, exc_info=fault)

    def reconcile_lag(self, seconds: float) -> None:
        self._measure(names.RECONCILE_LAG, seconds, MetricUnit.Seconds)


def _fields(record: DeliveryRecord) -> Mapping[str, Any]:
    source = {"source": record.lane.source} if record.lane.source else {}
    return {
        "delivery": record.id,
        "subscription": record.lane.subscription_id,
        "pipeline_id": record.lane.pipeline_id,
        **source,
        "event_id": record.event_id,
        "event_type": record.event_type,
    }
