"""``/deliveries`` and ``/lanes``: where each is, what was tried, and what happens next."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api import answers
from functions.api.fields import (
    USUALLY_LISTED,
    AtDesk,
    Cursor,
    DeliveryId,
    Limit,
    OfSource,
    OfSubscription,
    Since,
    told,
    while_there_is_time,
)
from functions.api.page import page
from lakehook.desk.delivery_facts import (
    attempt_facts,
    delivery_facts,
    explanation_facts,
    lane_facts,
)
from lakehook.domain.lane import Status
from lakehook.list_deliveries import Question

ROUTES = Router()
TAGS = ["Deliveries"]

OfPipeline = Annotated[
    str | None,
    Query(
        description="Those of this pipeline: its id, of a named source with `source` or as"
        " `staging/39`.",
        examples=["39"],
    ),
]
OfStatus = Annotated[Status | None, Query(description="Those that stand like this.")]


@ROUTES.get(
    "/deliveries",
    summary="List deliveries",
    description="Without `pipeline` the whole ledger is read, whatever else is asked. What takes"
    " longer than the function may run is refused.",
    tags=TAGS,
    **told("The last changed first, no more than `limit`.", 404),
)
def list_deliveries(  # noqa: PLR0913  each is a parameter
    *,
    desk: AtDesk,
    pipeline: OfPipeline = None,
    source: OfSource = None,
    subscription: OfSubscription = None,
    status: OfStatus = None,
    since: Since = None,
    limit: Limit = USUALLY_LISTED,
) -> answers.Deliveries:
    question = Question(
        pipeline=pipeline,
        source=source,
        subscription_id=desk.id_of(subscription),
        status=status,
        since=0.0 if since is None else desk.moment(since, what="since"),
        limit=limit,
    )
    seen = while_there_is_time(ROUTES, instead="name a pipeline, or ask lakehook deliveries list")
    found = desk.list_deliveries(question, seen=seen)
    return answers.Deliveries(deliveries=[answers.Delivery(**delivery_facts(one)) for one in found])


@ROUTES.get(
    "/deliveries/<delivery>",
    summary="Explain a delivery",
    tags=TAGS,
    **told("Every attempt, what came back, and what happens next.", 404),
)
def explain(desk: AtDesk, delivery: DeliveryId) -> answers.DeliveryInFull:
    explained = desk.explain(delivery)
    log = [answers.Attempt(**attempt_facts(one)) for one in explained.record.log]
    return answers.DeliveryInFull(**explanation_facts(explained), log=log)


@ROUTES.get(
    "/lanes",
    summary="List held lanes",
    description="The head that nothing overtakes, and how many wait behind it.",
    tags=TAGS,
    **told("The longest held first.", 404),
)
def list_lanes(
    desk: AtDesk,
    subscription: OfSubscription = None,
    limit: Limit = USUALLY_LISTED,
    cursor: Cursor = None,
) -> answers.Lanes:
    asked = desk.look_up(subscription, removed=True) if subscription is not None else None
    found, following = page(
        desk.list_lanes(asked),
        key=lambda one: (one.held.held_since, str(one.held.lane)),
        limit=limit,
        cursor=cursor,
    )
    return answers.Lanes(lanes=[answers.Lane(**lane_facts(one)) for one in found], next=following)
