"""How replays are listed, and what one would send."""

from lakehook.desk.replay_facts import of_type_facts, replay_facts
from lakehook.domain.replay import Replay
from lakehook.domain.rfc_3339 import rfc_3339
from ops.answers import NONE, Listing


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
    of_type_facts,
    "nothing to send",
)
