"""Deliver: the messages of one lane in order, each attempted when its turn has come.

A delivery is attempted at once while its lane flows. When an attempt fails, the lane is held at
that delivery: what comes after it waits in the ledger, and a resume works off the waiting line
from its head. See ``domain/lane.py`` for the states.

=========  ============================================================
visit.py   one worker's stay in a lane: what to do with each message
turn.py    one delivery's turn: attempt it, and what follows from that
pulse.py   the health of the subscription's endpoint, felt at each attempt
pace.py    its rate, where it has one: no attempt goes out before its place has come
rouse.py   word to lanes that sleep
hold.py    the lane's record as this worker last wrote it
crew.py    whoever has a part in it
=========  ============================================================
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from lakehook.deliver.crew import Crew, OutOfTime
from lakehook.deliver.visit import Visit
from lakehook.domain.delivery import Delivery
from lakehook.domain.disposition import Again, Disposition
from lakehook.domain.errors import LaneMoved
from lakehook.domain.message import Message, Received
from lakehook.ports.ledger import Page
from lakehook.ports.messages import Remaining

__all__ = ["Crew", "Deliver"]


@dataclass(frozen=True)
class Deliver:
    crew: Crew

    def read(self, messages: Sequence[Message]) -> Page:
        """One consistent read for a whole batch: its lanes, and what is known of its deliveries."""
        deliveries = [message for message in messages if isinstance(message, Delivery)]
        return self.crew.ledger.read(deliveries, {message.lane for message in messages})

    def __call__(
        self, received: Sequence[Received], page: Page, remaining: Remaining
    ) -> list[Disposition]:
        """Work off the messages of one lane; what is to become of each, in the same order."""
        visit = Visit(self.crew, received[0].message.lane, page, remaining)
        dispositions: list[Disposition] = []
        with suppress(OutOfTime, LaneMoved):
            for one in received:
                dispositions.append(visit.receive(one))  # noqa: PERF401  keep those before a stop
        return dispositions + [Again()] * (len(received) - len(dispositions))
