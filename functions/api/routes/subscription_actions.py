"""``/subscriptions/{id}/…``: pause, resume, enable, test, and rotate secrets."""

from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.api import responses
from functions.api.parameters import Service, SubscriptionId, operation
from functions.api.requests import MatchRequest, RotationRequest, TestRequest
from lakehook.domain.errors import InvalidEvent, InvalidInput
from lakehook.domain.event import Event, pipeline_key_of
from lakehook.domain.json_document import Document, to_json
from lakehook.domain.signing import MAX_OVERLAP_SECONDS
from lakehook.domain.time import parse_duration
from lakehook.operations.views.subscriptions import (
    MatchView,
    PingReportView,
    ResumedSubscriptionView,
    RotatedSecretView,
    SubscriptionView,
    secret_to_reveal,
)
from lakehook.subscriptions.preview import match
from lakehook.subscriptions.secrets import Rotated

ROUTES = Router()
TAGS = ["Subscriptions"]


@ROUTES.post(
    "/subscriptions/<subscription>/pause",
    summary="Pause a subscription",
    description="Its deliveries wait in the ledger, in order, until it is resumed.",
    tags=TAGS,
    **operation("The subscription.", 404, 409),
)
def pause(service: Service, subscription: SubscriptionId) -> SubscriptionView:
    paused = service.pause(service.find_subscription(subscription))
    return SubscriptionView.from_subscription(paused)


@ROUTES.post(
    "/subscriptions/<subscription>/resume",
    summary="Resume a paused subscription",
    description="Some six hundred lanes a minute are resumed.",
    tags=TAGS,
    **operation("The subscription, and the number of resumed lanes.", 404, 409),
)
def resume(service: Service, subscription: SubscriptionId) -> ResumedSubscriptionView:
    resumed, lanes = service.resume(service.find_subscription(subscription))
    return ResumedSubscriptionView.from_subscription(resumed, lanes_resumed=lanes)


@ROUTES.post(
    "/subscriptions/<subscription>/enable",
    summary="Enable a subscription that was disabled",
    description="Some six hundred lanes a minute are resumed; its endpoint counts as healthy.",
    tags=TAGS,
    **operation("The subscription, and the number of resumed lanes.", 404, 409),
)
def enable(service: Service, subscription: SubscriptionId) -> ResumedSubscriptionView:
    enabled, lanes = service.enable(service.find_subscription(subscription))
    return ResumedSubscriptionView.from_subscription(enabled, lanes_resumed=lanes)


@ROUTES.post(
    "/subscriptions/<subscription>/test",
    summary="Test the endpoint",
    description="By a signed PING. One that is pending is sent a challenge, and is active once its"
    " endpoint has echoed it.",
    tags=TAGS,
    **operation("The endpoint's response, if any.", 404, 409, body=True),
)
def test_endpoint(
    service: Service, subscription: SubscriptionId, wanted: TestRequest
) -> PingReportView:
    seconds = wanted.wait_seconds
    after, pong = service.test_endpoint(
        service.find_subscription(subscription), within_seconds=seconds
    )
    return PingReportView.from_ping(after, pong, seconds)


@ROUTES.post(
    "/subscriptions/<subscription>/rotate-secret",
    summary="Sign with a new secret",
    description="And by the old one too until the overlap is over: if the answer is lost, say it"
    " again. Without an overlap bring the secret, or nobody might know the one that signs.",
    tags=TAGS,
    **operation("The new secret, shown once, and when it takes effect.", 404, 409, body=True),
)
def rotate_secret(
    service: Service, subscription: SubscriptionId, wanted: RotationRequest
) -> RotatedSecretView:
    rotated = service.rotate_secret(
        service.find_subscription(subscription),
        overlap_seconds=parse_duration(wanted.overlap, what="overlap", longest=MAX_OVERLAP_SECONDS),
        signing=wanted.signing,
        provided=wanted.secret,
        show=lambda rotated: _refuse_loss(rotated, wanted),
    )
    return RotatedSecretView.from_rotation(rotated, provided=wanted.secret)


def _refuse_loss(rotated: Rotated, wanted: RotationRequest) -> None:
    """Ensure a lost response is harmless: the old secret still signs, or the caller has the new."""
    older = rotated.subscription.secrets[1:]
    if not older and secret_to_reveal(rotated.secret, wanted.secret):
        raise InvalidInput(
            "overlap: without one a lost answer would lose the secret that signs; bring one"
            " (secret), or name an overlap, such as 10m, within which this can be said again"
        )


@ROUTES.post(
    "/subscriptions/<subscription>/match",
    summary="Match events against a subscription",
    description="Which of them would be sent, and why the others would not; none is sent.",
    tags=TAGS,
    **operation("One result for each event, in order.", 404, body=True),
)
def match_events(
    service: Service, subscription: SubscriptionId, wanted: MatchRequest
) -> responses.MatchResults:
    owner = service.find_subscription(subscription)
    events = [_event(number, one) for number, one in enumerate(wanted.events)]
    tried = [MatchView.from_match(result) for result in match(owner, events)]
    return responses.MatchResults(matches=tried)


def _event(number: int, document: Document) -> Event:
    try:
        return Event.from_message(to_json(document), group=pipeline_key_of(document))
    except InvalidEvent as error:
        raise InvalidEvent(f"events.{number}: {error}") from None
