"""Scheduler: resumes held lanes that are due, and suspended lanes, the longest held first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from lakehook.delivery.dependencies import DeliveryDependencies
from lakehook.domain.circuit_breaker import PROBE_LEASE_SECONDS, EndpointHealth
from lakehook.domain.errors import InfrastructureError
from lakehook.domain.lane import LEASE_SECONDS, HeldLane
from lakehook.domain.queue_message import Resume
from lakehook.ports.queues import DeliveryQueue
from lakehook.ports.stores import DueItem, EndpointHealthStore, Ledger
from lakehook.ports.system import Clock
from lakehook.ports.telemetry import Telemetry

MAX_LANES_EXAMINED = 100  # some of them may still have to wait by their endpoint's Retry-After
MAX_LANES_PROBED = 500  # each minute while an endpoint is down, however much waits for it
LANES_AT_A_TIME = 10
LANES_TO_CHOOSE_FROM = 20
MAX_INDEX_LAG_SECONDS = 600.0  # DynamoDB states no bound; usually it is milliseconds
MAX_RUN_SECONDS = 30.0
"""Of one tick, so that stalls, replays and notices have theirs; what is left stays due."""
MAX_TROUBLES = 3  # one failure may concern one lane; this many concern the table


@dataclass(frozen=True)
class ResumeDueLanes:
    ledger: Ledger
    endpoint_health: EndpointHealthStore
    queue: DeliveryQueue
    clock: Clock
    telemetry: Telemetry

    def __call__(self) -> int:
        """Resume the lanes that are due, as far as time allows, and return how many."""
        # The due time is moved first, and the resume carries the new time as its token: of two
        # concurrent ticks, one sends it.
        resumed, troubles = 0, list[InfrastructureError]()
        ends_at = self.clock.now() + MAX_RUN_SECONDS
        for batch in _batches(self.ledger.due(self.clock.now()), LANES_AT_A_TIME):
            resumed += self._resume(batch, troubles)
            if len(troubles) >= MAX_TROUBLES:
                raise troubles[-1]
            if self.clock.now() >= ends_at:
                break
        return resumed

    def _resume(self, due: Iterable[DueItem], troubles: list[InfrastructureError]) -> int:
        """Resume the leased lanes even if others failed, since a lease lasts minutes."""
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
        """Probe the endpoint by the lane that has spent least of its budget.

        Suspended lanes come first: any number of dead ones may be held longer. If no lane is ready,
        the probe stays due, for the next lane that is processed.
        """
        subscription_id = breaker.lane.subscription_id
        held = self.ledger.held_lanes(subscription_id)
        first = next(held, None)
        if first is None:
            self._close_idle_breaker(subscription_id)
            return None
        candidates = chain(self.ledger.suspended_lanes(subscription_id), [first], held)
        ready = filter(self._is_ready, islice(candidates, MAX_LANES_PROBED))
        lanes = list(islice(ready, LANES_TO_CHOOSE_FROM))
        lease = self.clock.now() + PROBE_LEASE_SECONDS
        if not lanes or self.ledger.lease(breaker, until=lease) is None:
            return None
        lane: HeldLane = min(lanes, key=lambda held: held.attempts)
        # A resume of the same lane in this tick must not be taken for the probe.
        token = self.ledger.lease(DueItem(lane.lane, lane.due_token), until=until + 1)
        return None if token is None else Resume(lane.lane, token, probe=True)

    def _close_idle_breaker(self, subscription_id: str) -> None:
        """Close a breaker behind which no lane has waited since long before it was due.

        The index of held lanes may lag, and a closed breaker resumes no lane. While the breaker is
        due, no lane comes to wait behind it: the next delivery is its probe.
        """
        health = self.endpoint_health.find(subscription_id)
        if health.due_at and health.due_at + MAX_INDEX_LAG_SECONDS <= self.clock.now():
            self.endpoint_health.save(health, EndpointHealth(subscription_id=subscription_id))

    def _is_ready(self, lane: HeldLane) -> bool:
        return not lane.head_is_dead and lane.retry_after_until <= self.clock.now()


def resume_suspended_lanes(
    dependencies: DeliveryDependencies, subscription_id: str, number: int
) -> int:
    """Resume up to ``number`` lanes of a subscription, the longest held first; return how many."""
    now = dependencies.clock.now()
    suspended = islice(dependencies.ledger.suspended_lanes(subscription_id), MAX_LANES_EXAMINED)
    ready = (held for held in suspended if held.retry_after_until <= now)
    resumes = [
        Resume(held.lane, token)
        for held in islice(ready, number)
        if (token := _lease(dependencies.ledger, held, until=now + LEASE_SECONDS)) is not None
    ]
    return len(resumes) - len(dependencies.queue.enqueue_resumes(resumes)) if resumes else 0


def _lease(ledger: Ledger, held: HeldLane, *, until: float) -> int | None:
    return ledger.lease(DueItem(held.lane, held.due_token), until=until)


def _batches(due: Iterator[DueItem], size: int) -> Iterator[list[DueItem]]:
    while batch := list(islice(due, size)):
        yield batch
