"""Events: the last that were accepted, and to whom each goes; those that fan-out has parked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for

from lakehook.console.actions import ConsoleAction, Page, confirm
from lakehook.console.context import command_line, service, translator
from lakehook.console.rendering import written
from lakehook.domain.errors import LakehookError
from lakehook.domain.event import join_pipeline_key
from lakehook.domain.pipeline import AcceptedEvent
from lakehook.domain.subscription import Subscription
from lakehook.operations.http_status import http_status_of
from lakehook.operations.views.pipelines import EventView, ParkedEventView
from lakehook.operations.views.subscriptions import MatchView
from lakehook.queries import EventList
from lakehook.subscriptions.preview import match

PAGES = Blueprint("events", __name__, url_prefix="/events")
PERIODS = ("1h", "24h", "7d")
MAX_LISTED = 50
MAX_READ = 3000  # items of the journal
MAX_TRIED = 10


@PAGES.get("/")
def list_() -> str:
    period = request.args.get("since", PERIODS[0])
    latest = latest_events(period if period in PERIODS else PERIODS[0])
    subscriptions = service().find_subscription.all()
    return render_template(
        "events.html",
        rows=[_row(accepted, subscriptions) for accepted in latest.events],
        is_partial=latest.is_partial,
        periods=PERIODS,
        period=period,
    )


def latest_events(period: str, limit: int = MAX_LISTED) -> EventList:
    since = service().moment(period, what="since")
    return service().list_events(since=since, limit=limit, max_read=MAX_READ)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """An event of the last day, and why a subscription would not get it."""

    event: EventView
    pipeline: str
    project: str | None
    reason: str | None


def tried_on_latest(subscription: Subscription) -> Sequence[Tried]:
    events = latest_events(PERIODS[1], MAX_TRIED).events
    tried = match(subscription, [accepted.sequenced.event for accepted in events])
    return [
        Tried(
            event=EventView.from_accepted(accepted),
            pipeline=result.event.pipeline_key,
            project=result.event.document.get("project_name"),
            reason=result.reason,
        )
        for accepted, result in zip(events, tried, strict=True)
    ]


def _row(accepted: AcceptedEvent, subscriptions: Sequence[Subscription]) -> Mapping[str, object]:
    """Judged by the present terms of each subscription."""
    event = accepted.sequenced.event
    reasons = {
        subscription.name: MatchView.from_match(tried).reason
        for subscription in subscriptions
        for tried in match(subscription, [event])
    }
    return {
        "event": EventView.from_accepted(accepted),
        "pipeline": join_pipeline_key(event.source, event.pipeline_id),
        "project": event.document.get("project_name"),
        "number": len(reasons),
        "wanted": sum(reason is None for reason in reasons.values()),
        "others": {name: reason for name, reason in reasons.items() if reason},
    }


@PAGES.get("/parked/")
def list_parked() -> str:
    """Reading them hides them from others for a moment, so this page does not refresh itself."""
    parked = [ParkedEventView.from_parked(event) for event in service().parked_events.all()]
    return render_template("parked.html", parked=parked)


@PAGES.route("/parked/<parked_id>", methods=["GET", "POST"])
def edit_parked(parked_id: str) -> Page:
    view = ParkedEventView.from_parked(service().parked_events.find(parked_id))
    body = written(view.body, request.form.get("body", view.body))
    error, status = None, 200
    if request.method == "POST":
        try:
            return _send(parked_id, body)
        except LakehookError as refused:
            error, status = str(refused), http_status_of(refused)
    line = command_line("events", "parked", "send", parked_id, "--file", "event.json")
    page = render_template("parked_edit.html", parked=view, body=body, error=error, line=line)
    return page, status


@PAGES.route("/parked/<parked_id>/delete", methods=["GET", "POST"])
def delete_parked(parked_id: str) -> Page:
    t = translator()
    action = ConsoleAction(
        title=t("Delete the parked event {id}", id=parked_id),
        effects=[t("It is deleted permanently, and is never sent.")],
        command=command_line("events", "parked", "delete", parked_id),
        button=t("Delete it"),
        back=url_for("events.list_parked"),
        is_danger=True,
    )

    def act() -> str:
        service().parked_events.delete(parked_id)
        return t("The event is deleted.")

    return confirm(action, act)


def _send(parked_id: str, body: str) -> Page:
    event = service().parked_events.send(parked_id, body)
    flash(translator()("The event is published, in the order of its pipeline."))
    return redirect(url_for("pipelines.list_", q=event.pipeline_key), 303)
