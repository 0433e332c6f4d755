"""``lakehook subscriptions match``: which of these events would go out?"""

from typing import Any

import typer

from lakehook.domain.channels import channel_of
from lakehook.domain.event import Event
from lakehook.domain.subscription import Subscription
from ops.answers import Listing, answer_all
from ops.desk import desk_of
from ops.events import events_in
from ops.options import STACK, TEXT, AnswerAs, EventsFile, Id, Stack, examples

app = typer.Typer(rich_markup_mode=None)


@app.command(
    epilog=examples(
        "lakehook subscriptions match ci --file events.jsonl",
        "lakehook subscriptions match ci --file - --output json < events.jsonl",
    )
)
def match(
    context: typer.Context,
    subscription: Id,
    *,
    file: EventsFile,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Show which events of a file would go to it, and why the others would not; sends none."""
    found = desk_of(context, stack).look_up(subscription)
    answer_all(output, _MATCHES.of([(found, event) for event in events_in(file)]))


def _reason(subscription: Subscription, event: Event) -> str | None:
    if subscription.is_pending:
        return "pending a challenge"
    if not subscription.wants(event.type):
        return "event type"
    if not subscription.matches(event):
        return "pattern"
    return channel_of(subscription).silence(event)


def _facts(tried: tuple[Subscription, Event]) -> dict[str, Any]:
    reason = _reason(*tried)
    _, event = tried
    return {
        "pipeline_id": event.pipeline_id,
        "event_type": str(event.type),
        "event_id": event.id,
        "matches": reason is None,
        "reason": reason,
    }


def _row(tried: tuple[Subscription, Event]) -> tuple[str, ...]:
    told = _facts(tried)
    return (
        "yes" if told["matches"] else "no",
        told["pipeline_id"],
        told["event_type"],
        told["event_id"],
        told["reason"] or "-",
    )


_MATCHES = Listing(
    ("GOES OUT", "PIPELINE", "EVENT TYPE", "EVENT ID", "WHY NOT"), _row, _facts, "no events"
)
