"""How a replay is written as an item, and read back.

==================  ==================================================================
``replays#open``    by subscription: so there is one at a time, and the clock finds all
``replays#ended``   by its id, for 60 days
==================  ==================================================================
"""

from typing import Any

from lakehook.adapters.dynamo_item import Item, from_item, milliseconds, to_item
from lakehook.domain.event import EventType
from lakehook.domain.rate import Rate
from lakehook.domain.replay import Replay, State, Terms, Wanted
from lakehook.settings import DeliveriesTable as Table

FORM = 1
OPEN, ENDED = "replays#open", "replays#ended"


def open_key(replay: Replay) -> Item:
    return to_item({Table.PARTITION_KEY: OPEN, Table.SORT_KEY: replay.subscription_id})


def _key(replay: Replay) -> Item:
    if replay.is_open:
        return open_key(replay)
    return to_item({Table.PARTITION_KEY: ENDED, Table.SORT_KEY: replay.id})


def replay_item(replay: Replay, *, expires_at: int | None) -> Item:
    return _key(replay) | to_item(
        {
            Table.TTL: expires_at,
            "form": FORM,
            "id": replay.id,
            "subscription_id": replay.subscription_id,
            "state": str(replay.state),
            "reason": replay.reason or None,
            "started_at": milliseconds(replay.started_at),
            "ended_at": _time(replay.ended_at),
            "next_at": milliseconds(replay.next_at),
            "cursor": replay.cursor,
            "pipeline": replay.pipeline,
            "matched": replay.matched,
            "sent": replay.sent,
            "waiting": replay.waiting,
            "failed": replay.failed,
            "replay_version": replay.version,
            **_terms_values(replay.terms),
        }
    )


def _terms_values(terms: Terms) -> dict[str, Any]:
    return {
        "since": milliseconds(terms.since),
        "until": _time(terms.until),
        "event_types": [str(one) for one in terms.event_types],
        "status": str(terms.status),
        "rate": str(terms.rate),
        "asked": list(terms.asked),
    }


def replay_of(item: Item) -> Replay:
    values = from_item(item)
    return Replay(
        id=values["id"],
        subscription_id=values["subscription_id"],
        terms=_terms_of(values),
        state=State(values["state"]),
        reason=values.get("reason", ""),
        started_at=values["started_at"] / 1000,
        ended_at=_seconds(values.get("ended_at")),
        next_at=values["next_at"] / 1000,
        cursor=values["cursor"],
        pipeline=values["pipeline"],
        matched=values.get("matched"),
        sent=values["sent"],
        waiting=values["waiting"],
        failed=values["failed"],
        version=values["replay_version"],
    )


def _terms_of(values: dict[str, Any]) -> Terms:
    since, until = values["asked"]
    return Terms(
        since=values["since"] / 1000,
        until=_seconds(values.get("until")),
        event_types=tuple(EventType(one) for one in values["event_types"]),
        status=Wanted(values["status"]),
        rate=Rate.parse(values["rate"]),
        asked=(since, until),
    )


def _time(seconds: float | None) -> int | None:
    return None if seconds is None else milliseconds(seconds)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
