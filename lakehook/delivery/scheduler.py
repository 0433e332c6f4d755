"""Scheduler: resumes held lanes that are due, and suspended lanes, the longest held first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from lakehook.delivery.dependencies import DeliveryDependencies
from lakehook.domain.circuit_breaker import PROBE_LEASE_SECONDS, EndpointHealth
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.lane import LEASE_SECONDS, HeldLane
from lakehook.domain.queue_message import Resume
from lakehook.ports.queues import ResumeQueue
from lakehook.ports.stores import DueItem, EndpointHealthStore, Ledger
from lakehook.ports.system import Clock
from lakehook.ports.telemetry import Telemetry

MAX_LANES_EXAMINED = 100  # for some whose receiver does not wish them to wait


@dataclass(frozen=True)
class ResumeSuspendedLanes:
    dependencies: DeliveryDependencies

    def __call__(self, subscription_id: str, number: int) -> int:
        """Send word to so many of a subscription's; how many were told."""
        now = self.dependencies.clock.now()
        asleep = islice(
            self.dependencies.ledger.suspended_lanes(subscription_id), MAX_LANES_EXAMINED
        )
        ready = (one for one in asleep if one.retry_after_until <= now)
        resumes = [
            resume
            for one in islice(ready, number)
            if (resume := self._lease(one, until=now + LEASE_SECONDS))
        ]
        return (
            len(resumes) - len(self.dependencies.queue.enqueue_resumes(resumes)) if resumes else 0
        )

    def _lease(self, held: HeldLane, *, until: float) -> Resume | None:
        token = self.dependencies.ledger.lease(DueItem(held.lane, held.due_token), until=until)
        return None if token is None else Resume(held.lane, token)


LANES_AT_A_TIME = 10
LANES_TO_CHOOSE_FROM = 20
MAX_TROUBLES = 3  # one lane may be in trouble; after so many, the table is


@dataclass(frozen=True)
class ResumeDueLanes:
    ledger: Ledger
    endpoint_health: EndpointHealthStore
    queue: ResumeQueue
    clock: Clock
    telemetry: Telemetry

    def __call__(self) -> int:
        """Wake the lanes that are due; how many were told.

        The due time is moved on before word is sent, and the resume carries the new time as its
        token: of two clocks that tick at once, one rings.
        """
        resumed, troubles = 0, list[InfrastructureError]()
        for batch in _batches(self.ledger.due(self.clock.now()), LANES_AT_A_TIME):
            resumed += self._resume(batch, troubles)
            if len(troubles) >= MAX_TROUBLES:
                raise troubles[-1]
        return resumed

    def _resume(self, due: Iterable[DueItem], troubles: list[InfrastructureError]) -> int:
        """Tell those that could be leased, whatever became of the others: a lease takes minutes."""
        until = self.clock.now() + LEASE_SECONDS
        resumes: list[Resume] = []
        for lane in due:
            try:
                resume = self._lease(lane, until)
            except InfrastructureError as error:
                self.telemetry.internal_error(error, doing="resume a lane")
                troubles.append(error)
            else:
                resumes += [resume] if resume else []
            if len(troubles) >= MAX_TROUBLES:
                break
        return len(resumes) - len(self.queue.enqueue_resumes(resumes))

    def _lease(self, due: DueItem, until: float) -> Resume | None:
        if due.is_breaker:
            return self._probe(due, until)
        token = self.ledger.lease(due, until=until)
        return None if token is None else Resume(due.lane, token)

    def _probe(self, breaker: DueItem, until: float) -> Resume | None:
        """Whether the endpoint is up again: by the lane that has spent least of its budget.

        Where none may go, the probe stays due, for whichever lane is looked at next.
        """
        held = self.ledger.held_lanes(breaker.lane.subscription_id)
        first = next(held, None)
        if first is None:
            self._close_idle_breaker(breaker.lane.subscription_id)
            return None
        ready = filter(self._is_ready, chain([first], held))
        lanes = list(islice(ready, LANES_TO_CHOOSE_FROM))
        lease = self.clock.now() + PROBE_LEASE_SECONDS
        if not lanes or self.ledger.lease(breaker, until=lease) is None:
            return None
        lane: HeldLane = min(lanes, key=lambda one: one.attempts)
        # Word to the same lane by this very tick must not be taken for the probe.
        token = self.ledger.lease(DueItem(lane.lane, lane.due_token), until=until + 1)
        return None if token is None else Resume(lane.lane, token, probe=True)

    def _close_idle_breaker(self, subscription_id: str) -> None:
        """Nothing waits behind this breaker: what comes next finds out how its endpoint is."""
        self.endpoint_health.save(
            self.endpoint_health.find(subscription_id),
            EndpointHealth(subscription_id=subscription_id),
        )

    def _is_ready(self, lane: HeldLane) -> bool:
        return not lane.head_is_dead and lane.retry_after_until <= self.clock.now()


def _batches(due: Iterator[DueItem], size: int) -> Iterator[list[DueItem]]:
    while some := list(islice(due, size)):
        yield some
