"""The scheduled reconcile, wired. The handler loads it only where the API of a DevLake is known."""

import time

from lakehook.adapters.api_credentials import StoredApiCredentials
from lakehook.adapters.aws import Aws
from lakehook.adapters.devlake_api import connect
from lakehook.adapters.dynamo_reconciliations import DynamoReconciliations
from lakehook.adapters.dynamo_watch import DynamoWatch
from lakehook.adapters.telemetry import PowertoolsTelemetry
from lakehook.adapters.world import WallClock
from lakehook.domain.devlake.sources import DevLakeSource, DevLakeSources
from lakehook.ports.devlake import DevLakePipelines
from lakehook.publisher import PipelineEventPublisher
from lakehook.reconcile.schedule import ReconcileOnSchedule
from lakehook.reconcile.timed import REQUEST_SECONDS
from lakehook.settings import ClockSettings

PAGE_SIZE = 20
MAX_BYTES = 16 * 1024 * 1024
"""Of a page, in which the plan of each pipeline comes along; parsed, it takes 100 of 256 MB."""


def build_reconcile(
    settings: ClockSettings, aws: Aws, telemetry: PowertoolsTelemetry
) -> ReconcileOnSchedule:
    dynamodb, clock = aws.dynamodb(), WallClock()
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
        known=reconciliations,
        watch=DynamoWatch(dynamodb, settings.pipelines_table, clock),
        publish=PipelineEventPublisher(settings.events_queue_url, aws.sqs()).publish,
        clock=clock,
        telemetry=telemetry,
        interval_seconds=float(settings.reconcile_seconds),
    )


def _api(source: DevLakeSource, url: str, settings: ClockSettings, aws: Aws) -> DevLakePipelines:
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
