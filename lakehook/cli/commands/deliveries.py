"""``lakehook deliveries`` and ``lakehook lanes``: states, attempts, and what happens next."""

from collections.abc import Sequence
from typing import Annotated

import typer

from lakehook.cli.context import CommandService
from lakehook.cli.options import (
    CommandCall,
    CommandGroup,
    DeliveryId,
    Held,
    Limit,
    OfPipeline,
    OfSource,
    OfSubscription,
    Since,
    StatusOption,
    Utc,
    examples,
)
from lakehook.cli.output import (
    ATTEMPTS,
    Output,
    Table,
    print_document,
    print_listing,
    print_table,
    progress_counter,
    write,
)
from lakehook.domain.event import join_pipeline_key
from lakehook.domain.status import health_state
from lakehook.domain.text import counted
from lakehook.operations.views.deliveries import (
    DeliveryDetailView,
    DeliveryView,
    LaneView,
    SentDeliveryView,
)
from lakehook.queries import DeliveryQuery, LaneReport, SubscriberStatus

MAX_LANES_SHOWN = 100  # default for people

app = CommandGroup(help="Deliveries: status, attempts, and what happens next.")
lanes_app = CommandGroup(help="Lanes: the held ones, and what they wait for.")

LaneLimit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        metavar="N",
        min=1,
        help=f"At most this many; default for people {MAX_LANES_SHOWN} otherwise, programs all.",
    ),
]
_DELIVERIES = Table(
    {
        "DELIVERY": "reference",
        "EVENT TYPE": "event_type",
        "STATUS": "status",
        "REASON": "reason",
        "ATTEMPTS": "attempts",
        "LAST": "last_status",
        "CHANGED": "changed_at",
    },
    "no deliveries",
)
_LANES = Table(
    {
        "PIPELINE": lambda view: join_pipeline_key(view.source, view.pipeline_id),
        "HEAD": "head",
        "STATE": "state",
        "ATTEMPTS": "attempts",
        "HELD SINCE": "held_since",
        "DUE": "due_at",
        "BEHIND": "waiting_behind",
    },
    "no lanes are held",
)


@app.command(
    "list",
    epilog=examples(
        "lakehook deliveries list --pipeline 39",
        "lakehook deliveries list --pipeline staging/39",
        "lakehook deliveries list --subscription ci --status waiting --since 2h",
    ),
)
def list_(  # noqa: PLR0913  each is an option
    *,
    pipeline: OfPipeline = None,
    source: OfSource = None,
    subscription: OfSubscription = None,
    status: StatusOption = None,
    since: Since = None,
    limit: Limit = 100,
    utc: Utc = False,
    call: CommandCall,
) -> None:
    """Show deliveries, the last changed first; without --pipeline, the whole ledger is read."""
    service = call.service
    query = DeliveryQuery(
        pipeline=pipeline,
        source=source,
        subscription_id=service.resolve_id(subscription),
        status=status,
        since=0.0 if since is None else service.moment(since, what="since"),
        limit=limit,
    )
    with progress_counter("reading the ledger") as seen:
        entries = service.list_deliveries(query, seen=seen)
    owners = service.subscriptions_by_id()
    views = [DeliveryView.from_record(entry, owners) for entry in entries]
    print_listing(call.output, _DELIVERIES, views, now=None if utc else service.clock.now())


@app.command(epilog=examples("lakehook deliveries show sub_0123#39#2"))
def show(delivery: DeliveryId, *, call: CommandCall) -> None:
    """Show one delivery: every attempt, its response, and what happens next."""
    service = call.service
    explained = service.explain(service.resolve_delivery(delivery))
    print_document(
        call.output,
        DeliveryDetailView.from_explanation(explained, service.subscriptions_by_id()),
        tables={"log": ATTEMPTS},
    )


@app.command(epilog=examples("lakehook deliveries send ci#39#2"))
def send(delivery: DeliveryId, *, call: CommandCall) -> None:
    """Send one delivery once more that was delivered, discarded or aborted, by the same id.

    It is marked replayed; what is new of its pipeline waits behind it.
    """
    service = call.service
    sent = service.resend(service.resolve_delivery(delivery))
    view = SentDeliveryView.from_delivery(sent)
    print_document(call.output, view, note=f"{delivery} goes out once more, marked replayed")


@lanes_app.callback()
def lanes() -> None:
    """Keep ``list`` a separate command: typer would merge it into a group of one."""


@lanes_app.command(
    "list",
    epilog=examples(
        "lakehook lanes list --held", "lakehook lanes list --held --subscription ci --output json"
    ),
)
def list_lanes(
    *,
    held: Held = False,  # noqa: ARG001  said for clearness: a lane that flows has no record
    subscription: OfSubscription = None,
    limit: LaneLimit = None,
    utc: Utc = False,
    call: CommandCall,
) -> None:
    """Show held lanes: the head that nothing overtakes, and how many deliveries wait behind it."""
    service = call.service
    asked = (
        service.find_subscription(subscription, removed=True) if subscription is not None else None
    )
    most = MAX_LANES_SHOWN if limit is None and call.output is Output.TEXT else limit
    with progress_counter("reading lanes", total=most) as seen:
        reports = service.list_lanes(asked, limit=most, on_progress=seen)
    if call.output is Output.JSON:
        print_listing(call.output, _LANES, map(LaneView.from_report, reports))
    else:
        _print_lanes(service, reports, now=None if utc else service.clock.now())


def _print_lanes(
    service: CommandService, reports: Sequence[LaneReport], *, now: float | None
) -> None:
    """Print the lanes by subscription, each with its totals."""
    if not reports:
        write(_LANES.none)
    owners = {report.subscription.id: report.subscription for report in reports}
    for number, status in enumerate(service.show_status.of(list(owners.values()))):
        lanes = [report for report in reports if report.subscription.id == status.subscription.id]
        write(("\n" if number else "") + _heading(status, shown=len(lanes)))
        print_table(_LANES, list(map(LaneView.from_report, lanes)), now=now)


def _heading(status: SubscriberStatus, *, shown: int) -> str:
    held, subscription = status.held, status.subscription
    more = " or more" if held.is_truncated else ""
    dead = f", {counted(held.dead, 'dead letter', 'dead letters')}" if held.dead else ""
    part = f"; the {shown} held longest (--limit)" if shown < held.lanes else ""
    health = "" if subscription.removed_at else f" ({health_state(subscription, status.health)})"
    lanes = counted(held.lanes, f"lane{more} held", f"lanes{more} held")
    return f"{subscription.name}{health}: {lanes}{dead}{part}"
