"""``/subscriptions``: create, read, change, remove, pause, resume, enable, test, rotate secrets."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api import responses
from functions.api.parameters import (
    DEFAULT_LISTED,
    Cursor,
    Limit,
    Service,
    SubscriptionId,
    operation,
)
from functions.api.requests import (
    Amendment,
    ClientCertificateRequest,
    MatchRequest,
    NewSubscription,
    PreviewRequest,
    RotationRequest,
    TestRequest,
)
from functions.api.responses import paginate
from lakehook.domain.errors import InvalidEvent, InvalidInput
from lakehook.domain.event import Event, pipeline_key_of
from lakehook.domain.json_document import Document, to_json
from lakehook.domain.signing import MAX_OVERLAP_SECONDS
from lakehook.domain.time import parse_duration
from lakehook.operations.views.subscriptions import (
    CreatedSubscriptionView,
    MatchView,
    PingReportView,
    PreviewResultView,
    RemovedView,
    ResumedSubscriptionView,
    RotatedSecretView,
    SubscriptionDetailView,
    SubscriptionView,
    secret_to_reveal,
)
from lakehook.subscriptions.preview import match
from lakehook.subscriptions.secrets import Rotated

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
    listed = [
        SubscriptionView.from_subscription(subscription, healths[subscription.id])
        for subscription in found
    ]
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
def subscribe(service: Service, body: NewSubscription) -> CreatedSubscriptionView:
    past = service.parse_backfill(body.since, from_beginning=bool(body.from_beginning))
    subscription, secret = service.subscribe(
        body.fields, body.secret_request, pending=bool(body.challenge)
    )
    return CreatedSubscriptionView.from_subscription(
        subscription,
        secret=secret_to_reveal(secret, body.secret),
        replay_id=service.start_backfill(subscription, past),
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
def update(service: Service, subscription: SubscriptionId, body: Amendment) -> SubscriptionView:
    updated = service.update(service.find_subscription(subscription), body.fields)
    return SubscriptionView.from_subscription(updated)


@ROUTES.post(
    "/subscriptions/<subscription>/preview",
    summary="Show what would be sent for an event",
    description="Nothing is sent. A failing template is rejected with its reason.",
    tags=TAGS,
    **operation("The exact request.", 404, body=True),
)
def preview(
    service: Service, subscription: SubscriptionId, body: PreviewRequest
) -> PreviewResultView:
    previewed = service.preview(service.find_subscription(subscription), body.sample)
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
    service: Service, subscription: SubscriptionId, body: TestRequest
) -> PingReportView:
    seconds = body.wait_seconds
    after, result = service.test_endpoint(
        service.find_subscription(subscription), within_seconds=seconds
    )
    return PingReportView.from_ping(after, result, seconds)


@ROUTES.post(
    "/subscriptions/<subscription>/rotate-secret",
    summary="Sign with a new secret",
    description="And by the old one too until the overlap is over: if the answer is lost, say it"
    " again. Without an overlap, give the secret: a lost response would lose a new one.",
    tags=TAGS,
    **operation("The new secret, shown once, and when it takes effect.", 404, 409, body=True),
)
def rotate_secret(
    service: Service, subscription: SubscriptionId, body: RotationRequest
) -> RotatedSecretView:
    rotated = service.rotate_secret(
        service.find_subscription(subscription),
        overlap_seconds=parse_duration(body.overlap, what="overlap", longest=MAX_OVERLAP_SECONDS),
        signing=body.signing,
        provided=body.secret,
        show=lambda rotated: _reject_loss(rotated, body),
    )
    return RotatedSecretView.from_rotation(rotated, provided=body.secret)


def _reject_loss(rotated: Rotated, body: RotationRequest) -> None:
    """Ensure a lost response is harmless: the old secret still signs, or the caller has the new."""
    older = rotated.subscription.secrets[1:]
    if not older and secret_to_reveal(rotated.secret, body.secret):
        raise InvalidInput(
            "overlap: without one a lost answer would lose the secret that signs; bring one"
            " (secret), or name an overlap, such as 10m, within which this can be said again"
        )


@ROUTES.put(
    "/subscriptions/<subscription>/client-certificate",
    summary="Present a client certificate",
    description="Instead of the one before, if there is one. The receiver must ask for it (mTLS).",
    tags=TAGS,
    **operation("The subscription, and what the certificate says.", 404, 409, body=True),
)
def set_client_certificate(
    service: Service, subscription: SubscriptionId, body: ClientCertificateRequest
) -> SubscriptionDetailView:
    changed = service.set_client_certificate(
        service.find_subscription(subscription), certificate=body.certificate, key=body.key
    )
    return SubscriptionDetailView.from_subscription(changed)


@ROUTES.delete(
    "/subscriptions/<subscription>/client-certificate",
    summary="Present no client certificate",
    description="Its private key is deleted.",
    tags=TAGS,
    **operation("The subscription.", 404, 409),
)
def remove_client_certificate(
    service: Service, subscription: SubscriptionId
) -> SubscriptionDetailView:
    changed = service.remove_client_certificate(service.find_subscription(subscription))
    return SubscriptionDetailView.from_subscription(changed)


@ROUTES.post(
    "/subscriptions/<subscription>/match",
    summary="Match events against a subscription",
    description="Which of them would be sent, and why the others would not; none is sent.",
    tags=TAGS,
    **operation("One result for each event, in order.", 404, body=True),
)
def match_events(
    service: Service, subscription: SubscriptionId, body: MatchRequest
) -> responses.MatchResults:
    owner = service.find_subscription(subscription)
    events = [_event(number, document) for number, document in enumerate(body.events)]
    tried = [MatchView.from_match(result) for result in match(owner, events)]
    return responses.MatchResults(matches=tried)


def _event(number: int, document: Document) -> Event:
    try:
        return Event.from_message(to_json(document), group=pipeline_key_of(document))
    except InvalidEvent as error:
        raise InvalidEvent(f"events.{number}: {error}") from None
