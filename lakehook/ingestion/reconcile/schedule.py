"""Scheduled reconcile of each DevLake whose API is configured, every few minutes."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakehook.domain.devlake.reconciliation import Reconciliation
from lakehook.domain.devlake.sources import DevLakeSource
from lakehook.domain.errors import LakehookError
from lakehook.ingestion.reconcile.run import (
    REQUEST_SECONDS,
    BoundReached,
    ReconcileRun,
    TimedDevLake,
)
from lakehook.ports.ingress import DevLakePipelines, Publish
from lakehook.ports.stores import Journal, Reconciliations
from lakehook.ports.system import Clock
from lakehook.ports.telemetry import ReconcileTelemetry

RUN_SECONDS = 20.0
MIN_RUN_SECONDS = 2 * REQUEST_SECONDS
"""Minimum time of a run; with less it would read almost nothing, then wait an interval."""

INTERVAL_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class ReconcileOnSchedule:
    apis: Mapping[DevLakeSource, DevLakePipelines]
    reconciliations: Reconciliations
    journal: Journal
    publish: Publish
    clock: Clock
    telemetry: ReconcileTelemetry
    interval_seconds: float = INTERVAL_SECONDS

    def __call__(self, *, ends_at: float) -> int:
        """Run for each source that is due, and return how many events were published.

        Never raises, and one source's failure does not affect another. The source that has been due
        longest comes first; if no time is left, a source is due at the next call.
        """
        published, lags = 0, []
        for before in self._in_order():
            after, events = self._run_if_due(before, ends_at)
            published += events
            lags.append(after.lag(now=self.clock.now()))
        if lags:
            self.telemetry.reconcile_lag(max(lags))
        return published

    def _in_order(self) -> list[Reconciliation]:
        states = [state for source in self.apis if (state := self._find(source.name))]
        return sorted(states, key=lambda reconciliation: reconciliation.due_at)

    def _find(self, source: str | None) -> Reconciliation | None:
        try:
            state = self.reconciliations.find(source)
        except LakehookError as error:
            self.telemetry.reconcile_failed(source, str(error))
            return None
        return state or Reconciliation.first(source, now=self.clock.now())

    def _run_if_due(self, before: Reconciliation, ends_at: float) -> tuple[Reconciliation, int]:
        now = self.clock.now()
        if before.due_at > now:
            return before, 0
        if ends_at - now < MIN_RUN_SECONDS:
            if before.lag(now=now) > 2 * self.interval_seconds:
                self.telemetry.reconcile_failed(before.source, "no time is left in this tick")
            return before, 0
        try:
            claimed = self.reconciliations.save(
                before.claimed(now=now, interval=self.interval_seconds)
            )
            if claimed is None:  # another scheduler runs it
                return before, 0
            run = self._run_of(claimed, ends_at=min(ends_at, now + RUN_SECONDS))
            after = self._outcome_of(run)
            self.reconciliations.save(after)
        except LakehookError as error:
            self.telemetry.reconcile_failed(before.source, str(error))
            return before, 0
        return after, run.published

    def _run_of(self, claimed: Reconciliation, *, ends_at: float) -> ReconcileRun:
        (source,) = (api for api in self.apis if api.name == claimed.source)
        return ReconcileRun(
            source=source,
            devlake=TimedDevLake(self.apis[source], self.clock, ends_at),
            journal=self.journal,
            publish=self.publish,
            clock=self.clock,
            telemetry=self.telemetry,
            interval_seconds=self.interval_seconds,
            state=claimed,
        )

    def _outcome_of(self, run: ReconcileRun) -> Reconciliation:
        try:
            report = run()
        except (LakehookError, BoundReached) as error:
            return self._failed(run.state, str(error))
        except Exception as error:  # noqa: BLE001  no tick ends in an error because of DevLake
            return self._failed(run.state, type(error).__name__, fault=error)
        self.telemetry.reconciled(report)
        return run.state.succeeded(now=self.clock.now())

    def _failed(
        self, state: Reconciliation, reason: str, *, fault: Exception | None = None
    ) -> Reconciliation:
        """Record a failure; of an unexpected one only the type, since its text may be secret."""
        self.telemetry.reconcile_failed(state.source, reason, fault=fault)
        return state.failed(reason, now=self.clock.now(), interval=self.interval_seconds)
