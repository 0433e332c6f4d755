"""``lakehook pipelines``: what a pipeline has said, who has heard of it, and which don't end."""

from typing import Annotated, Any

import typer

from lakehook.desk.pipeline_facts import (
    event_facts,
    pipeline_facts,
    place_facts,
    unended_facts,
    unsent_facts,
)
from lakehook.domain.duration import in_words, parse_duration
from lakehook.domain.errors import BadInput
from lakehook.domain.lifecycle import UNENDED, Stage
from lakehook.domain.stall import LONGEST_SECONDS
from lakehook.list_pipelines import Unended
from ops.answers import Listing, Output, answer, answer_all
from ops.desk import desk_of
from ops.options import STACK, TEXT, AnswerAs, OfSource, PipelineId, Stack, examples

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
def list_(  # noqa: PLR0913  each is an option
    context: typer.Context,
    *,
    state: State = None,
    older_than: OlderThan = None,
    source: OfSource = None,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Show pipelines that have not ended, since their state was accepted; the longest first."""
    stage = None if state is None else _stage(state)
    seconds = _seconds(older_than) if older_than else 0.0
    found = desk_of(context, stack).list_pipelines(stage, older_than=seconds, source=source)
    answer_all(output, _UNENDED.of(found))


def _seconds(text: str) -> float:
    return parse_duration(text, what="older than", longest=LONGEST_SECONDS)


def _stage(text: str) -> Stage:
    if text not in UNENDED:
        raise BadInput(f"state: {text[:40]!a} is neither {' nor '.join(UNENDED)}")
    return Stage(text)


@app.command(epilog=examples("lakehook pipelines show 39", "lakehook pipelines show staging/39"))
def show(
    context: typer.Context,
    pipeline: PipelineId,
    *,
    source: OfSource = None,
    output: AnswerAs = TEXT,
    stack: Stack = STACK,
) -> None:
    """Show the events of a pipeline, and each subscriber's place in it."""
    story = desk_of(context, stack).tell_pipeline(pipeline, source=source)
    sections = {
        "events": _EVENTS.of(story.events),
        "not_sent": _UNSENT.of(story.unsent),
        "subscribers": _PLACES.of(story.places),
    }
    key = story.pipeline_key
    document = pipeline_facts(key) if output is Output.JSON else {"pipeline_id": key}
    answer(output, document, sections=sections)


def _unended_row(one: Unended) -> list[str]:
    """Where it is listed, a pipeline is named as it may be asked for."""
    facts = {
        **unended_facts(one),
        "pipeline_id": one.pipeline.key,
        "seconds": in_words(one.seconds),
    }
    return _row({name: value for name, value in facts.items() if name != "source"})


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
    _unended_row,
    unended_facts,
    "no such pipelines",
)
