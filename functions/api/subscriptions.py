"""``/subscriptions``: who wants which events, where, and signed how."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api import answers
from functions.api.fields import (
    USUALLY_LISTED,
    AtDesk,
    Cursor,
    Limit,
    SubscriptionId,
    told,
)
from functions.api.orders import Sample
from functions.api.page import page
from functions.api.terms import Amendment, NewSubscription
from lakehook.desk.past import begin_past, past_asked_for
from lakehook.desk.preview_facts import preview_facts
from lakehook.desk.subscription_facts import (
    facts,
    facts_with_history,
    removal_facts,
    secret_facts,
    shown_once,
)

ROUTES = Router()
TAGS = ["Subscriptions"]

DiscardWaiting = Annotated[
    bool, Query(description="Give up what waits for it, and its dead letters too.")
]


@ROUTES.get("/subscriptions", summary="List subscriptions", tags=TAGS, **told("The oldest first."))
def list_subscriptions(
    desk: AtDesk, limit: Limit = USUALLY_LISTED, cursor: Cursor = None
) -> answers.Subscriptions:
    found, following = page(
        desk.look_up.all(),
        key=lambda one: (one.created_at, one.id),
        limit=limit,
        cursor=cursor,
    )
    listed = [answers.Subscription(**facts(one)) for one in found]
    return answers.Subscriptions(subscriptions=listed, next=following)


@ROUTES.post(
    "/subscriptions",
    summary="Subscribe an endpoint",
    description="To every PIPELINE_* event, or to those of `event_types`. In force at once.",
    tags=TAGS,
    **told("It is in force; its new secret is told this once.", status=201, body=True),
)
def subscribe(desk: AtDesk, wanted: NewSubscription) -> answers.Subscribed:
    past = past_asked_for(desk, wanted.since, from_beginning=bool(wanted.from_beginning))
    made, secret = desk.subscribe(wanted.terms, wanted.wish, pending=bool(wanted.challenge))
    begun = begin_past(desk, made, past)
    return answers.Subscribed(**facts(made), secret=shown_once(secret, wanted.secret), **begun)


@ROUTES.get(
    "/subscriptions/<subscription>",
    summary="Show a subscription",
    description="A removed one by its id.",
    tags=TAGS,
    **told("The subscription, and which secrets sign for it.", 404),
)
def show_subscription(desk: AtDesk, subscription: SubscriptionId) -> answers.SubscriptionInFull:
    found = desk.look_up(subscription, removed=True)
    secrets = [answers.Secret(**secret_facts(one)) for one in found.secrets]
    return answers.SubscriptionInFull(**facts_with_history(found), secrets=secrets)


@ROUTES.patch(
    "/subscriptions/<subscription>",
    summary="Change terms of a subscription",
    description="Those that are named; event types and headers are replaced as a whole.",
    tags=TAGS,
    **told(
        "The subscription, with these terms for every attempt from now on.", 404, 409, body=True
    ),
)
def amend(desk: AtDesk, subscription: SubscriptionId, wanted: Amendment) -> answers.Subscription:
    return answers.Subscription(**facts(desk.amend(desk.look_up(subscription), wanted.terms)))


@ROUTES.post(
    "/subscriptions/<subscription>/preview",
    summary="Show what would be sent of an event",
    description="And send nothing. A template that fails on it is refused with its reason.",
    tags=TAGS,
    **told("What would go out, to the letter.", 404, body=True),
)
def preview(desk: AtDesk, subscription: SubscriptionId, wanted: Sample) -> answers.Previewed:
    previewed = desk.preview(desk.look_up(subscription), wanted.sample)
    return answers.Previewed(**preview_facts(previewed))


@ROUTES.delete(
    "/subscriptions/<subscription>",
    summary="Remove a subscription",
    description="Refused while deliveries wait for it or are dead letters. Said again, with its"
    " id, it finishes what a removal that broke off has left.",
    tags=TAGS,
    **told("It is removed, and this is being discarded.", 404, 409),
)
def remove(
    *, desk: AtDesk, subscription: SubscriptionId, discard_waiting: DiscardWaiting = False
) -> answers.Removed:
    tombstone, backlog = desk.remove(subscription, discard_waiting=discard_waiting)
    return answers.Removed(**removal_facts(tombstone, backlog))
