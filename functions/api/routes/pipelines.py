"""``/pipelines``: a pipeline's events, its subscribers' progress, and unfinished pipelines."""

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api import responses
from functions.api.parameters import (
    DEFAULT_LISTED,
    Cursor,
    Limit,
    OfSource,
    OlderThan,
    PipelineId,
    Service,
    operation,
)
from functions.api.responses import paginate
from lakehook.domain.pipeline import MAX_SECONDS, PipelineState
from lakehook.domain.time import parse_duration
from lakehook.operations.views.pipelines import PipelineReportView, PipelineView

ROUTES = Router()
TAGS = ["Pipelines"]

InState = Annotated[
    Literal[PipelineState.CREATED, PipelineState.RUNNING] | None,
    Query(description="In this state; default: either."),
]


@ROUTES.get(
    "/pipelines",
    summary="List pipelines that have not ended",
    description="Since their state was accepted.",
    tags=TAGS,
    **operation("The longest first."),
)
def list_pipelines(  # noqa: PLR0913  each is a parameter
    *,
    service: Service,
    state: InState = None,
    older_than: OlderThan = "0",
    source: OfSource = None,
    limit: Limit = DEFAULT_LISTED,
    cursor: Cursor = None,
) -> responses.Pipelines:
    seconds = parse_duration(older_than, what="older_than", longest=MAX_SECONDS)
    found, following = paginate(
        service.list_pipelines(state, older_than=seconds, source=source),
        key=lambda pipeline: (pipeline.since, pipeline.pipeline.key),
        limit=limit,
        cursor=cursor,
    )
    listed = [PipelineView.from_unfinished(pipeline) for pipeline in found]
    return responses.Pipelines(pipelines=listed, next=following)


@ROUTES.get(
    "/pipelines/<pipeline>",
    summary="Show a pipeline",
    tags=TAGS,
    **operation("Its events, and each subscriber's progress.", 404),
)
def show_pipeline(
    service: Service, pipeline: PipelineId, source: OfSource = None
) -> PipelineReportView:
    return PipelineReportView.from_report(service.show_pipeline(pipeline, source=source))
