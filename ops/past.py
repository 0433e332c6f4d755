"""``subscriptions add --from-beginning|--since``: the past of a new subscription."""

from typing import Annotated, Any

import typer

from lakehook.domain.errors import LakehookError
from lakehook.domain.replay import BEGINNING, Terms, Wish
from lakehook.domain.subscription import Subscription
from ops.desk import Desk

FromBeginning = Annotated[
    bool,
    typer.Option("--from-beginning", help="It is sent all of the past that is kept, at 10/s."),
]
PastSince = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="The past since then: 2026-01-01T12:00:00Z, 3d."),
]


def past_asked_for(desk: Desk, since: str | None, *, from_beginning: bool) -> Terms | None:
    """Read before anything is saved."""
    if since is not None and from_beginning:
        raise typer.BadParameter("give --from-beginning or --since, not both")
    if since is None and not from_beginning:
        return None
    return desk.start_replay.terms(Wish(since=BEGINNING if since is None else since))


def begin_past(desk: Desk, subscription: Subscription, terms: Terms | None) -> dict[str, Any]:
    """What is told of it. The secret is shown now or never, whatever fails here."""
    if terms is None:
        return {}
    try:
        return {"replay_id": desk.start_replay.for_new(subscription, terms).replay.id}
    except LakehookError as error:
        since = terms.asked[0]
        desk.start_replay.warn(
            f"it is subscribed, and its past is not on its way: {error}; try: lakehook replay"
            f" --subscription {subscription.id} --since {since} --status missing"
        )
        return {"replay_id": None}
