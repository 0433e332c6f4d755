"""Lambda handler of the scheduler: due lanes, stalled pipelines and replays, once a minute."""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from lakehook.adapters.system import paused_collector

with paused_collector():
    from lakehook.adapters.aws import Aws
    from lakehook.adapters.delivery_telemetry import PowertoolsTelemetry
    from lakehook.adapters.dynamodb.endpoints import DynamoEndpointHealthStore
    from lakehook.adapters.dynamodb.journal import DynamoJournal
    from lakehook.adapters.dynamodb.ledger import DynamoLedger
    from lakehook.adapters.dynamodb.replays import DynamoReplays
    from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions
    from lakehook.adapters.sqs.deliveries import SqsDeliveryQueue
    from lakehook.adapters.system import SystemClock
    from lakehook.domain.subscription import CACHE_PROPAGATION_SECONDS
    from lakehook.publisher import Publisher
    from lakehook.settings import SchedulerSettings
    from lakehook.tick import Tick, TickPorts

if TYPE_CHECKING:
    from lakehook.ingestion.scheduled_reconcile import ReconcileOnSchedule
    from lakehook.operations.notify_operators import NotifyOperators


@cache
def telemetry() -> PowertoolsTelemetry:
    return PowertoolsTelemetry.from_environment()


@cache
def aws() -> Aws:
    return Aws()


@cache
@paused_collector()
def tick() -> Tick:
    settings, clock = SchedulerSettings.from_env(os.environ), SystemClock()
    dynamodb, sqs, deliveries = aws().dynamodb(), aws().sqs(), settings.deliveries_table
    return Tick(
        TickPorts(
            ledger=DynamoLedger(dynamodb, deliveries, clock),
            endpoint_health=DynamoEndpointHealthStore(dynamodb, deliveries),
            subscriptions=DynamoSubscriptions(
                dynamodb,
                settings.subscriptions_table,
                clock,
                fresh_for_seconds=CACHE_PROPAGATION_SECONDS,
            ),
            journal=DynamoJournal(dynamodb, settings.pipelines_table, clock),
            replays=DynamoReplays(dynamodb, deliveries, clock),
            queue=SqsDeliveryQueue(sqs, settings.deliveries_queue_url),
            publish=Publisher(settings.events_queue_url, sqs).publish,
            clock=clock,
            telemetry=telemetry(),
            stall_thresholds=settings.stall_thresholds,
            notify=_notify,
            reconcile=_reconcile,
        )
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
    with telemetry().invocation(context.aws_request_id):
        return tick()(lambda: context.get_remaining_time_in_millis() / 1000)


def _notify() -> int:
    return notify_operators()()


def _reconcile(ends_at: float) -> int:
    reconcile_sources = reconcile()
    return reconcile_sources(ends_at=ends_at) if reconcile_sources else 0
