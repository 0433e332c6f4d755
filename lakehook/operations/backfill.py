"""Backfill: a replay of the past for a new subscription, started once it is active."""

from lakehook.domain.errors import InvalidInput, LakehookError
from lakehook.domain.replay import BEGINNING, ReplayCriteria, ReplayRequest
from lakehook.domain.subscription import Subscription
from lakehook.operations import OperatorService


def parse_backfill(
    service: OperatorService, since: str | None, *, from_beginning: bool
) -> ReplayCriteria | None:
    """Parse the request, before anything is saved."""
    if since is not None and from_beginning:
        raise InvalidInput("since: give either the beginning or a time, not both")
    if since is None and not from_beginning:
        return None
    return service.start_replay.criteria(ReplayRequest(since=BEGINNING if since is None else since))


def start_backfill(
    service: OperatorService, subscription: Subscription, terms: ReplayCriteria | None
) -> str | None:
    """Start it, and return its id; a failure only warns, since the secret must still be shown."""
    if terms is None:
        return None
    try:
        return service.start_replay.for_new(subscription, terms).replay.id
    except LakehookError as error:
        since = terms.asked[0]
        service.start_replay.warn(
            f"it is subscribed, but past events are not being sent: {error}; try: lakehook replay"
            f" --subscription {subscription.id} --since {since} --status missing"
        )
        return None
