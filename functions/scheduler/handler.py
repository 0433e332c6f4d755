"""Lambda handler of the scheduler: due lanes, stalled pipelines and replays, once a minute."""

import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import Aws
from lakehook.adapters.dynamodb.circuit_breakers import DynamoEndpointHealthStore
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.adapters.dynamodb.replays import DynamoReplays
from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions
from lakehook.adapters.sqs.deliveries import SqsDeliveryQueue
from lakehook.adapters.system import SystemClock
from lakehook.adapters.telemetry.delivery import PowertoolsTelemetry
from lakehook.delivery.recheck import RecheckSubscriptions
from lakehook.delivery.scheduler import DueItems, ProbeEndpoints, ResumeDueLanes
from lakehook.domain.pipeline import StallThresholds
from lakehook.domain.subscription import CACHE_PROPAGATION_SECONDS
from lakehook.ingestion.detect_stalled import PublishStalledPipelines
from lakehook.publisher import Publisher
from lakehook.replay import ProcessReplays
from lakehook.settings import SchedulerSettings

if TYPE_CHECKING:
    from lakehook.ingestion.reconcile.schedule import ReconcileOnSchedule
    from lakehook.operations.notify_operators import NotifyOperators

RECONCILE_SECONDS = 20.0  # of one tick
SPARE_SECONDS = 10.0
"""Time for the last request of a run, and for the writes after it."""


@cache
def telemetry() -> PowertoolsTelemetry:
    return PowertoolsTelemetry.from_environment()


@cache
def aws() -> Aws:
    return Aws()


@cache
def ledger() -> DynamoLedger:
    settings = SchedulerSettings.from_env(os.environ)
    return DynamoLedger(aws().dynamodb(), settings.deliveries_table, SystemClock())


@cache
def endpoint_health() -> DynamoEndpointHealthStore:
    settings = SchedulerSettings.from_env(os.environ)
    return DynamoEndpointHealthStore(aws().dynamodb(), settings.deliveries_table)


@cache
def subscriptions() -> DynamoSubscriptions:
    settings = SchedulerSettings.from_env(os.environ)
    return DynamoSubscriptions(
        aws().dynamodb(),
        settings.subscriptions_table,
        SystemClock(),
        fresh_for_seconds=CACHE_PROPAGATION_SECONDS,
    )


@cache
def due_items() -> DueItems:
    settings = SchedulerSettings.from_env(os.environ)
    queue = SqsDeliveryQueue(aws().sqs(), settings.deliveries_queue_url)
    return DueItems(queue, SystemClock(), telemetry())


@cache
def resume_due_lanes() -> ResumeDueLanes:
    return ResumeDueLanes(ledger(), due_items(), SystemClock())


@cache
def probe_endpoints() -> ProbeEndpoints:
    return ProbeEndpoints(
        ledger=ledger(),
        endpoint_health=endpoint_health(),
        subscriptions=subscriptions(),
        items=due_items(),
        clock=SystemClock(),
    )


@cache
def recheck_subscriptions() -> RecheckSubscriptions:
    return RecheckSubscriptions(
        subscriptions=subscriptions(),
        ledger=ledger(),
        endpoint_health=endpoint_health(),
        clock=SystemClock(),
        telemetry=telemetry(),
    )


@cache
def publish_stalled_pipelines() -> PublishStalledPipelines:
    settings, clock = SchedulerSettings.from_env(os.environ), SystemClock()
    return PublishStalledPipelines(
        journal=DynamoJournal(aws().dynamodb(), settings.pipelines_table, clock),
        publish=Publisher(settings.events_queue_url, aws().sqs()).publish,
        clock=clock,
        thresholds=StallThresholds.parse(settings.stall_thresholds),
    )


@cache
def process_replays() -> ProcessReplays:
    settings, clock = SchedulerSettings.from_env(os.environ), SystemClock()
    dynamodb, deliveries = aws().dynamodb(), settings.deliveries_table
    return ProcessReplays(
        replays=DynamoReplays(dynamodb, deliveries, clock),
        subscriptions=subscriptions(),
        journal=DynamoJournal(dynamodb, settings.pipelines_table, clock),
        ledger=ledger(),
        queue=SqsDeliveryQueue(aws().sqs(), settings.deliveries_queue_url),
        clock=clock,
        telemetry=telemetry(),
    )


@cache
def notify_operators() -> "NotifyOperators":
    from functions.scheduler.operators import build_notify_operators  # noqa: PLC0415

    settings = SchedulerSettings.from_env(os.environ)
    return build_notify_operators(settings, aws(), telemetry())


@cache
def reconcile() -> "ReconcileOnSchedule | None":
    """Return the reconcile; None without a configured API, so that nothing is loaded for it."""
    settings = SchedulerSettings.from_env(os.environ)
    if not settings.knows_an_api:
        return None
    from functions.scheduler.reconcile import build_reconcile  # noqa: PLC0415

    return build_reconcile(settings, aws(), telemetry())


def lambda_handler(_event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run the parts of a tick, each within a time of its own; a failure does not affect the rest.

    DevLake's API comes last: nothing waits for it.
    """
    with telemetry().invocation(context.aws_request_id):
        resumed = _contained(_resume, doing="resume lanes")
        resumed += _contained(_probe, doing="probe endpoints")
        _contained(_recheck, doing="recheck subscriptions")
        if resumed:
            telemetry().lanes_resumed(resumed)
        stalled = _contained(_publish_stalled, doing="find stalled pipelines")
        if stalled:
            telemetry().stalled(stalled)
        replayed = _contained(_replay, doing="replay")
        if replayed:
            telemetry().replayed(replayed)
        notified = _contained(_notify, doing="notify operators")
        left_seconds = context.get_remaining_time_in_millis() / 1000
        reconciled = _contained(lambda: _reconcile(left_seconds), doing="reconcile")
    return {
        "resumed": resumed,
        "stalled": stalled,
        "replayed": replayed,
        "notified": notified,
        "reconciled": reconciled,
    }


def _resume() -> int:
    return resume_due_lanes()()


def _probe() -> int:
    return probe_endpoints()()


def _recheck() -> int:
    return recheck_subscriptions()()


def _publish_stalled() -> int:
    return publish_stalled_pipelines()()


def _replay() -> int:
    return process_replays()()


def _notify() -> int:
    return notify_operators()()


def _reconcile(left_seconds: float) -> int:
    reconcile_sources = reconcile()
    if reconcile_sources is None:
        return 0
    seconds = min(RECONCILE_SECONDS, left_seconds - SPARE_SECONDS)
    return reconcile_sources(ends_at=SystemClock().now() + seconds)


def _contained(work: Callable[[], int], *, doing: str) -> int:
    """Build and run a part of the tick. A failure is counted, which alarms; the next part runs."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001  whatever it is, retries wait behind it
        telemetry().internal_error(error, doing=doing)
        return 0
