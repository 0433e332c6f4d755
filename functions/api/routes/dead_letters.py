"""``/dead-letters``: list, redrive and discard dead letters."""

from collections.abc import Callable, Sequence
from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api import responses
from functions.api.parameters import (
    DEFAULT_LISTED,
    Cursor,
    Limit,
    OfSubscription,
    Service,
    before_timeout,
    operation,
)
from functions.api.requests import MAX_DEAD_LETTERS, DeadLetterSelection
from functions.api.responses import paginate
from lakehook.dead_letters import DeadLetterSelector, is_exactly_one_selector
from lakehook.domain.errors import InvalidInput
from lakehook.domain.lane import DeliveryRecord
from lakehook.operations import OperatorService
from lakehook.operations.views.deliveries import DeadLetterActionResult, DeadLetterView

ROUTES = Router()
TAGS = ["Dead letters"]
MAX_AT_ONCE = (
    f"At most {MAX_DEAD_LETTERS} in one call; `remaining` says how many are left for another."
)

ReasonFilter = Annotated[str | None, Query(description="With this reason.")]
Found = Sequence[DeliveryRecord]


@ROUTES.get(
    "/dead-letters",
    summary="List dead letters",
    description="From the ledger, including those that the queue no longer has.",
    tags=TAGS,
    **operation("By lane, in the order of their sequence.", 404),
)
def list_dead_letters(
    *,
    service: Service,
    subscription: OfSubscription = None,
    reason: ReasonFilter = None,
    limit: Limit = DEFAULT_LISTED,
    cursor: Cursor = None,
) -> responses.DeadLetters:
    selector = DeadLetterSelector(subscription_id=service.resolve_id(subscription), reason=reason)
    found, following = paginate(
        _find(service, selector),
        key=lambda dead_letter: (str(dead_letter.lane), dead_letter.sequence),
        limit=limit,
        cursor=cursor,
    )
    owners = service.subscriptions_by_id()
    return responses.DeadLetters(
        dead_letters=[DeadLetterView.from_record(letter, owners) for letter in found],
        next=following,
    )


@ROUTES.post(
    "/dead-letters/redrive",
    summary="Send dead letters again",
    description=f"Each before later deliveries, with a fresh budget. {MAX_AT_ONCE}",
    tags=TAGS,
    **operation("The dead letters that are sent again.", 404, 409, body=True),
)
def redrive(service: Service, body: DeadLetterSelection) -> DeadLetterActionResult:
    dry_run = bool(body.dry_run)
    return _act(service, "redrive", _selected(service, body), service.redrive, dry_run=dry_run)


@ROUTES.post(
    "/dead-letters/discard",
    summary="Discard dead letters for good",
    description=f"Deliveries behind them go on. {MAX_AT_ONCE}",
    tags=TAGS,
    **operation("The discarded dead letters.", 404, 409, body=True),
)
def discard(service: Service, body: DeadLetterSelection) -> DeadLetterActionResult:
    dry_run = bool(body.dry_run)
    return _act(service, "discard", _selected(service, body), service.discard, dry_run=dry_run)


def _selected(service: OperatorService, body: DeadLetterSelection) -> Found:
    ids, subscription, reason = body.ids, body.subscription, body.reason
    if not is_exactly_one_selector(ids, subscription, reason, every=bool(body.all)):
        raise InvalidInput("ids: give these, or subscription and reason, or all alone")
    selector = DeadLetterSelector(
        ids=[service.resolve_delivery(id_) for id_ in ids or ()],
        subscription_id=service.resolve_id(subscription),
        reason=reason,
    )
    return _find(service, selector)


def _find(service: OperatorService, selector: DeadLetterSelector) -> Found:
    on_progress = before_timeout(ROUTES, instead="name ids, or use lakehook dead-letters")
    return service.find_dead_letters(selector, on_progress=on_progress)


def _act(
    service: OperatorService,
    action: str,
    letters: Found,
    act: Callable[[Found], Found],
    *,
    dry_run: bool,
) -> DeadLetterActionResult:
    now = letters[:MAX_DEAD_LETTERS]
    behind = service.find_dead_letters.count_behind(now)
    acted = now if dry_run else act(now)
    return DeadLetterActionResult.from_records(
        action,
        acted,
        service.subscriptions_by_id(),
        dry_run=dry_run,
        waiting_behind=behind,
        remaining=len(letters) - len(now),
    )
