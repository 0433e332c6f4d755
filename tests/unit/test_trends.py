"""Trends: health over time from its recorded changes, read once a minute, and failed reads."""

from collections.abc import Sequence
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from lakehook.adapters.aws import Aws
from lakehook.adapters.cloudwatch import CloudWatchDeliveryMetrics
from lakehook.console.charts import deliveries_chart, latency_chart, strips
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.health_history import HealthChange, health_spans
from lakehook.domain.status import HealthState
from lakehook.operations.trends import RETRY_SECONDS, TrendsView
from lakehook.operations.views.status import StatusView
from lakehook.ports.telemetry import DeliverySeries
from tests.console_scenes import lively_stack
from tests.fakes import NOON
from tests.fakes_ops import FakeStack

OK, FAILING, DOWN = HealthState.OK, HealthState.FAILING, HealthState.DOWN
START = NOON - 100


def change(at: float, before: HealthState, after: HealthState) -> HealthChange:
    return HealthChange(at=NOON + at, subscription_id="sub_a", before=before, after=after)


BOTH_WAYS = change(-40, OK, DOWN), change(-10, DOWN, OK)


@pytest.mark.parametrize(
    ("changes", "present", "since", "spans"),
    [
        ([], OK, None, [(OK, 100)]),
        ([], DOWN, -30.0, [(OK, 70), (DOWN, 30)]),
        ([], DOWN, -300.0, [(DOWN, 100)]),
        ([change(-40, OK, DOWN)], DOWN, -40.0, [(OK, 60), (DOWN, 40)]),
        (BOTH_WAYS, OK, None, [(OK, 60), (DOWN, 30), (OK, 10)]),
        ([change(-200, OK, DOWN), change(-40, DOWN, OK)], OK, None, [(DOWN, 60), (OK, 40)]),
        ([change(-40, DOWN, OK)], OK, None, [(DOWN, 60), (OK, 40)]),
        # the scheduler has not seen the newest yet, and says the same twice after a crash
        ([change(-40, OK, FAILING)] * 2, DOWN, -40.0, [(OK, 60), (DOWN, 40)]),
        ([change(-40, OK, DOWN)], OK, None, [(OK, 60), (DOWN, 40)]),
    ],
)
def test_the_spans_cover_the_window_without_a_gap(
    changes: Sequence[HealthChange],
    present: HealthState,
    since: float | None,
    spans: list[tuple[HealthState, float]],
):
    since = None if since is None else NOON + since

    result = health_spans(changes, start=START, end=NOON, present=present, since=since)

    assert [(span.health, span.seconds) for span in result] == spans


def trends_of(stack: FakeStack, window: str = "1h") -> TrendsView:
    service = stack.service()
    report = service.show_status()
    subscribers = StatusView.from_report(report).subscribers
    return TrendsView.from_trends(service.show_trends(window), subscribers, now=report.at)


def test_each_subscriber_has_a_strip_from_its_beginning_to_now():
    stack = lively_stack()
    view = trends_of(stack)
    by_name = {strip.name: strip for strip in view.strips or ()}

    down = by_name["ci-status"].spans[-1]
    assert (down.health, round(down.seconds)) == ("down", 1080)
    drawn = {strip.name: strip for strip in strips(view, now=NOON)}["ci-status"]
    assert drawn.bars[-1].x + drawn.bars[-1].width == pytest.approx(100, abs=0.1)


def test_metrics_are_read_once_a_period_and_again_after_a_failure():
    stack = FakeStack()
    show = stack.service().show_trends
    for _ in range(3):
        show("1h")
    assert stack.delivery_metrics.reads == [(NOON - 3660, NOON - 60, 60)]
    stack.clock.sleep(60)
    assert show("1h").deliveries
    assert len(stack.delivery_metrics.reads) == 2

    stack.delivery_metrics.error = InfrastructureError("AccessDenied")
    stack.clock.sleep(60)
    assert [show("1h").problems for _ in range(2)] == [["metrics: AccessDenied"]] * 2
    assert len(stack.delivery_metrics.reads) == 3
    stack.delivery_metrics.error = None
    stack.clock.sleep(RETRY_SECONDS)
    assert show("1h").deliveries


def test_pages_that_are_drawn_at_once_share_a_read():
    stack = FakeStack()
    show, read = stack.service().show_trends, stack.delivery_metrics.read
    threads = [Thread(target=show, args=("1h",)) for _ in range(2)]

    def read_slowly(**terms: Any) -> DeliverySeries:
        for thread in threads:
            if thread.ident is None:
                thread.start()
                thread.join(0.1)  # ends by then, unless it waits for this read
        return read(**terms)

    stack.delivery_metrics.read = read_slowly  # type: ignore[method-assign]
    show("1h")
    for thread in threads:
        thread.join()

    assert len(stack.delivery_metrics.reads) == 1


def test_a_failed_read_of_cloudwatch_is_not_a_time_without_attempts(
    monkeypatch: pytest.MonkeyPatch,
):
    answer = {"MetricDataResults": [{"Id": "p50", "StatusCode": "InternalError"}]}
    client = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [answer]))
    monkeypatch.setattr(Aws, "cloudwatch", lambda _: client)

    with pytest.raises(InfrastructureError, match="InternalError for p50"):
        CloudWatchDeliveryMetrics(Aws(), "Lakehook").read(start=0, end=120, period_seconds=60)


def test_the_charts_scale_to_the_values_and_leave_gaps():
    stack = FakeStack()
    stack.delivery_metrics.at = lambda at: (
        (40.0, 2.0, 12.0, 3000.0) if NOON - 1200 <= at < NOON - 600 else (0.0, 0.0, None, None)
    )
    view = trends_of(stack)
    deliveries, latency = deliveries_chart(view), latency_chart(view)
    assert deliveries
    assert latency

    assert [tick for tick, _ in deliveries.ticks] == [50, 25, 0]
    p99, p50 = latency.lines
    assert (p99.highest, p50.last, len(p50.paths)) == (3000.0, 12.0, 1)
    assert p50.paths[0].count(",") == 20  # ten periods, each from its start to its end
