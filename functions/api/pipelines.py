"""``/pipelines``: what a pipeline has said, who has heard of it, and which don't end."""

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api import answers
from functions.api.fields import (
    USUALLY_LISTED,
    AtDesk,
    Cursor,
    Limit,
    OfSource,
    OlderThan,
    PipelineId,
    told,
)
from functions.api.page import page
from lakehook.desk.pipeline_facts import (
    event_facts,
    pipeline_facts,
    place_facts,
    unended_facts,
    unsent_facts,
)
from lakehook.domain.duration import parse_duration
from lakehook.domain.lifecycle import Stage
from lakehook.domain.stall import LONGEST_SECONDS

ROUTES = Router()
TAGS = ["Pipelines"]

InState = Annotated[
    Literal[Stage.CREATED, Stage.RUNNING] | None,
    Query(description="Those in this state; else in either."),
]


@ROUTES.get(
    "/pipelines",
    summary="List pipelines that have not ended",
    description="Since their state was accepted.",
    tags=TAGS,
    **told("The longest first."),
)
def list_pipelines(  # noqa: PLR0913  each is a parameter
    *,
    desk: AtDesk,
    state: InState = None,
    older_than: OlderThan = "0",
    source: OfSource = None,
    limit: Limit = USUALLY_LISTED,
    cursor: Cursor = None,
) -> answers.Pipelines:
    seconds = parse_duration(older_than, what="older_than", longest=LONGEST_SECONDS)
    found, following = page(
        desk.list_pipelines(state, older_than=seconds, source=source),
        key=lambda one: (one.since, one.pipeline.key),
        limit=limit,
        cursor=cursor,
    )
    listed = [answers.Pipeline(**unended_facts(one)) for one in found]
    return answers.Pipelines(pipelines=listed, next=following)


@ROUTES.get(
    "/pipelines/<pipeline>",
    summary="Show a pipeline",
    tags=TAGS,
    **told("Its events, and each subscriber's place in it.", 404),
)
def show_pipeline(desk: AtDesk, pipeline: PipelineId, source: OfSource = None) -> answers.Story:
    story = desk.tell_pipeline(pipeline, source=source)
    return answers.Story(
        **pipeline_facts(story.pipeline_key),
        events=[answers.Event(**event_facts(one)) for one in story.events],
        not_sent=[answers.NotSent(**unsent_facts(one)) for one in story.unsent],
        subscribers=[answers.Place(**place_facts(one)) for one in story.places],
    )
