"""Ports of the operations on AWS, or on a local stand-in of AWS."""

from collections.abc import Callable
from dataclasses import replace

from lakehook.adapters.aws import Aws
from lakehook.adapters.client_certificates import parse_client_certificate
from lakehook.adapters.cloudwatch import CloudWatchDeliveryMetrics
from lakehook.adapters.dynamodb.conditions import DynamoHealthHistory
from lakehook.adapters.dynamodb.endpoints import DynamoEndpointHealthStore, DynamoPings
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.adapters.dynamodb.replays import DynamoReplays
from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions
from lakehook.adapters.http.dns import resolve
from lakehook.adapters.kms import KmsEncryptor
from lakehook.adapters.liquid import LiquidRenderer
from lakehook.adapters.signing_keys import CryptographySigningKeys
from lakehook.adapters.sqs.dead_letters import (
    SqsDeadLetterQueue,
    SqsDeadLetterRedriver,
    SqsParkedEvents,
)
from lakehook.adapters.sqs.deliveries import SqsDeliveryQueue
from lakehook.adapters.system import SystemClock, SystemRandom
from lakehook.domain.ssrf_policy import valid_networks
from lakehook.domain.subscription import EndpointChange
from lakehook.operations import OperatorPorts, OperatorService, build_operator_service
from lakehook.ports.outbound import Warn
from lakehook.publisher import Publisher
from lakehook.settings import ResourceNames, parse_list, parse_optional

DAY = 24 * 3600
STACK = "Lakehook"


def operator_service_on(
    resources: ResourceNames,
    aws: Aws,
    warn: Warn,
    *,
    on_endpoint_change: Callable[[EndpointChange], None] | None = None,
) -> OperatorService:
    """Build the service; without ``on_endpoint_change``, a new receiver is a warning."""
    ports = operator_ports(resources, aws, warn)
    return build_operator_service(replace(ports, on_endpoint_change=on_endpoint_change))


def operator_ports(
    resources: ResourceNames, aws: Aws, warn: Warn, *, stack: str = STACK
) -> OperatorPorts:
    """Build the ports; ``stack`` is the namespace of its metrics."""
    clock, random, dynamodb, sqs = SystemClock(), SystemRandom(), aws.dynamodb(), aws.sqs()
    deliveries, pipelines = resources.deliveries_table, resources.pipelines_table
    return OperatorPorts(
        clock=clock,
        random=random,
        publish=Publisher(resources.events_queue_url, sqs).publish,
        subscriptions=DynamoSubscriptions(dynamodb, resources.subscriptions_table, clock),
        ledger=DynamoLedger(dynamodb, deliveries, clock),
        endpoint_health=DynamoEndpointHealthStore(dynamodb, deliveries),
        health_history=DynamoHealthHistory(dynamodb, deliveries),
        delivery_metrics=CloudWatchDeliveryMetrics(aws, namespace=stack),
        journal=DynamoJournal(dynamodb, pipelines, clock),
        replays=DynamoReplays(dynamodb, deliveries, clock),
        pings=DynamoPings(dynamodb, deliveries, clock),
        queue=SqsDeliveryQueue(sqs, resources.deliveries_queue_url),
        redriver=SqsDeadLetterRedriver(sqs, resources.deliveries_queue_url, random),
        copies=SqsDeadLetterQueue(sqs, resources.dead_letter_queue_url),
        parked_events=SqsParkedEvents(sqs, resources.events_dead_letter_queue_url),
        encryptor=KmsEncryptor(aws.kms(), resources.secrets_key),
        signing_keys=CryptographySigningKeys(),
        parse_client_certificate=parse_client_certificate,
        renderer=LiquidRenderer(),
        resolve=resolve,
        warn=warn,
        allowed_networks=valid_networks(parse_list(resources.allowed_networks), warn=warn),
        email_sender=parse_optional(resources.email_sender),
        journal_keeps_seconds=float(resources.event_retention_days) * DAY,
    )
