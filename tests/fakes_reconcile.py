"""Fakes of the ports that only the scheduled reconcile needs."""

from dataclasses import dataclass, field, replace

from lakehook.domain.devlake.reconciliation import Reconciliation
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.event import Event
from lakehook.ports.telemetry import ReconcileReport


@dataclass
class FakeReconciliations:
    by_source: dict[str | None, Reconciliation] = field(default_factory=dict)
    away: bool = False

    def find(self, source: str | None) -> Reconciliation | None:
        if self.away:
            raise InfrastructureError("DynamoDB is away")
        return self.by_source.get(source)

    def save(self, reconciliation: Reconciliation) -> Reconciliation | None:
        stored = self.by_source.get(reconciliation.source)
        if (stored.version if stored else 0) != reconciliation.version:
            return None
        saved = replace(reconciliation, version=reconciliation.version + 1)
        self.by_source[saved.source] = saved
        return saved


@dataclass
class FakeReconcileTelemetry:
    reports: list[ReconcileReport] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    failures: list[tuple[str | None, str]] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)

    def reconciled(self, report: ReconcileReport) -> None:
        self.reports.append(report)

    def event_reconciled(self, event: Event) -> None:
        self.events.append(event)

    def reconcile_failed(
        self, source: str | None, reason: str, *, fault: Exception | None = None
    ) -> None:
        self.failures.append((source, reason))
        self.faults += [fault] if fault else []

    def reconcile_lag(self, seconds: float) -> None:
        self.lags.append(seconds)
