"""``/pipelines``, and ``/events/parked``: those that fan-out refused."""

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
    ParkedId,
    PipelineId,
    Service,
    operation,
)
from functions.api.requests import CorrectedEvent, PipelineReceiver
from functions.api.responses import paginate
from lakehook.domain.event import parse_pipeline_key
from lakehook.domain.json_document import to_json
from lakehook.domain.pipeline import MAX_SECONDS, PipelineState
from lakehook.domain.time import parse_duration
from lakehook.operations.views.pipelines import (
    ParkedEventView,
    PipelineReportView,
    PipelineView,
    SentEventView,
    SentPipelineView,
)

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


@ROUTES.post(
    "/pipelines/<pipeline>/send",
    summary="Send a pipeline's events to one subscription",
    description="In order, marked `replayed`. Those that it has had go out again by the same ids;"
    " those that wait are left alone.",
    tags=TAGS,
    **operation("How many go out.", 404, 409, body=True),
)
def send_pipeline(
    service: Service, pipeline: PipelineId, body: PipelineReceiver, source: OfSource = None
) -> SentPipelineView:
    key = parse_pipeline_key(pipeline, source=source)
    subscription = service.find_subscription(body.subscription)
    result = service.send_pipeline(key, subscription)
    return SentPipelineView.from_result(key, subscription, result)


@ROUTES.get(
    "/events/parked",
    summary="List parked events",
    description="Those that the queue shows. Other readers do not see them for a moment.",
    tags=["Parked events"],
    **operation("The oldest first."),
)
def list_parked_events(service: Service) -> responses.ParkedEvents:
    parked = service.parked_events.all()
    return responses.ParkedEvents(parked=[ParkedEventView.from_parked(event) for event in parked])


@ROUTES.get(
    "/events/parked/<parked>",
    summary="Show a parked event",
    tags=["Parked events"],
    **operation("Its body, and why it was refused.", 404),
)
def show_parked_event(service: Service, parked: ParkedId) -> ParkedEventView:
    return ParkedEventView.from_parked(service.parked_events.find(parked))


@ROUTES.post(
    "/events/parked/<parked>/send",
    summary="Publish a parked event",
    description="As it is, or corrected. It comes after what its pipeline has published since.",
    tags=["Parked events"],
    **operation("The event that was published; it is no longer parked.", 404, body=True),
)
def send_parked_event(service: Service, parked: ParkedId, body: CorrectedEvent) -> SentEventView:
    text = None if body.event is None else to_json(body.event)
    return SentEventView.from_event(service.parked_events.send(parked, text))


@ROUTES.delete(
    "/events/parked/<parked>",
    summary="Delete a parked event for good",
    tags=["Parked events"],
    **operation("The event is deleted.", 404),
)
def delete_parked_event(service: Service, parked: ParkedId) -> responses.Deleted:
    service.parked_events.delete(parked)
    return responses.Deleted(deleted=1)
