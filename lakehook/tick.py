"""Tick of the scheduler, once a minute: its parts, each within a time of its own.

A failure of a part is counted, which alarms, and does not affect the rest. DevLake's API comes
last: nothing waits for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

from lakehook.delivery.scheduler import (
    DueItems,
    ProbeEndpoints,
    RecheckSubscriptions,
    ResumeDueLanes,
)
from lakehook.domain.pipeline import StallThresholds
from lakehook.ingestion.detect_stalled import PublishStalledPipelines
from lakehook.ports.ingress import Publish
from lakehook.ports.queues import DeliveryQueue, Remaining
from lakehook.ports.stores import (
    EndpointHealthStore,
    Journal,
    Ledger,
    ReplayStore,
    SubscriptionReader,
)
from lakehook.ports.system import Clock
from lakehook.ports.telemetry import Telemetry
from lakehook.replay.worker import ProcessReplays

RECONCILE_SECONDS = 20.0  # of one tick
SPARE_SECONDS = 10.0
"""Time for the last request of a run, and for the writes after it."""


@dataclass(frozen=True, kw_only=True)
class TickPorts:
    """Ports of all parts; ``notify`` and ``reconcile`` are imported by the runs that need them."""

    ledger: Ledger
    endpoint_health: EndpointHealthStore
    subscriptions: SubscriptionReader
    journal: Journal
    replays: ReplayStore
    queue: DeliveryQueue
    publish: Publish
    clock: Clock
    telemetry: Telemetry
    stall_thresholds: str
    notify: Callable[[], int]
    reconcile: Callable[[float], int]  # until a time


@dataclass(frozen=True)
class Tick:
    """The parts, each built when it first runs, so that a wrong setting fails its part alone."""

    ports: TickPorts

    def __call__(self, remaining: Remaining) -> dict[str, int]:
        """Run all parts, and return what each has done."""
        run, telemetry = self._run, self.ports.telemetry
        resumed = run(lambda: self.resume_lanes, doing="resume lanes")
        resumed += run(lambda: self.probe_endpoints, doing="probe endpoints")
        run(lambda: self.recheck_subscriptions, doing="recheck subscriptions")
        if resumed:
            telemetry.lanes_resumed(resumed)
        stalled = run(lambda: self.publish_stalled, doing="find stalled pipelines")
        if stalled:
            telemetry.stalled(stalled)
        replayed = run(lambda: self.process_replays, doing="replay")
        if replayed:
            telemetry.replayed(replayed)
        notified = run(lambda: self.ports.notify, doing="notify operators")
        seconds = min(RECONCILE_SECONDS, remaining() - SPARE_SECONDS)
        reconcile = partial(self.ports.reconcile, self.ports.clock.now() + seconds)
        return {
            "resumed": resumed,
            "stalled": stalled,
            "replayed": replayed,
            "notified": notified,
            "reconciled": run(lambda: reconcile, doing="reconcile"),
        }

    @cached_property
    def resume_lanes(self) -> ResumeDueLanes:
        return ResumeDueLanes(self.ports.ledger, self._due_items, self.ports.clock)

    @cached_property
    def probe_endpoints(self) -> ProbeEndpoints:
        ports = self.ports
        return ProbeEndpoints(
            ports.ledger, ports.endpoint_health, ports.subscriptions, self._due_items, ports.clock
        )

    @cached_property
    def recheck_subscriptions(self) -> RecheckSubscriptions:
        ports = self.ports
        return RecheckSubscriptions(
            ports.subscriptions, ports.ledger, ports.endpoint_health, ports.clock, ports.telemetry
        )

    @cached_property
    def publish_stalled(self) -> PublishStalledPipelines:
        ports = self.ports
        thresholds = StallThresholds.parse(ports.stall_thresholds)
        return PublishStalledPipelines(ports.journal, ports.publish, ports.clock, thresholds)

    @cached_property
    def process_replays(self) -> ProcessReplays:
        ports = self.ports
        return ProcessReplays(
            replays=ports.replays,
            subscriptions=ports.subscriptions,
            journal=ports.journal,
            ledger=ports.ledger,
            queue=ports.queue,
            clock=ports.clock,
            telemetry=ports.telemetry,
        )

    @cached_property
    def _due_items(self) -> DueItems:
        return DueItems(self.ports.queue, self.ports.clock, self.ports.telemetry)

    def _run(self, build: Callable[[], Callable[[], int]], *, doing: str) -> int:
        try:
            return build()()
        except Exception as error:  # noqa: BLE001  whatever it is, retries wait behind it
            self.ports.telemetry.internal_error(error, doing=doing)
            return 0
