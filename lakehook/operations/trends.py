"""Trends: each subscription's health over time, and how deliveries go in all.

Health per subscription comes from changes that the scheduler records: a metric with a subscription
as its dimension would cost $0.30 a month for each, and the ledger has no index by time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Self

from lakehook.domain.errors import InfrastructureError
from lakehook.domain.health_history import HealthChange, HealthSpan, health_spans
from lakehook.domain.status import HealthState
from lakehook.domain.time import format_rfc3339, parse_rfc3339
from lakehook.operations.views.status import SubscriberStatusView
from lakehook.ports.stores import HealthHistory
from lakehook.ports.system import Clock
from lakehook.ports.telemetry import DeliveryMetrics, DeliverySeries

RETRY_SECONDS = 60.0  # after what could not be read
SETTLING_SECONDS = 60.0  # until a metric is complete, from a function's log to CloudWatch
MINUTE, HOUR, DAY = 60, 3600.0, 86_400.0


@dataclass(frozen=True, kw_only=True)
class TrendWindow:
    seconds: float
    period_seconds: int


WINDOWS = {
    "1h": TrendWindow(seconds=HOUR, period_seconds=MINUTE),
    "24h": TrendWindow(seconds=DAY, period_seconds=5 * MINUTE),
}


@dataclass(frozen=True, kw_only=True)
class Trends:
    """The trends of a window, up to its last whole period."""

    start: float
    end: float
    read_at: float
    changes: Mapping[str, Sequence[HealthChange]] | None  # by subscription; None: not readable
    deliveries: DeliverySeries | None  # None: not readable
    problems: Sequence[str]


@dataclass
class ShowTrends:
    """Reads that grow with neither subscriptions nor deliveries, at most once a minute.

    What can't be read is a problem in one line: a person may have no right to see metrics.
    """

    history: HealthHistory
    metrics: DeliveryMetrics
    clock: Clock
    cached: dict[str, Trends] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __call__(self, name: str) -> Trends:
        """Return the trends of the window of this name; callers at the same time share a read."""
        with self._lock:
            return self._latest(name)

    def continue_from(self, earlier: "ShowTrends") -> None:
        """Keep the reads of another one of the same deployment: each read is charged for."""
        self.cached |= earlier.cached

    def _latest(self, name: str) -> Trends:
        window, now = WINDOWS[name], self.clock.now()
        settled = now - SETTLING_SECONDS
        end = settled - settled % window.period_seconds
        cached = self.cached.get(name)
        if cached is None or cached.end != end or _is_to_retry(cached, now):
            cached = self.cached[name] = self._read(window, end)
        return cached

    def _read(self, window: TrendWindow, end: float) -> Trends:
        start = end - window.seconds
        problems: list[str] = []
        changes, deliveries = None, None
        try:
            changes = _by_subscription(self.history.since(start))
        except InfrastructureError as error:
            problems.append(f"health: {error}")
        try:
            deliveries = self.metrics.read(
                start=start, end=end, period_seconds=window.period_seconds
            )
        except InfrastructureError as error:
            problems.append(f"metrics: {error}")
        return Trends(
            start=start,
            end=end,
            read_at=self.clock.now(),
            changes=changes,
            deliveries=deliveries,
            problems=problems,
        )


def _is_to_retry(trends: Trends, now: float) -> bool:
    return bool(trends.problems) and now - trends.read_at >= RETRY_SECONDS


def _by_subscription(changes: Sequence[HealthChange]) -> Mapping[str, list[HealthChange]]:
    found: dict[str, list[HealthChange]] = {}
    for change in changes:
        found.setdefault(change.subscription_id, []).append(change)
    return found


@dataclass(frozen=True, kw_only=True)
class HealthSpanView:
    health: str
    since: str
    until: str
    seconds: float

    @classmethod
    def from_span(cls, span: HealthSpan) -> Self:
        return cls(
            health=str(span.health),
            since=format_rfc3339(span.start),
            until=format_rfc3339(span.end),
            seconds=span.seconds,
        )


@dataclass(frozen=True, kw_only=True)
class HealthStripView:
    subscription_id: str
    name: str
    spans: Sequence[HealthSpanView]


@dataclass(frozen=True, kw_only=True)
class TrendsView:
    since: str
    until: str
    strips: Sequence[HealthStripView] | None
    deliveries: DeliverySeries | None
    problems: Sequence[str]

    @classmethod
    def from_trends(
        cls, trends: Trends, subscribers: Sequence[SubscriberStatusView], *, now: float
    ) -> Self:
        """Build the view; a strip reaches to ``now``, and begins with its subscription."""
        return cls(
            since=format_rfc3339(trends.start),
            until=format_rfc3339(trends.end),
            strips=None
            if trends.changes is None
            else [_strip(subscriber, trends, now=now) for subscriber in subscribers],
            deliveries=trends.deliveries,
            problems=trends.problems,
        )


def _strip(subscriber: SubscriberStatusView, trends: Trends, *, now: float) -> HealthStripView:
    changes = trends.changes or {}
    is_timed = subscriber.since is not None and subscriber.health != HealthState.OK
    spans = health_spans(
        changes.get(subscriber.subscription_id, ()),
        start=max(trends.start, _seconds(subscriber.created_at) or 0.0),
        end=now,
        present=HealthState(subscriber.health),
        since=_seconds(subscriber.since) if is_timed else None,
    )
    return HealthStripView(
        subscription_id=subscriber.subscription_id,
        name=subscriber.name,
        spans=[HealthSpanView.from_span(span) for span in spans],
    )


def _seconds(at: str | None) -> float | None:
    return parse_rfc3339(at).timestamp() if at else None
