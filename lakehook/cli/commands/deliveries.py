"""``lakehook deliveries`` and ``lakehook lanes``: states, attempts, and what happens next."""

import typer

from lakehook.cli.context import service_of
from lakehook.cli.options import (
    STACK,
    TEXT,
    AnswerAs,
    DeliveryId,
    Held,
    Limit,
    OfPipeline,
    OfSource,
    OfSubscription,
    Since,
    Stack,
    StatusOption,
    examples,
)
from lakehook.cli.output import (
    ATTEMPTS,
    Table,
    print_document,
    print_listing,
    progress_counter,
)
from lakehook.operations.views.deliveries import DeliveryDetailView, DeliveryView, LaneView
from lakehook.queries import DeliveryQuery

app = typer.Typer(
    rich_markup_mode=None, help="Where each is, what was tried, and what happens next."
)
lanes_app = typer.Typer(rich_markup_mode=None, help="What is held, at what, and until when.")

_DELIVERIES = Table(
    {
        "ID": "delivery_id",
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
        "LANE": "lane",
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
    context: typer.Context,
    *,
    pipeline: OfPipeline = None,
    source: OfSource = None,
    subscription: OfSubscription = None,
    status: StatusOption = None,
    since: Since = None,
    limit: Limit = 100,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Show deliveries, the last changed first; without --pipeline, the whole ledger is read."""
    service = service_of(context, stack)
    question = DeliveryQuery(
        pipeline=pipeline,
        source=source,
        subscription_id=service.resolve_id(subscription),
        status=status,
        since=0.0 if since is None else service.moment(since, what="since"),
        limit=limit,
    )
    with progress_counter("reading the ledger") as seen:
        entries = service.list_deliveries(question, seen=seen)
    print_listing(output, _DELIVERIES, [DeliveryView.from_record(entry) for entry in entries])


@app.command(epilog=examples("lakehook deliveries show sub_0123#39#2"))
def show(
    context: typer.Context, delivery: DeliveryId, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Show one delivery: every attempt, what came back, and what happens next."""
    service = service_of(context, stack)
    explained = service.explain(service.resolve_delivery(delivery))
    print_document(output, DeliveryDetailView.from_explanation(explained), tables={"log": ATTEMPTS})


@lanes_app.callback()
def lanes() -> None:
    """Keep ``list`` a command of its own: typer would merge it into a group of one."""


@lanes_app.command(
    "list",
    epilog=examples(
        "lakehook lanes list --held", "lakehook lanes list --held --subscription ci --output json"
    ),
)
def list_lanes(
    context: typer.Context,
    *,
    held: Held = False,  # noqa: ARG001  said for clearness: a lane that flows has no record
    subscription: OfSubscription = None,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Show held lanes: the head that nothing overtakes, and how many wait behind it."""
    service = service_of(context, stack)
    asked = (
        service.find_subscription(subscription, removed=True) if subscription is not None else None
    )
    lanes = [LaneView.from_report(report) for report in service.list_lanes(asked)]
    print_listing(output, _LANES, lanes)
