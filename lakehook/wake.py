"""Wake: send word to every held lane whose time has come."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from lakehook.domain.health import PROBE_LEASE_SECONDS, Health
from lakehook.domain.lane import LEASE_SECONDS, HeldLane
from lakehook.domain.message import Resume
from lakehook.ports.clock import Clock
from lakehook.ports.ledger import Due, Healths, Ledger
from lakehook.ports.messages import Bell

LANES_AT_A_TIME = 10
LANES_TO_CHOOSE_FROM = 20


@dataclass(frozen=True)
class WakeLanes:
    ledger: Ledger
    healths: Healths
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
        resumes = [resume for one in due if (resume := self._lease(one, until))]
        return len(resumes) - len(self.bell.ring(resumes))

    def _lease(self, due: Due, until: float) -> Resume | None:
        if due.breaker:
            return self._probe(due, until)
        token = self.ledger.lease(due, until=until)
        return None if token is None else Resume(due.lane, token)

    def _probe(self, breaker: Due, until: float) -> Resume | None:
        """Whether the endpoint is up again: by the lane that has spent least of its budget.

        Where none may go, the probe stays due, for whichever lane is looked at next.
        """
        held = self.ledger.held_by(breaker.lane.subscription_id)
        first = next(held, None)
        if first is None:
            self._forget(breaker.lane.subscription_id)
            return None
        ready = filter(self._may_go, chain([first], held))
        lanes = list(islice(ready, LANES_TO_CHOOSE_FROM))
        lease = self.clock.now() + PROBE_LEASE_SECONDS
        if not lanes or self.ledger.lease(breaker, until=lease) is None:
            return None
        lane: HeldLane = min(lanes, key=lambda one: one.attempts)
        # Word to the same lane by this very tick must not be taken for the probe.
        token = self.ledger.lease(Due(lane.lane, lane.token), until=until + 1)
        return None if token is None else Resume(lane.lane, token, probe=True)

    def _forget(self, subscription_id: str) -> None:
        """Nothing waits behind this breaker: what comes next finds out how its endpoint is."""
        self.healths.save(
            self.healths.find(subscription_id), Health(subscription_id=subscription_id)
        )

    def _may_go(self, lane: HeldLane) -> bool:
        return not lane.dead and lane.hinted_until <= self.clock.now()


def _batches(due: Iterator[Due], size: int) -> Iterator[list[Due]]:
    while some := list(islice(due, size)):
        yield some
