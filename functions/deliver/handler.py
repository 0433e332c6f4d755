"""Lambda: deliveries in, signed requests out."""

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import Any

from lakehook.adapters.aws import Aws
from lakehook.adapters.carriers import Carriers
from lakehook.adapters.dynamo_health import DynamoHealths
from lakehook.adapters.dynamo_ledger import DynamoLedger
from lakehook.adapters.dynamo_paces import DynamoPaces
from lakehook.adapters.dynamo_pings import DynamoPings
from lakehook.adapters.dynamo_subscriptions import DynamoSubscriptions
from lakehook.adapters.http import HttpReceiver
from lakehook.adapters.kms import KmsKeyring
from lakehook.adapters.liquid import LiquidTypesetter
from lakehook.adapters.ses import SesMailer
from lakehook.adapters.sqs_dead_letters import SqsDeadLetters
from lakehook.adapters.sqs_deliveries import SqsDeliveries, SqsReceipts
from lakehook.adapters.telemetry import PowertoolsTelemetry
from lakehook.adapters.world import FairDice, WallClock
from lakehook.attempt import AttemptDelivery, PostSigned
from lakehook.deliver import Crew, Deliver
from lakehook.deliver_batch import DeliverBatch
from lakehook.domain.address import Network, networks_among
from lakehook.domain.errors import BadInput
from lakehook.domain.retry import RetrySchedule
from lakehook.ping import PingEndpoint
from lakehook.ports.messages import Parcel
from lakehook.say import Say
from lakehook.settings import DeliverSettings, given, listed

DAY = 24 * 3600
LANES_AT_A_TIME = 10  # a batch has no more
SUBSCRIPTIONS_FRESH_FOR_SECONDS = 5.0
_COUNT = re.compile("[0-9]{1,9}")


@cache
def telemetry() -> PowertoolsTelemetry:
    return PowertoolsTelemetry.from_environment()


@cache
def deliver_batch() -> DeliverBatch:
    settings, aws = DeliverSettings.from_env(os.environ), Aws()
    dead_letters = SqsDeadLetters(aws.sqs(), settings.dead_letter_queue_url)
    return DeliverBatch(
        deliver=deliver(settings, aws, dead_letters),
        receipts=SqsReceipts(aws.sqs(), settings.deliveries_queue_url),
        dead_letters=dead_letters,
        telemetry=telemetry(),
        workers=ThreadPoolExecutor(LANES_AT_A_TIME),
    )


def deliver(settings: DeliverSettings, aws: Aws, dead_letters: SqsDeadLetters) -> Deliver:
    dynamodb, clock = aws.dynamodb(), WallClock()
    post = PostSigned(
        keyring=KmsKeyring(aws.kms(), settings.secrets_key, clock),
        receiver=Carriers(
            http=HttpReceiver(opened=opened(settings)),
            mail=SesMailer(aws.sesv2, sender=given(settings.email_sender)),
        ),
        clock=clock,
        dice=FairDice(),
    )
    crew = Crew(
        ledger=DynamoLedger(
            dynamodb,
            settings.deliveries_table,
            clock,
            retention_seconds=float(settings.record_retention_days) * DAY,
        ),
        healths=DynamoHealths(dynamodb, settings.deliveries_table),
        subscriptions=DynamoSubscriptions(
            dynamodb,
            settings.subscriptions_table,
            clock,
            fresh_for_seconds=SUBSCRIPTIONS_FRESH_FOR_SECONDS,
        ),
        attempt=AttemptDelivery(Say(LiquidTypesetter()), post, clock),
        ping=PingEndpoint(post, DynamoPings(dynamodb, settings.deliveries_table, clock)),
        dead_letters=dead_letters,
        paces=DynamoPaces(dynamodb, settings.deliveries_table, clock),
        bell=SqsDeliveries(aws.sqs(), settings.deliveries_queue_url),
        clock=clock,
        dice=FairDice(),
        telemetry=telemetry(),
        schedule=RetrySchedule.parse(settings.retry_schedule),
        alone=Lock(),
    )
    return Deliver(crew)


def opened(settings: DeliverSettings) -> Sequence[Network]:
    def warn(message: str) -> None:
        telemetry().trouble(BadInput(message), doing="reading settings")

    return networks_among(listed(settings.allowed_networks), warn=warn)


def parcel(record: dict[str, Any]) -> Parcel:
    attributes = record.get("messageAttributes", {})
    attempts = attributes.get("attempts", {}).get("stringValue", "")
    return Parcel(
        id=record["messageId"],
        group=record["attributes"]["MessageGroupId"],
        body=record["body"],
        receipt=record["receiptHandle"],
        receives=int(record["attributes"]["ApproximateReceiveCount"]),
        redriven="reason" in attributes,
        attempts_at_death=int(attempts) if _COUNT.fullmatch(attempts) else None,
    )


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    batch = [parcel(record) for record in event["Records"]]
    with telemetry().invocation(context.aws_request_id):
        again = deliver_batch()(batch, lambda: context.get_remaining_time_in_millis() / 1000)
    return {"batchItemFailures": [{"itemIdentifier": one.id} for one in again]}
