"""Rouse: word to lanes that sleep, the longest held first."""

from dataclasses import dataclass
from itertools import islice

from lakehook.deliver.crew import Crew
from lakehook.domain.lane import LEASE_SECONDS, HeldLane
from lakehook.domain.message import Resume
from lakehook.ports.ledger import Due

LANES_LOOKED_AT = 100  # for some whose receiver does not wish them to wait


@dataclass(frozen=True)
class Rouse:
    crew: Crew

    def __call__(self, subscription_id: str, number: int) -> int:
        """Send word to so many of a subscription's; how many were told."""
        now = self.crew.clock.now()
        asleep = islice(self.crew.ledger.asleep(subscription_id), LANES_LOOKED_AT)
        ready = (one for one in asleep if one.hinted_until <= now)
        resumes = [
            resume
            for one in islice(ready, number)
            if (resume := self._lease(one, until=now + LEASE_SECONDS))
        ]
        return len(resumes) - len(self.crew.bell.ring(resumes)) if resumes else 0

    def _lease(self, held: HeldLane, *, until: float) -> Resume | None:
        token = self.crew.ledger.lease(Due(held.lane, held.token), until=until)
        return None if token is None else Resume(held.lane, token)
