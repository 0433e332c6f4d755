"""Parked events: those that fan-out refused, each with its reason; corrected, sent, or deleted."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for

from lakehook.console.actions import ConsoleAction, Page, confirm
from lakehook.console.context import command_line, service
from lakehook.console.rendering import written
from lakehook.domain.errors import LakehookError
from lakehook.operations.http_status import http_status_of
from lakehook.operations.views.pipelines import ParkedEventView

PAGES = Blueprint("parked", __name__, url_prefix="/events/parked")


@PAGES.get("/")
def list_() -> str:
    """Reading them hides them from others for a moment, so this page does not refresh itself."""
    parked = [ParkedEventView.from_parked(event) for event in service().parked_events.all()]
    return render_template("parked.html", parked=parked)


@PAGES.route("/<parked_id>", methods=["GET", "POST"])
def edit(parked_id: str) -> Page:
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


@PAGES.route("/<parked_id>/delete", methods=["GET", "POST"])
def delete(parked_id: str) -> Page:
    t = g.translator
    action = ConsoleAction(
        title=t("Delete the parked event {id}", id=parked_id),
        effects=[t("It is deleted permanently, and is never sent.")],
        command=command_line("events", "parked", "delete", parked_id),
        button=t("Delete it"),
        back=url_for("parked.list_"),
        is_danger=True,
    )

    def act() -> str:
        service().parked_events.delete(parked_id)
        return str(t("The event is deleted."))

    return confirm(action, act)


def _send(parked_id: str, body: str) -> Page:
    event = service().parked_events.send(parked_id, body)
    flash(g.translator("The event is published, in the order of its pipeline."))
    return redirect(url_for("pipelines.list_", q=event.pipeline_key), 303)
