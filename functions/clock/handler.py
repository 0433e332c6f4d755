"""Lambda: every minute, word to the lanes whose time has come."""

import os
from functools import cache
from typing import Any

from lakehook.adapters.aws import Aws
from lakehook.adapters.dynamo_health import DynamoHealths
from lakehook.adapters.dynamo_ledger import DynamoLedger
from lakehook.adapters.sqs_deliveries import SqsDeliveries
from lakehook.adapters.telemetry import PowertoolsTelemetry
from lakehook.adapters.world import WallClock
from lakehook.settings import ClockSettings
from lakehook.wake import WakeLanes


@cache
def telemetry() -> PowertoolsTelemetry:
    return PowertoolsTelemetry.from_environment()


@cache
def wake_lanes() -> WakeLanes:
    settings, aws, clock = ClockSettings.from_env(os.environ), Aws(), WallClock()
    dynamodb = aws.dynamodb()
    return WakeLanes(
        ledger=DynamoLedger(dynamodb, settings.deliveries_table, clock),
        healths=DynamoHealths(dynamodb, settings.deliveries_table),
        bell=SqsDeliveries(aws.sqs(), settings.deliveries_queue_url),
        clock=clock,
    )


def lambda_handler(_event: dict[str, Any], context: Any) -> dict[str, Any]:
    with telemetry().invocation(context.aws_request_id):
        telemetry().counted(wake_lanes().ledger.census(), now=WallClock().now())
        woken = wake_lanes()()  # what there is to wake may take longer than there is time
        if woken:
            telemetry().woken(woken)
    return {"woken": woken}
