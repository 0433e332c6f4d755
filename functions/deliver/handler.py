"""Lambda handler of the deliver function: deliveries in, signed requests out."""

import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import Any

from lakehook.adapters.system import paused_collector

with paused_collector():
    from lakehook.adapters.aws import HIGH_VOLUME_CONFIG, Aws
    from lakehook.adapters.delivery_telemetry import PowertoolsTelemetry
    from lakehook.adapters.dynamodb.endpoints import (
        DynamoEndpointHealthStore,
        DynamoPings,
        DynamoRateLimitStore,
    )
    from lakehook.adapters.dynamodb.ledger import DynamoLedger
    from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions
    from lakehook.adapters.http.client import HttpTransport
    from lakehook.adapters.kms import KmsCredentialStore
    from lakehook.adapters.liquid import LiquidRenderer
    from lakehook.adapters.sqs.dead_letters import SqsDeadLetterQueue
    from lakehook.adapters.sqs.deliveries import SqsDeliveryQueue, SqsMessageAcks
    from lakehook.adapters.system import SystemClock, SystemRandom
    from lakehook.adapters.transport import MailTransport, TransportRouter
    from lakehook.delivery.batch import DeliverBatch, build_deliver
    from lakehook.delivery.dependencies import DeliveryPorts
    from lakehook.delivery.sender import SignedSender
    from lakehook.domain.errors import InvalidInput
    from lakehook.domain.retry import RetrySchedule
    from lakehook.domain.ssrf_policy import Network, valid_networks
    from lakehook.ports.queues import QueueMessage
    from lakehook.ports.system import Clock
    from lakehook.settings import DeliverSettings, parse_list, parse_optional

DAY = 24 * 3600
LANES_AT_A_TIME = 10  # a batch has at most this many lanes
SUBSCRIPTIONS_FRESH_FOR_SECONDS = 5.0
_COUNT = re.compile("[0-9]{1,9}")


@cache
def telemetry() -> PowertoolsTelemetry:
    return PowertoolsTelemetry.from_environment()


@cache
@paused_collector()
def deliver_batch() -> DeliverBatch:
    settings = DeliverSettings.from_env(os.environ)
    return build_deliver(
        ports(settings, Aws(config=HIGH_VOLUME_CONFIG)),
        RetrySchedule.parse(settings.retry_schedule),
    )


def ports(settings: DeliverSettings, aws: Aws) -> DeliveryPorts:
    dynamodb, sqs, table = aws.dynamodb(), aws.sqs(), settings.deliveries_table
    clock, random = SystemClock(), SystemRandom()
    ledger = DynamoLedger(
        dynamodb,
        table,
        clock,
        retention_seconds=float(settings.record_retention_days) * DAY,
    )
    return DeliveryPorts(
        ledger=ledger,
        endpoint_health=DynamoEndpointHealthStore(dynamodb, table),
        rate_limits=DynamoRateLimitStore(dynamodb, table, clock),
        subscriptions=DynamoSubscriptions(
            dynamodb,
            settings.subscriptions_table,
            clock,
            fresh_for_seconds=SUBSCRIPTIONS_FRESH_FOR_SECONDS,
        ),
        pings=DynamoPings(dynamodb, table, clock),
        queue=SqsDeliveryQueue(sqs, settings.deliveries_queue_url),
        acks=SqsMessageAcks(sqs, settings.deliveries_queue_url),
        dead_letters=SqsDeadLetterQueue(sqs, settings.dead_letter_queue_url),
        sender=SignedSender(
            credentials=KmsCredentialStore(aws.kms(), settings.secrets_key, clock),
            transport=TransportRouter(
                http=HttpTransport(
                    allowed_networks=allowed_networks(settings),
                    ca_bundle=ca_bundle(settings, aws, clock),
                ),
                mail=MailTransport(aws.sesv2, sender=parse_optional(settings.email_sender)),
            ),
            clock=clock,
            random=random,
        ),
        renderer=LiquidRenderer(),
        clock=clock,
        random=random,
        telemetry=telemetry(),
        workers=ThreadPoolExecutor(LANES_AT_A_TIME),
        exclusive_attempts=Lock(),
        under_way=ledger.group_commit,
        visibility_seconds=float(settings.visibility_seconds),
    )


def allowed_networks(settings: DeliverSettings) -> Sequence[Network]:
    def warn(message: str) -> None:
        telemetry().internal_error(InvalidInput(message), doing="reading settings")

    return valid_networks(parse_list(settings.allowed_networks), warn=warn)


def ca_bundle(settings: DeliverSettings, aws: Aws, clock: Clock) -> Callable[[], str | None] | None:
    arn = parse_optional(settings.ca_bundle_arn)
    if arn is None:
        return None
    # Few deployments have one.
    from lakehook.adapters.secrets_manager import CaBundle, StoredCaBundle  # noqa: PLC0415

    def report(error: Exception) -> None:
        telemetry().internal_error(error, doing=f"read the CA bundle {arn}")

    read = StoredCaBundle(arn, aws.ssm, aws.secrets_manager)
    return CaBundle(read, clock.now, report).current


def queue_message(record: dict[str, Any]) -> QueueMessage:
    """Convert a record. SQS says when a message was first received, and of later times nothing."""
    attributes = record.get("messageAttributes", {})
    attempts = attributes.get("attempts", {}).get("stringValue", "")
    receives = int(record["attributes"]["ApproximateReceiveCount"])
    first_received_at = int(record["attributes"]["ApproximateFirstReceiveTimestamp"]) / 1000
    return QueueMessage(
        id=record["messageId"],
        group=record["attributes"]["MessageGroupId"],
        body=record["body"],
        receipt=record["receiptHandle"],
        receives=receives,
        received_at=first_received_at if receives == 1 else None,
        redriven="reason" in attributes,
        attempts_at_death=int(attempts) if _COUNT.fullmatch(attempts) else None,
    )


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    batch = [queue_message(record) for record in event["Records"]]
    with telemetry().invocation(context.aws_request_id):
        again = deliver_batch()(batch, lambda: context.get_remaining_time_in_millis() / 1000)
    return {"batchItemFailures": [{"itemIdentifier": message.id} for message in again]}
