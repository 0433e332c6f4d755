"""``/subscriptions``: create, read, change and remove subscriptions."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api import responses
from functions.api.pagination import paginate
from functions.api.parameters import (
    DEFAULT_LISTED,
    Cursor,
    Limit,
    Service,
    SubscriptionId,
    operation,
)
from functions.api.requests import Amendment, NewSubscription, PreviewRequest
from lakehook.operations.backfill import parse_backfill, start_backfill
from lakehook.operations.views.subscriptions import (
    CreatedSubscriptionView,
    PreviewResultView,
    RemovedView,
    SubscriptionDetailView,
    SubscriptionView,
    secret_to_reveal,
)

ROUTES = Router()
TAGS = ["Subscriptions"]

DiscardWaiting = Annotated[
    bool, Query(description="Discard its waiting deliveries and dead letters.")
]


@ROUTES.get(
    "/subscriptions", summary="List subscriptions", tags=TAGS, **operation("The oldest first.")
)
def list_subscriptions(
    service: Service, limit: Limit = DEFAULT_LISTED, cursor: Cursor = None
) -> responses.Subscriptions:
    found, following = paginate(
        service.find_subscription.all(),
        key=lambda subscription: (subscription.created_at, subscription.id),
        limit=limit,
        cursor=cursor,
    )
    healths = service.show_status.healths(found)
    listed = [SubscriptionView.from_subscription(one, healths[one.id]) for one in found]
    return responses.Subscriptions(subscriptions=listed, next=following)


@ROUTES.post(
    "/subscriptions",
    summary="Subscribe an endpoint",
    description="To every PIPELINE_* event, or to those of `event_types`. In force at once.",
    tags=TAGS,
    **operation(
        "The active subscription; its new secret is shown once.", 409, status=201, body=True
    ),
)
def subscribe(service: Service, wanted: NewSubscription) -> CreatedSubscriptionView:
    past = parse_backfill(service, wanted.since, from_beginning=bool(wanted.from_beginning))
    made, secret = service.subscribe(
        wanted.fields, wanted.secret_request, pending=bool(wanted.challenge)
    )
    return CreatedSubscriptionView.from_subscription(
        made,
        secret=secret_to_reveal(secret, wanted.secret),
        replay_id=start_backfill(service, made, past),
    )


@ROUTES.get(
    "/subscriptions/<subscription>",
    summary="Show a subscription",
    description="A removed one by its id.",
    tags=TAGS,
    **operation("The subscription, and its active secrets.", 404),
)
def show_subscription(service: Service, subscription: SubscriptionId) -> SubscriptionDetailView:
    shown = service.find_subscription(subscription, removed=True)
    healths = service.show_status.healths([shown])
    return SubscriptionDetailView.from_subscription(shown, healths[shown.id])


@ROUTES.patch(
    "/subscriptions/<subscription>",
    summary="Change a subscription",
    description="The given fields; event types and headers are replaced as a whole.",
    tags=TAGS,
    **operation(
        "The subscription; the fields apply to every attempt from now on.", 404, 409, body=True
    ),
)
def update(service: Service, subscription: SubscriptionId, wanted: Amendment) -> SubscriptionView:
    updated = service.update(service.find_subscription(subscription), wanted.fields)
    return SubscriptionView.from_subscription(updated)


@ROUTES.post(
    "/subscriptions/<subscription>/preview",
    summary="Show what would be sent for an event",
    description="Nothing is sent. A failing template is rejected with its reason.",
    tags=TAGS,
    **operation("The exact request.", 404, body=True),
)
def preview(
    service: Service, subscription: SubscriptionId, wanted: PreviewRequest
) -> PreviewResultView:
    previewed = service.preview(service.find_subscription(subscription), wanted.sample)
    return PreviewResultView.from_preview(previewed)


@ROUTES.delete(
    "/subscriptions/<subscription>",
    summary="Remove a subscription",
    description="Refused while deliveries wait for it or are dead letters. Said again, with its"
    " id, it finishes what a removal that broke off has left.",
    tags=TAGS,
    **operation("It is removed, and this is discarded.", 404, 409),
)
def remove(
    *, service: Service, subscription: SubscriptionId, discard_waiting: DiscardWaiting = False
) -> RemovedView:
    return RemovedView.from_removal(
        *service.remove_subscription(subscription, discard_waiting=discard_waiting)
    )
