"""``lakehook deliveries``: where each is, what was tried, and what happens next."""

import typer

from lakehook.desk.delivery_facts import explanation_facts
from lakehook.list_deliveries import Question
from ops.answers import answer, answer_all
from ops.delivery_facts import ATTEMPTS, DELIVERIES
from ops.desk import desk_of
from ops.options import (
    STACK,
    TEXT,
    AnswerAs,
    DeliveryId,
    DeliveryStatus,
    Limit,
    OfPipeline,
    OfSource,
    OfSubscription,
    Since,
    Stack,
    examples,
)
from ops.progress import counting

app = typer.Typer(
    rich_markup_mode=None, help="Where each is, what was tried, and what happens next."
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
    status: DeliveryStatus = None,
    since: Since = None,
    limit: Limit = 100,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Show deliveries, the last changed first; without --pipeline, the whole ledger is read."""
    desk = desk_of(context, stack)
    question = Question(
        pipeline=pipeline,
        source=source,
        subscription_id=desk.id_of(subscription),
        status=status,
        since=0.0 if since is None else desk.moment(since, what="since"),
        limit=limit,
    )
    with counting("reading the ledger") as seen:
        entries = desk.list_deliveries(question, seen=seen)
    answer_all(output, DELIVERIES.of(entries))


@app.command(epilog=examples("lakehook deliveries show sub_0123#39#2"))
def show(
    context: typer.Context, delivery: DeliveryId, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Show one delivery: every attempt, what came back, and what happens next."""
    explained = desk_of(context, stack).explain(delivery)
    log = ATTEMPTS.of(explained.record.log)
    answer(output, explanation_facts(explained), sections={"log": log})
