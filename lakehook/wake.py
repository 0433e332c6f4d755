"""Wake: send word to every held lane whose time has come."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from lakehook.domain.message import Resume
from lakehook.ports import Bell, Clock, Due, Ledger

LEASE_SECONDS = 300.0  # a resume that is lost is sent again after this
LANES_AT_A_TIME = 10


@dataclass(frozen=True)
class WakeLanes:
    ledger: Ledger
    bell: Bell
    clock: Clock

    def __call__(self) -> int:
        """Wake the lanes that are due; how many were told.

        The due time is moved on before word is sent, and the resume carries the new time as its
        token: of two clocks that tick at once, one rings.
        """
        due = self.ledger.due(self.clock.now())
        return sum(self._wake(some) for some in _batches(due, LANES_AT_A_TIME))

    def _wake(self, due: Iterable[Due]) -> int:
        until = self.clock.now() + LEASE_SECONDS
        resumes = [
            Resume(one.lane, token=token)
            for one in due
            if (token := self.ledger.lease(one, until=until)) is not None
        ]
        return len(resumes) - len(self.bell.ring(resumes))


def _batches(due: Iterator[Due], size: int) -> Iterator[list[Due]]:
    while some := list(islice(due, size)):
        yield some
