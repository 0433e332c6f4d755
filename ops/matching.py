"""``lakehook subscriptions match``: which of these events would go out?"""

import typer

from lakehook.desk.match_facts import match_facts
from lakehook.match import Match
from lakehook.match import match as match_events
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
    answer_all(output, _MATCHES.of(match_events(found, events_in(file))))


def _row(tried: Match) -> tuple[str, ...]:
    told = match_facts(tried)
    return (
        "yes" if told["matches"] else "no",
        tried.event.pipeline_key,
        told["event_type"],
        told["event_id"],
        told["reason"] or "-",
    )


_MATCHES = Listing(
    ("GOES OUT", "PIPELINE", "EVENT TYPE", "EVENT ID", "WHY NOT"), _row, match_facts, "no events"
)
