"""Backfill: a replay of the past for a new subscription, started once it is in force."""

from lakehook.domain.errors import InvalidInput, LakehookError
from lakehook.domain.replay import BEGINNING, ReplayCriteria, ReplayRequest
from lakehook.domain.subscription import Subscription
from lakehook.operations import OperatorService


def parse_backfill(
    service: OperatorService, since: str | None, *, from_beginning: bool
) -> ReplayCriteria | None:
    """Read before anything is saved."""
    if since is not None and from_beginning:
        raise InvalidInput(
            "since: the past is asked for from the beginning, or since then, not both"
        )
    if since is None and not from_beginning:
        return None
    return service.start_replay.criteria(ReplayRequest(since=BEGINNING if since is None else since))


def start_backfill(
    service: OperatorService, subscription: Subscription, terms: ReplayCriteria | None
) -> str | None:
    """The replay's id. The secret is shown now or never, so a failure is only warned of."""
    if terms is None:
        return None
    try:
        return service.start_replay.for_new(subscription, terms).replay.id
    except LakehookError as error:
        since = terms.asked[0]
        service.start_replay.warn(
            f"it is subscribed, and its past is not on its way: {error}; try: lakehook replay"
            f" --subscription {subscription.id} --since {since} --status missing"
        )
        return None
