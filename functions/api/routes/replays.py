"""``/replays``: send past events again."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path

from functions.api import responses
from functions.api.parameters import (
    DEFAULT_LISTED,
    Cursor,
    Limit,
    Service,
    before_timeout,
    operation,
)
from functions.api.requests import NewReplay
from functions.api.responses import paginate
from lakehook.operations.views.replays import ReplayCountView, ReplayStartedView, ReplayView

ROUTES = Router()
TAGS = ["Replays"]

ReplayId = Annotated[str, Path(description="The replay's id.", examples=["rpl_0123"])]


@ROUTES.get("/replays", summary="List replays", tags=TAGS, **operation("The last started first."))
def list_replays(
    service: Service, limit: Limit = DEFAULT_LISTED, cursor: Cursor = None
) -> responses.ReplayList:
    found, following = paginate(
        service.replays.all(),
        key=lambda replay: (-replay.started_at, replay.id),
        limit=limit,
        cursor=cursor,
    )
    owners = service.subscriptions_by_id()
    return responses.ReplayList(
        replays=[ReplayView.from_replay(replay, owners) for replay in found], next=following
    )


@ROUTES.post(
    "/replays",
    summary="Send past events again",
    description="What was accepted in that time, in order, by the same ids, marked `replayed`."
    " It is written down and goes on by itself; one subscription has one at a time, and asked for"
    " once more it is the one that is open.",
    tags=TAGS,
    **operation("The open replay.", 404, 409, status=201, body=True),
)
def replay(service: Service, body: NewReplay) -> ReplayStartedView:
    subscription = service.find_subscription(body.subscription)
    started = service.start_replay(
        subscription, service.start_replay.criteria(body.request, subscription), counted=False
    )
    return ReplayStartedView.from_replay(
        started.replay, service.subscriptions_by_id(), already_running=started.already_running
    )


@ROUTES.post(
    "/replays/count",
    summary="Count what a replay would send",
    description="All of the journal is read for it, and nothing written. What takes longer than"
    " the function may run is refused: it is for the command.",
    tags=TAGS,
    **operation("Its deliveries.", 404, body=True),
)
def count(service: Service, body: NewReplay) -> ReplayCountView:
    subscription = service.find_subscription(body.subscription)
    criteria = service.start_replay.criteria(body.request, subscription)
    on_progress = before_timeout(ROUTES, instead="lakehook replay --dry-run counts it")
    counted = service.count_replay(criteria, subscription, on_progress=on_progress)
    return ReplayCountView.from_count(counted, criteria, subscription)


@ROUTES.get(
    "/replays/<replay>",
    summary="Show a replay",
    tags=TAGS,
    **operation("Its request, and its progress.", 404),
)
def show_replay(service: Service, replay: ReplayId) -> ReplayView:
    return ReplayView.from_replay(service.replays(replay), service.subscriptions_by_id())


@ROUTES.post(
    "/replays/<replay>/stop",
    summary="Stop a replay",
    description="Enqueued deliveries are still sent.",
    tags=TAGS,
    **operation("The replay; one that has ended is unchanged.", 404, 409),
)
def stop_replay(service: Service, replay: ReplayId) -> ReplayView:
    return ReplayView.from_replay(service.stop_replay(replay), service.subscriptions_by_id())
