"""Subscriber: its health, deliveries, dead letters, fields and secrets."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, render_template, request

from lakehook.console.context import service
from lakehook.console.pages.events import tried_on_latest
from lakehook.console.secret import has_optional_secret
from lakehook.dead_letters import DeadLetterSelector
from lakehook.domain.event import EventType
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus
from lakehook.domain.subscription import Subscription
from lakehook.operations.views.deliveries import DeadLetterView, DeliveryView, LaneView
from lakehook.operations.views.status import SubscriberStatusView
from lakehook.operations.views.subscriptions import SubscriptionDetailView
from lakehook.queries import DeliveryQuery

PAGES = Blueprint("subscriptions", __name__, url_prefix="/subscriptions")
MAX_LISTED = 100
MAX_LANES = 25  # each needs a query for the deliveries behind its head
MAX_SCANNED = 2000  # records of the ledger, for the deliveries of one subscription


@PAGES.get("/<reference>")
def show(reference: str) -> str:
    subscription = _find(reference)
    status = request.args.get("status", "")
    pipeline = request.args.get("pipeline", "").strip()
    answer = request.args.get("answer", "").strip()
    scanned: list[int] = []
    query = DeliveryQuery(
        pipeline=pipeline or None,
        subscription_id=subscription.id,
        status=DeliveryStatus(status) if status in tuple(DeliveryStatus) else None,
        limit=MAX_LISTED,
        max_scanned=MAX_SCANNED,
    )
    found, owners = service().list_deliveries(query, seen=scanned.append), _owner(subscription)
    views = [DeliveryView.from_record(record, owners) for record in found]
    return _tab(
        subscription,
        "deliveries",
        deliveries=[view for view in views if answer in ("", view.last_status)],
        latency=_latency(found),
        answer=answer,
        statuses=tuple(DeliveryStatus),
        chosen=status,
        pipeline=pipeline,
        is_partial=sum(scanned) >= MAX_SCANNED,
        scanned=sum(scanned),
    )


def _latency(records: Sequence[DeliveryRecord]) -> tuple[int, int] | None:
    """Return p50 and p95 of the last attempts, in milliseconds."""
    times = sorted(
        record.attempts_log[-1].milliseconds for record in records if record.attempts_log
    )
    if not times:
        return None
    return times[len(times) // 2], times[min(len(times) * 95 // 100, len(times) - 1)]


@PAGES.get("/<reference>/waiting")
def waiting(reference: str) -> str:
    subscription = _find(reference)
    reports = service().list_lanes(subscription, limit=MAX_LANES)
    return _tab(subscription, "waiting", lanes=list(map(LaneView.from_report, reports)))


@PAGES.get("/<reference>/dead-letters")
def dead_letters(reference: str) -> str:
    subscription = _find(reference)
    dead_letters = service().find_dead_letters(DeadLetterSelector(subscription_id=subscription.id))
    owners = _owner(subscription)
    letters = [DeadLetterView.from_record(record, owners) for record in dead_letters]
    return _tab(
        subscription,
        "dead_letters",
        letters=letters[:MAX_LISTED],
        number=len(letters),
        reasons=Counter(letter.reason for letter in letters).most_common(),
    )


@PAGES.get("/<reference>/terms")
def terms(reference: str) -> str:
    return _terms(_find(reference))


@PAGES.get("/<reference>/secrets")
def secrets(reference: str) -> str:
    subscription = _find(reference)
    return _tab(subscription, "secrets", is_optional=has_optional_secret(subscription.channel))


def _find(reference: str) -> Subscription:
    return service().find_subscription(reference, removed=True)


def _owner(subscription: Subscription) -> Mapping[str, Subscription]:
    return {subscription.id: subscription}


def _terms(subscription: Subscription) -> str:
    return _tab(
        subscription,
        "terms",
        every_type=_every_pipeline_type(),
        matches=tried_on_latest(subscription),
    )


def _every_pipeline_type() -> Sequence[str]:
    return [str(event_type) for event_type in EventType if event_type.is_of_pipeline]


def _tab(subscription: Subscription, tab: str, **more: Any) -> str:
    return render_template(
        f"subscriber_{tab}.html",
        tab=tab,
        status=None if subscription.removed_at else _status(subscription),
        subscription=SubscriptionDetailView.from_subscription(subscription),
        **more,
    )


def _status(subscription: Subscription) -> SubscriberStatusView:
    (status,) = service().show_status.of([subscription])
    return SubscriberStatusView.from_status(status, now=service().clock.now())
