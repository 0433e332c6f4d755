"""Replays: their progress, and the start of one, whose count is shown first."""

from flask import Blueprint, flash, redirect, render_template, request, url_for

from lakehook.console.actions import ConsoleAction, Page, confirm
from lakehook.console.context import command_line, service, translator
from lakehook.domain.errors import LakehookError
from lakehook.domain.replay import DeliveryFilter, ReplayRequest
from lakehook.operations.http_status import http_status_of
from lakehook.operations.views.replays import ReplayCountView, ReplayView

PAGES = Blueprint("replays", __name__, url_prefix="/replays")
_FIELDS = ("subscription", "since", "until", "status", "rate")
_USUAL = {
    "subscription": "",
    "since": "1h",
    "until": "",
    "status": str(DeliveryFilter.MISSING),
    "rate": "10/s",
}


@PAGES.get("/")
def list_() -> str:
    owners = service().subscriptions_by_id()
    replays = [ReplayView.from_replay(replay, owners) for replay in service().replays.all()]
    return render_template("replays.html", replays=replays)


@PAGES.route("/new", methods=["GET", "POST"])
def new() -> Page:
    """Count what it would send, or, once that was seen, start it."""
    fields = _USUAL | {name: request.values[name] for name in _FIELDS if name in request.values}
    count, error, status = None, None, 200
    try:
        if request.method == "POST" and "start" in request.form:
            return _start(fields)
        if request.method == "POST":
            count = _count(fields)
    except LakehookError as refused:
        error, status = str(refused), http_status_of(refused)
    page = render_template(
        "replay_new.html",
        fields=fields,
        count=count,
        error=error,
        filters=tuple(DeliveryFilter),
        subscriptions=service().find_subscription.all(),
        line=_command(fields),
    )
    return page, status


@PAGES.route("/<replay_id>/stop", methods=["GET", "POST"])
def stop(replay_id: str) -> Page:
    t = translator()
    action = ConsoleAction(
        title=t("Stop the replay {id}", id=replay_id),
        effects=[t("It adds nothing more. What it has lined up by now still goes out.")],
        command=command_line("replays", "stop", replay_id),
        button=t("Stop it"),
        back=url_for("replays.list_"),
        is_danger=True,
    )

    def act() -> str:
        stopped = service().stop_replay(replay_id)
        return t("The replay is stopped; {n} deliveries were lined up.", n=stopped.sent)

    return confirm(action, act)


def _request(fields: dict[str, str]) -> ReplayRequest:
    return ReplayRequest(
        since=fields["since"], until=fields["until"], status=fields["status"], rate=fields["rate"]
    )


def _count(fields: dict[str, str]) -> ReplayCountView:
    subscription = service().find_subscription(fields["subscription"])
    criteria = service().start_replay.criteria(_request(fields), subscription)
    count = service().count_replay(criteria, subscription)
    return ReplayCountView.from_count(count, criteria, subscription)


def _start(fields: dict[str, str]) -> Page:
    subscription = service().find_subscription(fields["subscription"])
    criteria = service().start_replay.criteria(_request(fields), subscription)
    started = service().start_replay(subscription, criteria)
    flash(translator()("The replay {id} goes on by itself.", id=started.replay.id))
    return redirect(url_for("replays.list_"), 303)


def _command(fields: dict[str, str]) -> str:
    words = ["--subscription", fields["subscription"] or "ID", "--since", fields["since"]]
    words += ["--until", fields["until"]] if fields["until"] else []
    return command_line("replay", *words, "--status", fields["status"], "--rate", fields["rate"])
