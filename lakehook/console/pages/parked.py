"""Parked events: those that fan-out refused, each with its reason; mended, sent, or deleted."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for

from lakehook.console.actions import ConsoleAction, Page, confirm
from lakehook.console.context import command_line, console, service
from lakehook.console.errors import status_of
from lakehook.console.rendering import written
from lakehook.domain.errors import LakehookError, NotFound
from lakehook.domain.event import parse_event
from lakehook.operations.views.pipelines import ParkedEventView
from lakehook.ports.queues import ParkedEvent

PAGES = Blueprint("parked", __name__, url_prefix="/events/parked")


@PAGES.get("/")
def list_() -> str:
    """Reading them hides them from others for a moment, so this page does not refresh itself."""
    parked = [ParkedEventView.from_parked(one) for one in service().parked_events.list()]
    return render_template("parked.html", parked=parked)


@PAGES.route("/<parked_id>", methods=["GET", "POST"])
def edit(parked_id: str) -> Page:
    view = ParkedEventView.from_parked(_find(parked_id))
    body = written(view.body, request.form.get("body", view.body))
    error, status = None, 200
    if request.method == "POST":
        try:
            return _send(parked_id, body)
        except LakehookError as refused:
            error, status = str(refused), status_of(refused)
    line = command_line("events", "parked", "send", parked_id, "--file", "event.json")
    page = render_template("parked_edit.html", parked=view, body=body, error=error, line=line)
    return page, status


@PAGES.route("/<parked_id>/delete", methods=["GET", "POST"])
def delete(parked_id: str) -> Page:
    t = g.translator
    action = ConsoleAction(
        title=t("Delete the parked event {id}", id=parked_id),
        effects=[t("It is deleted for good, and goes to nobody.")],
        command=command_line("events", "parked", "delete", parked_id),
        button=t("Delete it"),
        back=url_for("parked.list_"),
        is_danger=True,
    )

    def act() -> str:
        if not service().parked_events.delete([parked_id]):
            raise _unknown(parked_id)
        return str(t("The event is deleted."))

    return confirm(action, act)


def _send(parked_id: str, body: str) -> Page:
    event = parse_event(body)
    console().service.publish([event])
    service().parked_events.delete([parked_id])
    flash(g.translator("The event is published, in the order of its pipeline."))
    return redirect(url_for("pipelines.list_", q=event.pipeline_key), 303)


def _find(parked_id: str) -> ParkedEvent:
    for event in service().parked_events.list():
        if event.id == parked_id:
            return event
    raise _unknown(parked_id)


def _unknown(parked_id: str) -> NotFound:
    return NotFound(f"no parked event {parked_id[:80]!a} is on the queue")
