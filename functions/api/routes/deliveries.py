"""``/deliveries``, ``/lanes`` and ``/status``: where deliveries are, and what needs a person."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api import responses
from functions.api.parameters import (
    DEFAULT_LISTED,
    Cursor,
    DeliveryId,
    Limit,
    OfSource,
    OfSubscription,
    Service,
    Since,
    before_timeout,
    operation,
)
from functions.api.responses import paginate_sorted
from lakehook.domain.lane import DeliveryStatus
from lakehook.operations.views.deliveries import (
    DeliveryDetailView,
    DeliveryView,
    LaneView,
    SentDeliveryView,
)
from lakehook.operations.views.status import StatusView
from lakehook.queries import DeliveryQuery, lane_order

ROUTES = Router()
TAGS = ["Deliveries"]

PipelineFilter = Annotated[
    str | None,
    Query(
        description="Those of this pipeline: its id, of a named source with `source` or as"
        " `staging/39`.",
        examples=["39"],
    ),
]
StatusFilter = Annotated[DeliveryStatus | None, Query(description="With this status.")]


@ROUTES.get(
    "/deliveries",
    summary="List deliveries",
    description="Without `pipeline` the whole ledger is read, whatever else is asked. What takes"
    " longer than the function may run is refused.",
    tags=TAGS,
    **operation("The last changed first, at most `limit`.", 404),
)
def list_deliveries(  # noqa: PLR0913  each is a parameter
    *,
    service: Service,
    pipeline: PipelineFilter = None,
    source: OfSource = None,
    subscription: OfSubscription = None,
    status: StatusFilter = None,
    since: Since = None,
    limit: Limit = DEFAULT_LISTED,
) -> responses.Deliveries:
    query = DeliveryQuery(
        pipeline=pipeline,
        source=source,
        subscription_id=service.resolve_id(subscription),
        status=status,
        since=0.0 if since is None else service.moment(since, what="since"),
        limit=limit,
    )
    seen = before_timeout(ROUTES, instead="name a pipeline, or use lakehook deliveries list")
    deliveries = service.list_deliveries(query, seen=seen)
    owners = service.subscriptions_by_id()
    return responses.Deliveries(
        deliveries=[DeliveryView.from_record(record, owners) for record in deliveries]
    )


@ROUTES.get(
    "/deliveries/<delivery>",
    summary="Explain a delivery",
    tags=TAGS,
    **operation("Every attempt, its response, and what happens next.", 404),
)
def explain(service: Service, delivery: DeliveryId) -> DeliveryDetailView:
    explained = service.explain(service.resolve_delivery(delivery))
    return DeliveryDetailView.from_explanation(explained, service.subscriptions_by_id())


@ROUTES.post(
    "/deliveries/<delivery>/send",
    summary="Send a delivery once more",
    description="One that was delivered, discarded or aborted, by the same id, marked `replayed`."
    " What is new of its pipeline waits behind it.",
    tags=TAGS,
    **operation("The delivery that goes out.", 404, 409),
)
def send_delivery(service: Service, delivery: DeliveryId) -> SentDeliveryView:
    return SentDeliveryView.from_delivery(service.resend(service.resolve_delivery(delivery)))


@ROUTES.get(
    "/lanes",
    summary="List held lanes",
    description="The head that nothing overtakes, and the number behind it.",
    tags=TAGS,
    **operation("The longest held first.", 404),
)
def list_lanes(
    service: Service,
    subscription: OfSubscription = None,
    limit: Limit = DEFAULT_LISTED,
    cursor: Cursor = None,
) -> responses.Lanes:
    owner = (
        service.find_subscription(subscription, removed=True) if subscription is not None else None
    )
    found, following = paginate_sorted(
        service.list_lanes.held(owner), key=lane_order, limit=limit, cursor=cursor
    )
    reports = service.list_lanes.report(found)
    return responses.Lanes(
        lanes=[LaneView.from_report(report) for report in reports], next=following
    )


@ROUTES.get(
    "/status",
    summary="Show the status",
    description="What `lakehook status` shows. It costs the same however much waits.",
    tags=["Status"],
    **operation("How each subscription is, the worst first."),
)
def show_status(service: Service) -> StatusView:
    return StatusView.from_report(service.show_status())
