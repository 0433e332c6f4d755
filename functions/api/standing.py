"""``/subscriptions/{id}/…``: whether it is sent anything, is there, and how it is signed for."""

from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.api import answers
from functions.api.fields import AtDesk, SubscriptionId, told
from functions.api.orders import Rotation, Test, Trial
from lakehook.desk.asked import Asked
from lakehook.desk.match_facts import match_facts
from lakehook.desk.subscription_facts import facts, rotation_facts, secret_facts, shown_once
from lakehook.domain.document import Document, text_of
from lakehook.domain.duration import parse_duration
from lakehook.domain.errors import BadEvent
from lakehook.domain.event import Event, pipeline_key_of
from lakehook.domain.rotation import LONGEST_OVERLAP_SECONDS
from lakehook.match import match

ROUTES = Router()
TAGS = ["Subscriptions"]


@ROUTES.post(
    "/subscriptions/<subscription>/pause",
    summary="Pause a subscription",
    description="Its deliveries wait in the ledger, in order, until it is resumed.",
    tags=TAGS,
    **told("The subscription.", 404, 409),
)
def pause(desk: AtDesk, subscription: SubscriptionId) -> answers.Subscription:
    return answers.Subscription(**facts(desk.pause(desk.look_up(subscription))))


@ROUTES.post(
    "/subscriptions/<subscription>/resume",
    summary="Resume a paused subscription",
    description="Some six hundred lanes a minute go on.",
    tags=TAGS,
    **told("The subscription, and how many lanes go on.", 404, 409),
)
def resume(desk: AtDesk, subscription: SubscriptionId) -> answers.Woken:
    resumed, lanes = desk.unpause(desk.look_up(subscription))
    return answers.Woken(**facts(resumed), lanes_woken=lanes)


@ROUTES.post(
    "/subscriptions/<subscription>/enable",
    summary="Enable a subscription that was disabled",
    description="Some six hundred lanes a minute go on; its endpoint is held to be well.",
    tags=TAGS,
    **told("The subscription, and how many lanes go on.", 404, 409),
)
def enable(desk: AtDesk, subscription: SubscriptionId) -> answers.Woken:
    enabled, lanes = desk.enable(desk.look_up(subscription))
    return answers.Woken(**facts(enabled), lanes_woken=lanes)


@ROUTES.post(
    "/subscriptions/<subscription>/test",
    summary="Ask the endpoint whether it is there",
    description="By a signed PING. One that is pending is sent a challenge, and is active once its"
    " endpoint has echoed it.",
    tags=TAGS,
    **told("What the endpoint answered, if it did.", 404, 409, body=True),
)
def ask(desk: AtDesk, subscription: SubscriptionId, wanted: Test) -> answers.Asked:
    seconds = wanted.wait_seconds
    after, pong = desk.ask(desk.look_up(subscription), within_seconds=seconds)
    return answers.Asked(**Asked(after, pong, seconds).facts)


@ROUTES.post(
    "/subscriptions/<subscription>/rotate-secret",
    summary="Sign by a new secret",
    description="And by the old one too until the overlap is over.",
    tags=TAGS,
    **told("The new secret, told this once, and when it is in force.", 404, 409, body=True),
)
def rotate_secret(desk: AtDesk, subscription: SubscriptionId, wanted: Rotation) -> answers.Rotated:
    rotated = desk.rotate_secret(
        desk.look_up(subscription),
        overlap_seconds=parse_duration(
            wanted.overlap, what="overlap", longest=LONGEST_OVERLAP_SECONDS
        ),
        signing=wanted.signing,
        brought=wanted.secret,
    )
    secrets = [answers.Secret(**secret_facts(one)) for one in rotated.subscription.secrets]
    secret = shown_once(rotated.secret, wanted.secret)
    return answers.Rotated(**rotation_facts(rotated, told=secret), secrets=secrets)


@ROUTES.post(
    "/subscriptions/<subscription>/match",
    summary="Try events on a subscription",
    description="Which of them would go out to it, and why the others would not; none is sent.",
    tags=TAGS,
    **told("One answer for each event, in their order.", 404, body=True),
)
def try_events(desk: AtDesk, subscription: SubscriptionId, wanted: Trial) -> answers.Matches:
    found = desk.look_up(subscription)
    events = [_event(number, one) for number, one in enumerate(wanted.events)]
    tried = [answers.Match(**match_facts(one)) for one in match(found, events)]
    return answers.Matches(matches=tried)


def _event(number: int, document: Document) -> Event:
    try:
        return Event.from_message(text_of(document), group=pipeline_key_of(document))
    except BadEvent as error:
        raise BadEvent(f"events.{number}: {error}") from None
