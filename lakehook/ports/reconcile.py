"""Ports of the scheduled reconcile, besides those of DevLake's API."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lakehook.domain.devlake.reconciliation import Reconciliation
from lakehook.domain.event import Event
from lakehook.domain.pipeline import Pipeline


class Reconciliations(Protocol):
    """The state of the scheduled reconcile, one for each source."""

    def find(self, source: str | None) -> Reconciliation | None:
        """As it was saved last, consistently; none before the first run."""

    def save(self, reconciliation: Reconciliation) -> Reconciliation | None:
        """Write it, and return it as it now stands; none if another run has saved since."""


class PipelineReader(Protocol):
    def read_pipelines(self, keys: Collection[str]) -> Mapping[str, Pipeline]:
        """Those of these pipelines that fan-out knows, consistently, by their keys."""


@dataclass(frozen=True, kw_only=True)
class ReconcileReport:
    """What a run did that came to its end."""

    source: str | None
    read: int  # pipelines
    published: int  # events
    unreadable: Sequence[str]  # a line for each pipeline that was left out
    has_backlog: bool  # pages are left for the next run


class ReconcileTelemetry(Protocol):
    """What operators see of it: never a header of the API, nor what a pipeline's plan says."""

    def reconciled(self, report: ReconcileReport) -> None: ...

    def event_reconciled(self, event: Event) -> None:
        """An event that fan-out did not have was published."""

    def reconcile_failed(
        self, source: str | None, reason: str, *, fault: Exception | None = None
    ) -> None:
        """``fault`` is one of ours: what nobody has foreseen."""

    def reconcile_lag(self, seconds: float) -> None:
        """Time since the last success, of the source that is furthest behind."""
