"""What is shown of replays, and of what one would send."""

from typing import Any

from lakehook.domain.replay import Replay
from lakehook.domain.rfc_3339 import rfc_3339
from ops.answers import NONE, Listing


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


def _time(at: float | None) -> str | None:
    return None if at is None else rfc_3339(at)


def _row(one: Replay) -> tuple[str, ...]:
    matched = NONE if one.matched is None else str(one.matched)
    return (
        one.id,
        one.subscription_id,
        f"{one.state} ({one.reason})" if one.reason else str(one.state),
        str(one.sent),
        matched,
        str(one.terms.rate),
        rfc_3339(one.started_at),
    )


REPLAYS = Listing(
    ("ID", "SUBSCRIPTION", "STATE", "SENT", "OF", "RATE", "STARTED AT"),
    _row,
    replay_facts,
    "no replays",
)

BY_TYPE = Listing(
    ("EVENT TYPE", "DELIVERIES"),
    lambda one: (one[0], str(one[1])),
    lambda one: {"event_type": str(one[0]), "deliveries": one[1]},
    "nothing to send",
)
