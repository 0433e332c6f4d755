"""What is told of replays, and of what one would send."""

from typing import Any

from lakehook.domain.replay import Replay, Terms
from lakehook.domain.rfc_3339 import rfc_3339
from lakehook.domain.subscription import Subscription
from lakehook.replay import Tally


def replay_facts(one: Replay) -> dict[str, Any]:
    terms = one.terms
    return {
        "replay_id": one.id,
        "subscription_id": one.subscription_id,
        "state": str(one.state),
        "reason": one.reason or None,
        "since": rfc_3339(terms.since),
        "until": _time(terms.until),
        "event_types": [str(event_type) for event_type in terms.event_types],
        "status": str(terms.status),
        "rate": str(terms.rate),
        "started_at": rfc_3339(one.started_at),
        "ended_at": _time(one.ended_at),
        "matched": one.matched,
        "sent": one.sent,
        "waiting": one.waiting,
        "failed": one.failed,
    }


def tally_facts(tally: Tally, terms: Terms, subscription: Subscription) -> dict[str, Any]:
    return {
        "subscription_id": subscription.id,
        "since": rfc_3339(terms.since),
        "until": _time(terms.until),
        "deliveries": tally.deliveries,
        "pipelines": tally.pipelines,
        "waiting": tally.waiting,
    }


def of_type_facts(counted: tuple[str, int]) -> dict[str, Any]:
    event_type, deliveries = counted
    return {"event_type": str(event_type), "deliveries": deliveries}


def _time(at: float | None) -> str | None:
    return None if at is None else rfc_3339(at)
