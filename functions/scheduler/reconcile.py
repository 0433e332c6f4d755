"""Wiring of the scheduled reconcile; loaded only where a DevLake's API is configured."""

import time

from lakehook.adapters.aws import Aws
from lakehook.adapters.delivery_telemetry import PowertoolsTelemetry
from lakehook.adapters.devlake.client import connect
from lakehook.adapters.dynamodb.journal import DynamoJournal
from lakehook.adapters.dynamodb.reconciliations import DynamoReconciliations
from lakehook.adapters.secrets_manager import StoredApiCredentials
from lakehook.adapters.system import SystemClock
from lakehook.domain.devlake.sources import DevLakeSource, DevLakeSources
from lakehook.ingestion.scheduled_reconcile import REQUEST_SECONDS, ReconcileOnSchedule
from lakehook.ports.ingress import DevLakePipelines
from lakehook.publisher import Publisher
from lakehook.settings import SchedulerSettings

PAGE_SIZE = 20
MAX_BYTES = 16 * 1024 * 1024
"""Bytes of a page, with each pipeline's plan; parsed, it takes 100 of 256 MB."""


def build_reconcile(
    settings: SchedulerSettings, aws: Aws, telemetry: PowertoolsTelemetry
) -> ReconcileOnSchedule:
    dynamodb, clock = aws.dynamodb(), SystemClock()
    reconciliations = DynamoReconciliations(dynamodb, settings.pipelines_table)
    sources = DevLakeSources.parse(
        settings.devlake_api_url, settings.devlake_ui_url, settings.devlake_sources
    )
    return ReconcileOnSchedule(
        apis={
            source: _api(source, source.api_url, settings, aws)
            for source in sources
            if source.api_url
        },
        reconciliations=reconciliations,
        journal=DynamoJournal(dynamodb, settings.pipelines_table, clock),
        publish=Publisher(settings.events_queue_url, aws.sqs()).publish,
        clock=clock,
        telemetry=telemetry,
        interval_seconds=float(settings.reconcile_seconds),
    )


def _api(
    source: DevLakeSource, url: str, settings: SchedulerSettings, aws: Aws
) -> DevLakePipelines:
    credentials = StoredApiCredentials(
        aws.secrets_manager(), settings.devlake_api_secret_arn, source.name, time.time
    )
    return connect(
        url,
        credentials,
        deadline_seconds=REQUEST_SECONDS,
        max_bytes=MAX_BYTES,
        page_size=PAGE_SIZE,
    )
