"""Lambda handler of the fan-out function: pipeline events in, deliveries out."""

import os
from functools import cache
from typing import Any

from lakehook.adapters.system import paused_collector

with paused_collector():
    from lakehook.adapters.aws import HIGH_VOLUME_CONFIG, Aws
    from lakehook.adapters.delivery_telemetry import PowertoolsTelemetry
    from lakehook.adapters.dynamodb.fan_out import DynamoFanOutReader, DynamoUnfinishedAttempts
    from lakehook.adapters.dynamodb.journal import DynamoJournal
    from lakehook.adapters.dynamodb.last_heard import DynamoHeard
    from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions
    from lakehook.adapters.sqs.dead_letters import SqsInvalidEventQueue
    from lakehook.adapters.sqs.deliveries import SqsDeliveryQueue, SqsMessageAcks
    from lakehook.adapters.system import SystemClock
    from lakehook.ingestion.fan_out import FanOutBatch, FanOutPorts, build_fan_out
    from lakehook.ports.queues import EventMessage
    from lakehook.settings import FanoutSettings

DAY = 24 * 3600


@cache
def telemetry() -> PowertoolsTelemetry:
    return PowertoolsTelemetry.from_environment()


@cache
@paused_collector()
def fan_out_batch() -> FanOutBatch:
    settings = FanoutSettings.from_env(os.environ)
    aws, clock = Aws(config=HIGH_VOLUME_CONFIG), SystemClock()
    dynamodb, sqs = aws.dynamodb(), aws.sqs()
    subscriptions = DynamoSubscriptions(dynamodb, settings.subscriptions_table, clock)
    journal = DynamoJournal(
        dynamodb,
        settings.pipelines_table,
        clock,
        retention_seconds=float(settings.event_retention_days) * DAY,
    )
    return build_fan_out(
        FanOutPorts(
            reader=DynamoFanOutReader(journal, subscriptions),
            journal=journal,
            queue=SqsDeliveryQueue(sqs, settings.deliveries_queue_url),
            invalid_events=SqsInvalidEventQueue(sqs, settings.events_dead_letter_queue_url),
            unfinished=DynamoUnfinishedAttempts(dynamodb, settings.pipelines_table, clock),
            acks=SqsMessageAcks(sqs, settings.events_queue_url),
            telemetry=telemetry(),
            heard=DynamoHeard(dynamodb, settings.pipelines_table, clock.now),
        )
    )


def event_message(record: dict[str, Any]) -> EventMessage:
    attributes = record["attributes"]
    return EventMessage(
        record["messageId"],
        attributes["MessageGroupId"],
        record["body"],
        record["receiptHandle"],
        int(attributes["ApproximateReceiveCount"]),
    )


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    batch = [event_message(record) for record in event["Records"]]
    with telemetry().invocation(context.aws_request_id):
        again = fan_out_batch()(batch, lambda: context.get_remaining_time_in_millis() / 1000)
    return {"batchItemFailures": [{"itemIdentifier": message.id} for message in again]}
