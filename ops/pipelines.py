"""``lakehook pipelines``: what a pipeline has said, and who has heard how much of it."""

from typing import Any

import typer

from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.standing import standing_of
from lakehook.ports import Accepted
from lakehook.tell_pipeline import Place
from ops.answers import Listing, answer
from ops.desk import desk_of
from ops.options import STACK, TEXT, AnswerAs, PipelineId, Stack, examples

app = typer.Typer(
    rich_markup_mode=None, help="What a pipeline has said, and who has heard how much of it."
)


@app.callback()
def pipelines() -> None:
    """Keep ``show`` a command of its own: typer would merge it into a group of one."""


@app.command(epilog=examples("lakehook pipelines show 39"))
def show(
    context: typer.Context, pipeline: PipelineId, output: AnswerAs = TEXT, stack: Stack = STACK
) -> None:
    """Show the events of a pipeline, and each subscriber's place in it."""
    story = desk_of(context, stack).tell_pipeline(pipeline)
    sections = {"events": _EVENTS.of(story.events), "subscribers": _PLACES.of(story.places)}
    answer(output, {"pipeline_id": story.pipeline_id}, sections=sections)


def _event(accepted: Accepted) -> dict[str, Any]:
    event = accepted.numbered.event
    return {
        "sequence": accepted.numbered.sequence,
        "event_type": str(event.type),
        "timestamp": event.document["timestamp"],
        "accepted_at": rfc_3339(accepted.at),
        "event_id": event.id,
    }


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
    ("SEQUENCE", "EVENT TYPE", "TIMESTAMP", "ACCEPTED", "EVENT ID"),
    lambda one: [str(value) for value in _event(one).values()],
    _event,
    "no events",
)
_PLACES = Listing(
    ("SUBSCRIBER", "NAME", "STATE", "LAST DELIVERED", "WAITING", "DEAD"),
    lambda one: ["-" if value is None else str(value) for value in _place(one).values()],
    _place,
    "no subscriber has heard of it yet",
)
