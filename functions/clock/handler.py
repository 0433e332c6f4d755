"""Lambda: every minute, word to the lanes that are due, of pipelines that stall; and replays."""

import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from lakehook.adapters.aws import Aws
from lakehook.adapters.dynamo_health import DynamoHealths
from lakehook.adapters.dynamo_journal import DynamoJournal
from lakehook.adapters.dynamo_ledger import DynamoLedger
from lakehook.adapters.dynamo_past import DynamoPast
from lakehook.adapters.dynamo_replays import DynamoReplays
from lakehook.adapters.dynamo_revival import DynamoRevival
from lakehook.adapters.dynamo_subscriptions import DynamoSubscriptions
from lakehook.adapters.dynamo_watch import DynamoWatch
from lakehook.adapters.sqs_deliveries import SqsDeliveries
from lakehook.adapters.telemetry import PowertoolsTelemetry
from lakehook.adapters.world import WallClock
from lakehook.domain.stall import StallThresholds
from lakehook.publisher import PipelineEventPublisher
from lakehook.replay import WorkOffReplays
from lakehook.replay.line_up import LineUp
from lakehook.replay.page import LineUpPage
from lakehook.settings import ClockSettings
from lakehook.tell_stalled import TellStalled
from lakehook.wake import WakeLanes

if TYPE_CHECKING:
    from lakehook.reconcile.schedule import ReconcileOnSchedule

RECONCILE_SECONDS = 20.0  # of a tick
SPARE_SECONDS = 10.0
"""What the last request of a run may take beyond its end, and the writes behind it."""


@cache
def telemetry() -> PowertoolsTelemetry:
    return PowertoolsTelemetry.from_environment()


@cache
def aws() -> Aws:
    return Aws()


@cache
def wake_lanes() -> WakeLanes:
    settings, clock = ClockSettings.from_env(os.environ), WallClock()
    dynamodb = aws().dynamodb()
    return WakeLanes(
        ledger=DynamoLedger(dynamodb, settings.deliveries_table, clock),
        healths=DynamoHealths(dynamodb, settings.deliveries_table),
        bell=SqsDeliveries(aws().sqs(), settings.deliveries_queue_url),
        clock=clock,
        telemetry=telemetry(),
    )


@cache
def tell_stalled() -> TellStalled:
    settings, clock = ClockSettings.from_env(os.environ), WallClock()
    return TellStalled(
        watch=DynamoWatch(aws().dynamodb(), settings.pipelines_table, clock),
        publish=PipelineEventPublisher(settings.events_queue_url, aws().sqs()).publish,
        clock=clock,
        thresholds=StallThresholds.parse(settings.stall_thresholds),
    )


@cache
def work_off_replays() -> WorkOffReplays:
    settings, clock = ClockSettings.from_env(os.environ), WallClock()
    dynamodb, deliveries = aws().dynamodb(), settings.deliveries_table
    line_up = LineUp(
        ledger=DynamoLedger(dynamodb, deliveries, clock),
        revival=DynamoRevival(dynamodb, deliveries, clock),
        clock=clock,
    )
    return WorkOffReplays(
        replays=DynamoReplays(dynamodb, deliveries, clock),
        subscriptions=DynamoSubscriptions(dynamodb, settings.subscriptions_table, clock),
        past=DynamoPast(dynamodb, settings.pipelines_table),
        line_up=LineUpPage(
            chronicle=DynamoJournal(dynamodb, settings.pipelines_table, clock),
            line_up=line_up,
            bell=SqsDeliveries(aws().sqs(), settings.deliveries_queue_url),
            clock=clock,
            telemetry=telemetry(),
        ),
        clock=clock,
        telemetry=telemetry(),
    )


@cache
def reconcile() -> "ReconcileOnSchedule | None":
    """None where no API of DevLake is known: then nothing is loaded for it."""
    settings = ClockSettings.from_env(os.environ)
    if not settings.knows_an_api:
        return None
    from functions.clock.reconcile import build_reconcile  # noqa: PLC0415

    return build_reconcile(settings, aws(), telemetry())


def lambda_handler(_event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lanes before pipelines before replays; trouble with one of them leaves the others alone.

    DevLake's API comes last: nothing waits for it.
    """
    with telemetry().invocation(context.aws_request_id):
        _contained(count_lanes, doing="count lanes")
        # What there is to wake may take longer than there is time.
        woken = _contained(wake_lanes(), doing="resume lanes")
        if woken:
            telemetry().woken(woken)
        stalled = _contained(tell_stalled(), doing="find stalled pipelines")
        if stalled:
            telemetry().stalled(stalled)
        replayed = _contained(work_off_replays(), doing="replay")
        if replayed:
            telemetry().replayed(replayed)
        left_seconds = context.get_remaining_time_in_millis() / 1000
        reconciled = _contained(lambda: _reconcile(left_seconds), doing="reconcile")
    return {"woken": woken, "stalled": stalled, "replayed": replayed, "reconciled": reconciled}


def _reconcile(left_seconds: float) -> int:
    reconcile_sources = reconcile()
    if reconcile_sources is None:
        return 0
    seconds = min(RECONCILE_SECONDS, left_seconds - SPARE_SECONDS)
    return reconcile_sources(ends_at=WallClock().now() + seconds)


def count_lanes() -> int:
    census = wake_lanes().ledger.census()
    telemetry().counted(census, now=WallClock().now())
    return census.lanes_held


def _contained(work: Callable[[], int], *, doing: str) -> int:
    """Do a part of the tick; its trouble is counted and alarms, and the next part begins."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001  whatever it is, retries wait behind it
        telemetry().trouble(error, doing=doing)
        return 0
