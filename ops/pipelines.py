"""``lakehook pipelines``: what a pipeline has said, who has heard of it, and which don't end."""

from typing import Annotated, Any

import typer

from lakehook.desk.pipeline_facts import (
    event_facts,
    place_facts,
    unended_facts,
    unsent_facts,
)
from lakehook.domain.duration import in_words, parse_duration
from lakehook.domain.errors import BadInput
from lakehook.domain.lifecycle import UNENDED, Stage
from lakehook.domain.stall import LONGEST_SECONDS
from ops.answers import Listing, answer, answer_all
from ops.desk import desk_of
from ops.options import STACK, TEXT, AnswerAs, PipelineId, Stack, examples

app = typer.Typer(
    rich_markup_mode=None, help="What a pipeline has said, and who has heard how much of it."
)


State = Annotated[
    str | None,
    typer.Option("--state", metavar="|".join(UNENDED), help="Those in this state; else in either."),
]
OlderThan = Annotated[
    str | None,
    typer.Option("--older-than", metavar="DURATION", help="Those in it for so long: 15m, 24h."),
]


@app.command(
    "list",
    epilog=examples(
        "lakehook pipelines list",
        "lakehook pipelines list --state created --older-than 15m --output json",
    ),
)
def list_(
    context: typer.Context,
    *,
    state: State = None,
    older_than: OlderThan = None,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Show pipelines that have not ended, since their state was accepted; the longest first."""
    stage = None if state is None else _stage(state)
    seconds = _seconds(older_than) if older_than else 0.0
    found = desk_of(context, stack).list_pipelines(stage, older_than=seconds)
    answer_all(output, _UNENDED.of(found))


def _seconds(text: str) -> float:
    return parse_duration(text, what="older than", longest=LONGEST_SECONDS)


def _stage(text: str) -> Stage:
    if text not in UNENDED:
        raise BadInput(f"state: {text[:40]!a} is neither {' nor '.join(UNENDED)}")
    return Stage(text)


@app.command(epilog=examples("lakehook pipelines show 39"))
def show(
    context: typer.Context, pipeline: PipelineId, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Show the events of a pipeline, and each subscriber's place in it."""
    story = desk_of(context, stack).tell_pipeline(pipeline)
    sections = {
        "events": _EVENTS.of(story.events),
        "not_sent": _UNSENT.of(story.unsent),
        "subscribers": _PLACES.of(story.places),
    }
    answer(output, {"pipeline_id": story.pipeline_id}, sections=sections)


def _row(facts: dict[str, Any]) -> list[str]:
    return [_word(one) for one in facts.values()]


def _word(value: Any) -> str:
    match value:
        case None | False:
            return "-"
        case True:
            return "yes"
    return str(value)


_EVENTS = Listing(
    ("SEQUENCE", "EVENT TYPE", "TIMESTAMP", "ACCEPTED", "EVENT ID", "INFERRED"),
    lambda one: _row(event_facts(one)),
    event_facts,
    "no events",
)
_PLACES = Listing(
    ("SUBSCRIBER", "NAME", "STATE", "LAST DELIVERED", "WAITING", "DEAD"),
    lambda one: _row(place_facts(one)),
    place_facts,
    "no subscriber has heard of it yet",
)
_UNSENT = Listing(
    ("NOT SENT", "TIMESTAMP", "ACCEPTED", "EVENT ID", "BECAUSE"),
    lambda one: _row(unsent_facts(one)),
    unsent_facts,
    "every notice was sent",
)
_UNENDED = Listing(
    ("PIPELINE", "STATE", "SINCE", "FOR", "ROUND", "PROJECT", "STALL TOLD"),
    lambda one: _row({**unended_facts(one), "seconds": in_words(one.seconds)}),
    unended_facts,
    "no such pipelines",
)
