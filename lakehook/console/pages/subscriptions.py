"""Subscriber: its health, deliveries, dead letters, fields, secrets, and changes of its state."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from lakehook.console.actions import (
    Choice,
    ConsoleAction,
    Page,
    confirm,
    has_optional_secret,
    secret_page,
)
from lakehook.console.context import command_line, service, translator
from lakehook.console.pages.events import tried_on_latest
from lakehook.dead_letters import DeadLetterSelector
from lakehook.domain.channels import channel_for
from lakehook.domain.channels.base import SignatureScheme
from lakehook.domain.errors import InvalidInput
from lakehook.domain.event import EventType
from lakehook.domain.lane import DeliveryRecord, DeliveryStatus
from lakehook.domain.signing import MAX_OVERLAP_SECONDS
from lakehook.domain.subscription import Subscription
from lakehook.domain.time import parse_duration
from lakehook.operations.views.deliveries import DeadLetterView, DeliveryView, LaneView
from lakehook.operations.views.status import SubscriberStatusView
from lakehook.operations.views.subscriptions import (
    PingReportView,
    RotatedSecretView,
    SubscriptionDetailView,
)
from lakehook.queries import DeliveryQuery

PAGES = Blueprint("subscriptions", __name__, url_prefix="/subscriptions")
MAX_LISTED = 100
MAX_LANES = 25  # each needs a query for the deliveries behind its head
MAX_SCANNED = 2000  # records of the ledger, for the deliveries of one subscription
PING_SECONDS = 15.0
OVERLAPS = ("24h", "1h", "7d")
NO_OVERLAP = "0"  # DevLake's format has room for one signature


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


@dataclass(frozen=True, kw_only=True)
class _Change:
    """A change that needs only a confirmation."""

    title: str
    effects: Sequence[str]
    button: str
    act: Callable[[Subscription], str]


def _pause(subscription: Subscription) -> str:
    service().pause(subscription)
    return translator()("{name} is paused.", name=subscription.name)


def _resume(subscription: Subscription) -> str:
    _, lanes = service().resume(subscription)
    return _goes_on(subscription, lanes)


def _enable(subscription: Subscription) -> str:
    _, lanes = service().enable(subscription)
    return _goes_on(subscription, lanes)


def _goes_on(subscription: Subscription, lanes: int) -> str:
    return translator().plural(
        "{name} goes on; {n} pipeline of it is resumed.",
        "{name} goes on; {n} pipelines of it are resumed.",
        lanes,
        name=subscription.name,
    )


def _test(subscription: Subscription) -> str:
    after, result = service().test_endpoint(subscription, within_seconds=PING_SECONDS)
    report = PingReportView.from_ping(after, result, PING_SECONDS)
    t = translator()
    if report.is_taken:
        return t(
            "{name} took the test: {answer} in {n} ms.",
            name=subscription.name,
            answer=report.status or report.outcome,
            n=report.milliseconds,
        )
    answer = report.hint or f"{report.status or report.outcome} {report.answer or ''}".strip()
    return t("{name} did not take the test: {answer}", name=subscription.name, answer=answer)


def _changes(name: str) -> dict[str, _Change]:
    t = translator()
    gradually = t("What waits goes on in its order, about 600 pipelines a minute.")
    return {
        "pause": _Change(
            title=t("Pause {name}", name=name),
            effects=[
                t("Nothing more is sent to it. New deliveries wait in order; nothing is lost."),
                t("What waits longer than 30 days becomes a dead letter."),
            ],
            button=t("Pause"),
            act=_pause,
        ),
        "resume": _Change(
            title=t("Resume {name}", name=name),
            effects=[gradually],
            button=t("Resume"),
            act=_resume,
        ),
        "enable": _Change(
            title=t("Enable {name}", name=name),
            effects=[
                t("Its endpoint counts as healthy again; earlier failures are forgotten."),
                gradually,
            ],
            button=t("Enable"),
            act=_enable,
        ),
        "test": _Change(
            title=t("Test {name}", name=name),
            effects=[
                t("A signed PING is sent to its endpoint, and the answer is shown here."),
                t("No event is sent, and no delivery changes."),
            ],
            button=t("Send the test"),
            act=_test,
        ),
    }


@PAGES.route("/<reference>/<any(pause, resume, enable, test):verb>", methods=["GET", "POST"])
def change(reference: str, verb: str) -> Page:
    subscription = service().find_subscription(reference)
    change = _changes(subscription.name)[verb]
    action = ConsoleAction(
        title=change.title,
        effects=change.effects,
        command=command_line("subscriptions", verb, subscription.name),
        button=change.button,
        back=_page_of(subscription),
    )
    return confirm(action, lambda: change.act(subscription))


@PAGES.route("/<reference>/remove", methods=["GET", "POST"])
def remove(reference: str) -> Page:
    subscription = service().find_subscription(reference)
    t = translator()
    backlog = service().unsubscribe.backlog(subscription)
    words = ("--discard-waiting",) if backlog else ()
    action = ConsoleAction(
        title=t("Remove {name}", name=subscription.name),
        effects=[
            t("No event is sent to it any more. It can't be undone."),
            t(
                "What waits for it is given up: {waiting} deliveries and {dead} dead letters.",
                waiting=backlog.waiting,
                dead=backlog.dead,
            ),
        ],
        command=command_line("subscriptions", "remove", subscription.name, *words),
        button=t("Remove {name}", name=subscription.name),
        back=url_for("now.show"),
        is_danger=True,
    )

    def act() -> str:
        service().remove_subscription(subscription.id, discard_waiting=bool(backlog))
        return t("{name} is removed.", name=subscription.name)

    return confirm(action, act)


@PAGES.route("/<reference>/rotate-secret", methods=["GET", "POST"])
def rotate_secret(reference: str) -> Page:
    subscription = service().find_subscription(reference)
    t = translator()
    overlaps = _overlaps(subscription)
    overlap = request.form.get("overlap", overlaps[0])
    action = ConsoleAction(
        title=t("Rotate the secret of {name}", name=subscription.name),
        effects=[
            t("A new secret is made, and shown once, on the next page."),
            t("It signs from now on; the old one signs too until the overlap is over."),
        ],
        command=command_line(
            "subscriptions", "rotate-secret", subscription.name, "--overlap", overlap
        ),
        button=t("Rotate the secret"),
        back=url_for("subscriptions.secrets", reference=subscription.id),
        choices=[Choice(name="overlap", label=t("Overlap"), value=overlap, options=overlaps)],
    )
    return confirm(action, lambda: _rotate(subscription, overlap, overlaps))


def _overlaps(subscription: Subscription) -> Sequence[str]:
    is_devlake = channel_for(subscription).signature_scheme is SignatureScheme.DEVLAKE
    return (NO_OVERLAP,) if is_devlake else OVERLAPS


def _rotate(subscription: Subscription, overlap: str, allowed: Sequence[str]) -> Response:
    """Rotate the secret. A response may be lost, so the old secret signs until the overlap ends."""
    if overlap not in allowed:
        raise InvalidInput(f"overlap: choose one of {', '.join(allowed)}")
    seconds = parse_duration(overlap, what="overlap", longest=MAX_OVERLAP_SECONDS)
    rotated = service().rotate_secret(subscription, overlap_seconds=seconds)
    view = RotatedSecretView.from_rotation(rotated, provided=None)
    return secret_page(view, is_new=False)


def _page_of(subscription: Subscription) -> str:
    return url_for("subscriptions.show", reference=subscription.id)
