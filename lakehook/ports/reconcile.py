"""Ports of the scheduled reconcile, besides those of DevLake's API."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lakehook.domain.devlake.reconciliation import Reconciliation
from lakehook.domain.event import Event


class Reconciliations(Protocol):
    """Store of the scheduled reconcile's state, one record for each source."""

    def find(self, source: str | None) -> Reconciliation | None:
        """Read the state consistently; None before the first run."""

    def save(self, reconciliation: Reconciliation) -> Reconciliation | None:
        """Save the state and return it as saved; None if another run has saved since."""


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
