"""Wiring of the watch for operators; loaded by the first run that has time for it."""

from lakehook.adapters.aws import Aws, SnsOperatorNotifier
from lakehook.adapters.delivery_telemetry import PowertoolsTelemetry
from lakehook.adapters.dynamodb.conditions import DynamoConditionStore, DynamoHealthHistory
from lakehook.adapters.dynamodb.endpoints import DynamoEndpointHealthStore
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.ledger import DynamoLedger
from lakehook.adapters.dynamodb.subscriptions import DynamoSubscriptions
from lakehook.adapters.system import SystemClock
from lakehook.operations.notify_operators import NotifyOperators
from lakehook.queries import ListPipelines, ShowStatus
from lakehook.settings import SchedulerSettings


def build_notify_operators(
    settings: SchedulerSettings, aws: Aws, telemetry: PowertoolsTelemetry
) -> NotifyOperators:
    dynamodb, clock = aws.dynamodb(), SystemClock()
    deliveries = settings.deliveries_table
    journal = DynamoJournal(dynamodb, settings.pipelines_table, clock)
    return NotifyOperators(
        show_status=ShowStatus(
            DynamoSubscriptions(dynamodb, settings.subscriptions_table, clock),
            DynamoEndpointHealthStore(dynamodb, deliveries),
            DynamoLedger(dynamodb, deliveries, clock),
            ListPipelines(journal, clock),
            clock,
        ),
        conditions=DynamoConditionStore(dynamodb, deliveries),
        history=DynamoHealthHistory(dynamodb, deliveries),
        topic=SnsOperatorNotifier(aws, settings.operators_topic_arn),
        clock=clock,
        telemetry=telemetry,
        stack=settings.stack_name,
        interval_seconds=float(settings.status_seconds),
    )
