"""Ports of logs and metrics, written and read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lakehook.domain.delivery import SequencedEvent
from lakehook.domain.event import Event
from lakehook.domain.lane import DeliveryRecord
from lakehook.domain.pipeline import SkipReason
from lakehook.ports.stores import Backlog


class Telemetry(Protocol):
    """One canonical line per event and per attempt; never a secret, a signature or a body."""

    def fanned_out(self, sequenced: SequencedEvent, *, deliveries: int, repeated: bool) -> None: ...

    def event_skipped(self, event: Event, reason: SkipReason) -> None: ...

    def pattern_exhausted(self, subscription_id: str, event: Event) -> None:
        """Log a pattern that exceeded its limit on an event, which was sent unfiltered."""

    def quarantined(self, message_id: str, group: str, reason: str) -> None: ...

    def attempted(self, record: DeliveryRecord, *, next_at: float | None) -> None: ...

    def discarded(self, record: DeliveryRecord) -> None: ...

    def dead_lettered(self, record: DeliveryRecord) -> None: ...

    def disabled(self, subscription_id: str, reason: str) -> None: ...

    def backlog_measured(self, backlog: Backlog, *, now: float) -> None: ...

    def resumed_late(self, seconds: float) -> None:
        """Count how long after their time lanes or probes were resumed: the scheduler is behind."""

    def operators_notified(self, notices: int) -> None: ...

    def lanes_resumed(self, lanes: int) -> None: ...

    def stalled(self, pipelines: int) -> None: ...

    def replayed(self, deliveries: int) -> None: ...

    def internal_error(self, error: Exception, *, doing: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class DeliverySeries:
    """Results of deliveries, a value for each period; None without an attempt."""

    times: Sequence[float]  # of each period's start
    delivered_a_minute: Sequence[float]
    failed_a_minute: Sequence[float]  # attempts
    p50_ms: Sequence[float | None]
    p99_ms: Sequence[float | None]


class DeliveryMetrics(Protocol):
    def read(self, *, start: float, end: float, period_seconds: int) -> DeliverySeries:
        """Read the series; raises ``InfrastructureError``."""


@dataclass(frozen=True, kw_only=True)
class ReconcileReport:
    """Result of a run that finished."""

    source: str | None
    read: int  # pipelines
    published: int  # events
    unreadable: Sequence[str]  # a line for each skipped pipeline
    has_backlog: bool  # pages remain for the next run


class ReconcileTelemetry(Protocol):
    """Logs and metrics of reconcile; they contain no header of the API, and no pipeline's plan."""

    def reconciled(self, report: ReconcileReport) -> None: ...

    def event_reconciled(self, event: Event) -> None:
        """Log an event that was missing and has been published."""

    def reconcile_failed(
        self, source: str | None, reason: str, *, fault: Exception | None = None
    ) -> None:
        """Log a failed run; ``fault`` is an unexpected exception of ours."""

    def reconcile_lag(self, seconds: float) -> None:
        """Record the time since the last success, of the source that is furthest behind."""
