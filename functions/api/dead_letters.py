"""``/dead-letters``: what was given up on, and what is to become of it."""

from collections.abc import Callable, Sequence
from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.api import answers
from functions.api.fields import (
    USUALLY_LISTED,
    AtDesk,
    Cursor,
    Limit,
    OfSubscription,
    told,
)
from functions.api.orders import MOST_LETTERS, Chosen
from functions.api.page import page
from lakehook.desk import Desk
from lakehook.desk.delivery_facts import letter_facts
from lakehook.domain.errors import BadInput
from lakehook.domain.lane import DeliveryRecord
from lakehook.find_letters import Choice, is_one_choice

ROUTES = Router()
TAGS = ["Dead letters"]
AT_MOST = f"At most {MOST_LETTERS} in one call; `remaining` says how many are left for another."

OfReason = Annotated[str | None, Query(description="Those that died of this.")]
Found = Sequence[DeliveryRecord]


@ROUTES.get(
    "/dead-letters",
    summary="List dead letters",
    description="By the ledger: also those that the queue has lost.",
    tags=TAGS,
    **told("Lane by lane, in the order of their sequence.", 404),
)
def list_letters(
    *,
    desk: AtDesk,
    subscription: OfSubscription = None,
    reason: OfReason = None,
    limit: Limit = USUALLY_LISTED,
    cursor: Cursor = None,
) -> answers.Letters:
    found, following = page(
        desk.find_letters(Choice(subscription_id=desk.id_of(subscription), reason=reason)),
        key=lambda one: (str(one.lane), one.sequence),
        limit=limit,
        cursor=cursor,
    )
    return answers.Letters(dead_letters=_told(found), next=following)


@ROUTES.post(
    "/dead-letters/redrive",
    summary="Send dead letters again",
    description=f"Each before what waits behind it, with a fresh budget. {AT_MOST}",
    tags=TAGS,
    **told("The letters that go again.", 404, 409, body=True),
)
def redrive(desk: AtDesk, wanted: Chosen) -> answers.Acted:
    def act(letters: Found) -> Found:
        desk.redrive(letters)
        return letters

    return _acted("redrive", _chosen(desk, wanted), act, dry_run=bool(wanted.dry_run))


@ROUTES.post(
    "/dead-letters/discard",
    summary="Give dead letters up for good",
    description=f"What waits behind them goes on. {AT_MOST}",
    tags=TAGS,
    **told("The letters that are given up.", 404, 409, body=True),
)
def discard(desk: AtDesk, wanted: Chosen) -> answers.Acted:
    return _acted("discard", _chosen(desk, wanted), desk.discard, dry_run=bool(wanted.dry_run))


def _chosen(desk: Desk, wanted: Chosen) -> Found:
    ids, subscription, reason = wanted.ids, wanted.subscription, wanted.reason
    if not is_one_choice(ids, subscription, reason, every=bool(wanted.all)):
        raise BadInput("ids: give these, or subscription and reason, or all alone")
    return desk.find_letters(
        Choice(ids=ids or (), subscription_id=desk.id_of(subscription), reason=reason)
    )


def _acted(
    action: str, letters: Found, act: Callable[[Found], Found], *, dry_run: bool
) -> answers.Acted:
    now = letters[:MOST_LETTERS]
    acted = now if dry_run else act(now)
    return answers.Acted(
        action=action,
        would=dry_run,
        number=len(acted),
        remaining=len(letters) - len(now),
        dead_letters=_told(acted),
    )


def _told(letters: Found) -> list[answers.Letter]:
    return [answers.Letter(**letter_facts(one)) for one in letters]
