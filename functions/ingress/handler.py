"""Lambda handler of the ingress: DevLake's notifications in, pipeline events out."""

import base64
import json
import os
import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from lakehook.adapters.system import paused_collector

with paused_collector():
    from lakehook.adapters.aws import FAIL_FAST_CONFIG, Aws
    from lakehook.adapters.secrets_manager import SecretsManagerNotificationSecret
    from lakehook.adapters.telemetry import NotificationTelemetry
    from lakehook.domain.devlake.sources import DevLakeSource, DevLakeSources
    from lakehook.ingestion.receive_notification import (
        IngressPorts,
        NotificationRequest,
        ReceiveNotification,
    )
    from lakehook.ports.ingress import PipelineDetails
    from lakehook.publisher import Publisher
    from lakehook.settings import ALLOWED, IngressSettings

if TYPE_CHECKING:
    from lakehook.ports.ingress import DevLakePipelines, RefusedRecorder


@cache
def telemetry() -> NotificationTelemetry:
    return NotificationTelemetry.from_environment()


@cache
def aws() -> Aws:
    return Aws(config=FAIL_FAST_CONFIG)


@cache
def settings() -> IngressSettings:
    return IngressSettings.from_env(os.environ)


@cache
@paused_collector()
def ingress() -> ReceiveNotification:
    config = settings()
    sources = DevLakeSources.parse(
        config.devlake_api_url, config.devlake_ui_url, config.devlake_sources
    )
    secret_arn = config.notification_secret_arn
    return ReceiveNotification(
        IngressPorts(
            sources=sources,
            secrets=SecretsManagerNotificationSecret(
                aws().secrets_manager(), secret_arn, time.time
            ),
            publisher=Publisher(config.events_queue_url, aws().sqs()),
            details=_details(sources),
            refused_recorder=heard,
            telemetry=telemetry(),
            empty_secret_allowed=config.empty_secret == ALLOWED,
        )
    )


def _details(sources: DevLakeSources) -> PipelineDetails | None:
    """Import the API's client only if an API is configured: DevLake waits for a cold start."""
    if not any(source.api_url for source in sources):
        return None
    from lakehook.adapters.devlake.client import DevLakeDetails, connect  # noqa: PLC0415
    from lakehook.adapters.secrets_manager import StoredApiCredentials  # noqa: PLC0415

    def connect_to(source: DevLakeSource) -> "DevLakePipelines":
        arn, secrets_manager = settings().devlake_api_secret_arn, aws().secrets_manager()
        credentials = StoredApiCredentials(secrets_manager, arn, source.name, time.time)
        return connect(source.api_url or "", credentials)

    return DevLakeDetails(connect_to, time.time, telemetry().devlake_not_read)


@cache
def heard() -> "RefusedRecorder":
    from lakehook.adapters.dynamodb.last_heard import DynamoHeard  # noqa: PLC0415

    return DynamoHeard(aws().dynamodb(), settings().pipelines_table, time.time)


def notification_request(event: Mapping[str, Any]) -> NotificationRequest:
    """Convert a request of a function URL, payload format 2.0.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
    """
    body = event.get("body") or ""
    return NotificationRequest(
        method=event["requestContext"]["http"]["method"],
        path=event["rawPath"],
        query=event.get("rawQueryString", ""),
        body=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(),
    )


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    with telemetry().invocation(context.aws_request_id):
        response = ingress()(notification_request(event))
    return {
        "statusCode": response.status,
        "headers": {"content-type": "application/json", **response.headers},
        "body": json.dumps(response.document),
    }
