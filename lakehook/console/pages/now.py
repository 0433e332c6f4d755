"""Now: every subscription's health, what waits, and what to do about it."""

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from lakehook.console.charts import deliveries_chart, latency_chart, strips
from lakehook.console.context import console, service
from lakehook.domain.errors import InvalidInput, NotFound
from lakehook.operations.trends import WINDOWS, TrendsView
from lakehook.operations.views.status import StatusView

PAGES = Blueprint("now", __name__)
MAX_STRIPS = 100  # the worst first
_WINDOW = "window"


@PAGES.get("/")
def show() -> str:
    report = service().show_status()
    status = StatusView.from_report(report)
    window = _chosen_window()
    read = service().show_trends(window)
    trends = TrendsView.from_trends(read, status.subscribers[:MAX_STRIPS], now=report.at)
    return render_template(
        "now.html",
        status=status,
        window=window,
        windows=tuple(WINDOWS),
        trends=trends,
        strips=strips(trends, now=report.at),
        deliveries=deliveries_chart(trends),
        latency=latency_chart(trends),
        troubled=[subscriber for subscriber in status.subscribers if not subscriber.is_quiet],
        quiet=[subscriber for subscriber in status.subscribers if subscriber.is_quiet],
    )


def _chosen_window() -> str:
    """Return the window that was chosen last, or the console's own."""
    if (asked := request.args.get("window")) in WINDOWS:
        session[_WINDOW] = asked
    return str(session.get(_WINDOW) or console().options.window)


@PAGES.get("/go")
def go() -> Response:
    """Redirect a search: a delivery by its id, a subscriber by name or id, else a pipeline."""
    query = request.args.get("q", "").strip()
    if query.count("#") >= 2:  # noqa: PLR2004  subscription#pipeline#sequence
        return redirect(url_for("deliveries.show", delivery_id=query))
    try:
        subscription = service().find_subscription(query, removed=True)
    except (InvalidInput, NotFound):
        return redirect(url_for("pipelines.list_", q=query))
    return redirect(url_for("subscriptions.show", reference=subscription.id))
