"""``lakehook pipelines``: what a pipeline has said, who has heard of it, and which don't end."""

from typing import Annotated, Any

import typer

from lakehook.domain.duration import in_words, parse_duration
from lakehook.domain.errors import BadInput
from lakehook.domain.lifecycle import UNENDED, Stage
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.stall import LONGEST_SECONDS
from lakehook.domain.standing import standing_of
from lakehook.list_pipelines import Unended
from lakehook.ports import Accepted, SetAside
from lakehook.tell_pipeline import Place
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


def _event(accepted: Accepted) -> dict[str, Any]:
    event = accepted.numbered.event
    return {
        "sequence": accepted.numbered.sequence,
        "event_type": str(event.type),
        "timestamp": event.document["timestamp"],
        "accepted_at": rfc_3339(accepted.at),
        "event_id": event.id,
        "inferred": event.is_inferred,
    }


def _unsent(one: SetAside) -> dict[str, Any]:
    return {
        "event_type": str(one.event.type),
        "timestamp": one.event.at,
        "accepted_at": rfc_3339(one.at),
        "event_id": one.event.id,
        "because": str(one.fate),
    }


def _unended(one: Unended) -> dict[str, Any]:
    label, round_ = one.pipeline.label, one.pipeline.round
    return {
        "pipeline_id": one.pipeline.id,
        "state": str(round_.stage),
        "since": rfc_3339(one.since),
        "seconds": int(one.seconds),
        "round": round_.number,
        "project_name": label.project_name if label else None,
        "stall_told": round_.stalled,
    }


def _row(facts: dict[str, Any]) -> list[str]:
    return [_word(one) for one in facts.values()]


def _word(value: Any) -> str:
    match value:
        case None | False:
            return "-"
        case True:
            return "yes"
    return str(value)


def _place(place: Place) -> dict[str, Any]:
    return {
        "subscription_id": place.subscription.id,
        "name": place.subscription.name,
        "state": str(standing_of(place.subscription)),
        "last_delivered": place.last_delivered,
        "waiting": place.waiting,
        "dead": place.dead,
    }


_EVENTS = Listing(
    ("SEQUENCE", "EVENT TYPE", "TIMESTAMP", "ACCEPTED", "EVENT ID", "INFERRED"),
    lambda one: _row(_event(one)),
    _event,
    "no events",
)
_PLACES = Listing(
    ("SUBSCRIBER", "NAME", "STATE", "LAST DELIVERED", "WAITING", "DEAD"),
    lambda one: _row(_place(one)),
    _place,
    "no subscriber has heard of it yet",
)
_UNSENT = Listing(
    ("NOT SENT", "TIMESTAMP", "ACCEPTED", "EVENT ID", "BECAUSE"),
    lambda one: _row(_unsent(one)),
    _unsent,
    "every notice was sent",
)
_UNENDED = Listing(
    ("PIPELINE", "STATE", "SINCE", "FOR", "ROUND", "PROJECT", "STALL TOLD"),
    lambda one: _row({**_unended(one), "seconds": in_words(one.seconds)}),
    _unended,
    "no such pipelines",
)
