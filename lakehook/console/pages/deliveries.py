"""Delivery: its state, its attempts and responses, and what happens next."""

import shlex
from dataclasses import dataclass

from flask import Blueprint, render_template, request, url_for

from lakehook.console.actions import ConsoleAction, Page, confirm
from lakehook.console.context import command_line, service, translator
from lakehook.domain.delivery import Delivery
from lakehook.domain.errors import LakehookError
from lakehook.domain.pipeline import AcceptedEvent
from lakehook.operations.views.deliveries import DeliveryDetailView
from lakehook.operations.views.pipelines import EventView
from lakehook.operations.views.subscriptions import PreviewResultView, SubscriptionView
from lakehook.queries import Explanation

PAGES = Blueprint("deliveries", __name__, url_prefix="/deliveries")


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """The request that was or would be sent, without the sender's secrets."""

    request: PreviewResultView | None
    problem: str | None = None
    curl: str | None = None


@PAGES.get("/<path:delivery_id>")
def show(delivery_id: str) -> str:
    explained = service().explain(service().resolve_delivery(delivery_id))
    accepted = _accepted(explained)
    subscription = service().find_subscription(explained.record.lane.subscription_id, removed=True)
    view = SubscriptionView.from_subscription(subscription)
    return render_template(
        "delivery.html",
        delivery=DeliveryDetailView.from_explanation(explained, {subscription.id: subscription}),
        subscription=view,
        event=EventView.from_accepted(accepted) if accepted else None,
        document=_document(explained, accepted),
        sent=_sent(explained, accepted, view),
    )


@PAGES.route("/send-once-more", methods=["GET", "POST"])
def resend() -> Page:
    delivery_id = service().resolve_delivery(request.args.get("delivery_id", ""))
    t = translator()
    action = ConsoleAction(
        title=t("Send once more"),
        effects=[
            t("The same request goes out again under its id, marked replayed."),
            t("What is new of its pipeline waits behind it for a moment."),
        ],
        command=command_line("deliveries", "send", delivery_id),
        button=t("Send once more"),
        back=url_for("deliveries.show", delivery_id=delivery_id),
    )

    def act() -> str:
        service().resend(delivery_id)
        return t("It is on its way.")

    return confirm(action, act)


def _accepted(explained: Explanation) -> AcceptedEvent | None:
    """Return the event from the journal, which keeps it for some weeks."""
    record = explained.record
    events = service().show_pipeline.journal.events(record.lane.pipeline_key)
    return next(
        (accepted for accepted in events if accepted.sequenced.sequence == record.sequence), None
    )


def _delivery(explained: Explanation, accepted: AcceptedEvent | None) -> Delivery | None:
    """Build the delivery; a final record has no event, so the journal's is used."""
    record = explained.record
    if record.delivery:
        return record.delivery
    return Delivery(record.lane, accepted.sequenced) if accepted else None


def _document(explained: Explanation, accepted: AcceptedEvent | None) -> dict[str, object] | None:
    delivery = _delivery(explained, accepted)
    return delivery.event.document if delivery else None


def _sent(explained: Explanation, accepted: AcceptedEvent | None, view: SubscriptionView) -> _Sent:
    delivery = _delivery(explained, accepted)
    if delivery is None:
        return _Sent(request=None)
    subscription = service().find_subscription(view.subscription_id, removed=True)
    try:
        preview = service().preview.of_delivery(delivery, subscription)
    except LakehookError as error:
        return _Sent(request=None, problem=str(error))
    request = PreviewResultView.from_preview(preview)
    return _Sent(request=request, curl=_curl(request, view.url))


def _curl(sent: PreviewResultView, url: str) -> str:
    headers = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in sent.headers.items()]
    return " \\\n  ".join(
        (f"curl -X POST {shlex.quote(url)}", *headers, f"--data-raw {shlex.quote(sent.body)}")
    )
