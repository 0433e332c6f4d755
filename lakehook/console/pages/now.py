"""Now: every subscription's health, what waits, and what to do about it."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lakehook.console.context import service
from lakehook.domain.errors import InvalidInput, NotFound
from lakehook.operations.views.status import StatusView

PAGES = Blueprint("now", __name__)


@PAGES.get("/")
def show() -> str:
    status = StatusView.from_report(service().show_status())
    return render_template(
        "now.html",
        status=status,
        troubled=[subscriber for subscriber in status.subscribers if not subscriber.is_quiet],
        quiet=[subscriber for subscriber in status.subscribers if subscriber.is_quiet],
    )


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
