"""``lakehook pipelines``: a pipeline's events, its subscribers' progress, unfinished pipelines."""

from typing import Annotated, Any

import typer

from lakehook.cli.context import service_of
from lakehook.cli.options import STACK, TEXT, AnswerAs, OfSource, PipelineId, Stack, examples
from lakehook.cli.output import Listing, Output, print_document, print_listing
from lakehook.domain.errors import InvalidInput
from lakehook.domain.pipeline import ACTIVE_STATES, MAX_SECONDS, PipelineState
from lakehook.domain.text import truncate
from lakehook.domain.time import format_duration, parse_duration
from lakehook.operations.views import (
    event_view,
    pipeline_facts,
    pipeline_view,
    progress_view,
    skipped_view,
)
from lakehook.queries import UnfinishedPipeline

MAX_PROJECT_WIDTH = 60  # characters

app = typer.Typer(
    rich_markup_mode=None, help="What a pipeline has said, and who has heard how much of it."
)

State = Annotated[
    str | None,
    typer.Option(
        "--state", metavar="|".join(ACTIVE_STATES), help="Those in this state; else in either."
    ),
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
    found = service_of(context, stack).list_pipelines(stage, older_than=seconds, source=source)
    print_listing(output, _UNENDED.table(found))


def _seconds(text: str) -> float:
    return parse_duration(text, what="older than", longest=MAX_SECONDS)


def _stage(text: str) -> PipelineState:
    if text not in ACTIVE_STATES:
        raise InvalidInput(f"state: {text[:40]!a} is neither {' nor '.join(ACTIVE_STATES)}")
    return PipelineState(text)


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
    story = service_of(context, stack).show_pipeline(pipeline, source=source)
    sections = {
        "events": _EVENTS.table(story.events),
        "not_sent": _UNSENT.table(story.skipped),
        "subscribers": _PLACES.table(story.subscribers),
    }
    key = story.pipeline_key
    document = pipeline_facts(key) if output is Output.JSON else {"pipeline_id": key}
    print_document(output, document, sections=sections)


def _unended_row(one: UnfinishedPipeline) -> list[str]:
    """Where it is listed, a pipeline is named as it may be asked for."""
    facts = {
        **pipeline_view(one),
        "pipeline_id": one.pipeline.key,
        "seconds": format_duration(one.seconds),
        "project_name": _project(one),
    }
    return _row({name: value for name, value in facts.items() if name != "source"})


_UNENDED = Listing(
    ("PIPELINE", "STATE", "SINCE", "FOR", "ROUND", "PROJECT", "STALL TOLD"),
    _unended_row,
    pipeline_view,
    "no such pipelines",
)


def _project(one: UnfinishedPipeline) -> str | None:
    """In a column of its own a long one would push the others off the screen."""
    name = one.pipeline.info.project_name if one.pipeline.info else None
    return truncate(name, MAX_PROJECT_WIDTH) if name else None


def _row(facts: dict[str, Any]) -> list[str]:
    return [_word(fact) for fact in facts.values()]


_EVENTS = Listing(
    ("SEQUENCE", "EVENT TYPE", "TIMESTAMP", "ACCEPTED", "EVENT ID", "INFERRED"),
    lambda one: _row(event_view(one)),
    event_view,
    "no events",
)
_PLACES = Listing(
    ("SUBSCRIBER", "NAME", "STATE", "LAST DELIVERED", "WAITING", "DEAD"),
    lambda one: _row(progress_view(one)),
    progress_view,
    "no subscriber has heard of it yet",
)
_UNSENT = Listing(
    ("NOT SENT", "TIMESTAMP", "ACCEPTED", "EVENT ID", "BECAUSE"),
    lambda one: _row(skipped_view(one)),
    skipped_view,
    "none was left out",
)


def _word(value: Any) -> str:
    match value:
        case None | False:
            return "-"
        case True:
            return "yes"
    return str(value)
