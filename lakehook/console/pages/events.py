"""Events: the last that were accepted, and to whom each goes, with the reason where it does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request

from lakehook.console.context import service
from lakehook.domain.event import join_pipeline_key
from lakehook.domain.pipeline import AcceptedEvent
from lakehook.domain.subscription import Subscription
from lakehook.operations.views.pipelines import EventView
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
    found = latest_events(period if period in PERIODS else PERIODS[0])
    subscriptions = service().find_subscription.all()
    return render_template(
        "events.html",
        rows=[_row(accepted, subscriptions) for accepted in found.events],
        is_partial=found.is_partial,
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
    found = latest_events(PERIODS[1], MAX_TRIED).events
    tried = match(subscription, [accepted.sequenced.event for accepted in found])
    return [
        Tried(
            event=EventView.from_accepted(accepted),
            pipeline=result.event.pipeline_key,
            project=result.event.document.get("project_name"),
            reason=result.reason,
        )
        for accepted, result in zip(found, tried, strict=True)
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
