"""Replay: what a subscription has had, or has missed, goes out once more, in order.

An operator starts a replay, which is a record; the clock works it off, whoever has left meanwhile.

============  =========================================================
start.py      count, and begin; or go on with the same one
count.py      how much it is, by the journal and the ledger
choose.py     which events of the past are meant
work_off.py   a tick's share of every open replay
page.py       of one page of the past
line_up.py    one lane: its deliveries wait anew, in their order
look_up.py    those there are, by id; follow one, stop one
tidy.py       the dead-letter queue's copies of what was replayed
============  =========================================================
"""

from lakehook.replay.manage import (
    CountReplay,
    DeleteStaleDlqCopies,
    FollowReplay,
    LookUpReplays,
    ReplayCount,
    Started,
    StartReplay,
    StopReplay,
)
from lakehook.replay.worker import ProcessReplays

__all__ = [
    "CountReplay",
    "DeleteStaleDlqCopies",
    "FollowReplay",
    "LookUpReplays",
    "ProcessReplays",
    "ReplayCount",
    "StartReplay",
    "Started",
    "StopReplay",
]
