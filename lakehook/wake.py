"""Wake: send word to every held lane whose time has come."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from lakehook.domain.errors import OwnTrouble
from lakehook.domain.health import PROBE_LEASE_SECONDS, Health
from lakehook.domain.lane import LEASE_SECONDS, HeldLane
from lakehook.domain.message import Resume
from lakehook.ports.clock import Clock
from lakehook.ports.ledger import Due, Healths, Ledger
from lakehook.ports.messages import Bell
from lakehook.ports.telemetry import Telemetry

LANES_AT_A_TIME = 10
LANES_TO_CHOOSE_FROM = 20
MAX_TROUBLES = 3  # one lane may be in trouble; after so many, the table is


@dataclass(frozen=True)
class WakeLanes:
    ledger: Ledger
    healths: Healths
    bell: Bell
    clock: Clock
    telemetry: Telemetry

    def __call__(self) -> int:
        """Wake the lanes that are due; how many were told.

        The due time is moved on before word is sent, and the resume carries the new time as its
        token: of two clocks that tick at once, one rings.
        """
        resumed, troubles = 0, list[OwnTrouble]()
        for batch in _batches(self.ledger.due(self.clock.now()), LANES_AT_A_TIME):
            resumed += self._wake(batch, troubles)
            if len(troubles) >= MAX_TROUBLES:
                raise troubles[-1]
        return resumed

    def _wake(self, due: Iterable[Due], troubles: list[OwnTrouble]) -> int:
        """Tell those that could be leased, whatever became of the others: a lease takes minutes."""
        until = self.clock.now() + LEASE_SECONDS
        resumes: list[Resume] = []
        for lane in due:
            try:
                resume = self._lease(lane, until)
            except OwnTrouble as error:
                self.telemetry.trouble(error, doing="resume a lane")
                troubles.append(error)
            else:
                resumes += [resume] if resume else []
            if len(troubles) >= MAX_TROUBLES:
                break
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
