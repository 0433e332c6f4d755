"""The past of a new subscription: asked for with it, and on its way as soon as it is in force."""

from typing import Any

from lakehook.desk import Desk
from lakehook.domain.errors import BadInput, LakehookError
from lakehook.domain.replay import BEGINNING, Terms, Wish
from lakehook.domain.subscription import Subscription


def past_asked_for(desk: Desk, since: str | None, *, from_beginning: bool) -> Terms | None:
    """Read before anything is saved."""
    if since is not None and from_beginning:
        raise BadInput("since: the past is asked for from the beginning, or since then, not both")
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
