"""View of the trends: a strip of health for each subscription, and series of all deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from lakehook.domain.health_history import HealthSpan, health_spans
from lakehook.domain.status import HealthState
from lakehook.domain.time import format_rfc3339, parse_rfc3339
from lakehook.operations.trends import Trends
from lakehook.operations.views.status import SubscriberStatusView
from lakehook.ports.telemetry import DeliverySeries


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
