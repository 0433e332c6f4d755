"""Lambda: pipeline events in, deliveries out."""

import os
from functools import cache
from typing import Any

from lakehook.adapters.aws import Aws
from lakehook.adapters.dynamo_heard import DynamoHeard
from lakehook.adapters.dynamo_journal import DynamoJournal
from lakehook.adapters.dynamo_subscriptions import DynamoSubscriptions
from lakehook.adapters.sqs_dead_letters import SqsSiding
from lakehook.adapters.sqs_deliveries import SqsDeliveries
from lakehook.adapters.telemetry import PowertoolsTelemetry
from lakehook.adapters.world import WallClock
from lakehook.fan_out import FanOut
from lakehook.ports.events import Notice
from lakehook.settings import FanoutSettings

DAY = 24 * 3600


@cache
def telemetry() -> PowertoolsTelemetry:
    return PowertoolsTelemetry.from_environment()


@cache
def fan_out() -> FanOut:
    settings = FanoutSettings.from_env(os.environ)
    aws, clock = Aws(), WallClock()
    dynamodb, sqs = aws.dynamodb(), aws.sqs()
    return FanOut(
        journal=DynamoJournal(
            dynamodb,
            settings.pipelines_table,
            clock,
            retention_seconds=float(settings.event_retention_days) * DAY,
        ),
        subscriptions=DynamoSubscriptions(dynamodb, settings.subscriptions_table, clock),
        outbox=SqsDeliveries(sqs, settings.deliveries_queue_url),
        siding=SqsSiding(sqs, settings.events_dead_letter_queue_url),
        telemetry=telemetry(),
        heard=DynamoHeard(dynamodb, settings.pipelines_table, clock.now),
    )


def notice(record: dict[str, Any]) -> Notice:
    return Notice(record["messageId"], record["attributes"]["MessageGroupId"], record["body"])


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    with telemetry().invocation(context.aws_request_id):
        again = fan_out()([notice(record) for record in event["Records"]])
    return {"batchItemFailures": [{"itemIdentifier": one.id} for one in again]}
