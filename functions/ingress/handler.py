"""Lambda handler of the ingress: DevLake's notifications in, pipeline events out."""

import base64
import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

from lakehook.adapters.system import paused_collector

with paused_collector():
    from lakehook.adapters.aws import FAIL_FAST_CONFIG, Aws
    from lakehook.adapters.secrets_manager import SecretsManagerNotificationSecret
    from lakehook.adapters.telemetry import NotificationTelemetry
    from lakehook.domain.devlake.refusal import Refusal, RefusalKind, has_signature
    from lakehook.domain.devlake.signature import SignedNotification
    from lakehook.domain.devlake.sources import DevLakeSource, DevLakeSources
    from lakehook.domain.errors import InfrastructureError
    from lakehook.ingestion.receive_notification import ReceiveNotification, ReceiveStatus
    from lakehook.ports.ingress import PipelineDetails
    from lakehook.publisher import Publisher
    from lakehook.settings import ALLOWED, IngressSettings

if TYPE_CHECKING:
    from lakehook.ports.ingress import DevLakePipelines, RefusedRecorder

MAX_BYTES = 64 * 1024
PATH = re.compile(r"/(?:([^/]+)/?)?")  # without a name the default source
STATUSES = {
    ReceiveStatus.UNSIGNED: HTTPStatus.UNAUTHORIZED,
    ReceiveStatus.UNREADABLE: HTTPStatus.BAD_REQUEST,
}


@dataclass(frozen=True)
class NotificationRequest:
    """Request of a function URL, payload format 2.0.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
    """

    method: str
    path: str
    query: str = field(repr=False)
    body: bytes = field(repr=False)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        body = event.get("body") or ""
        return cls(
            method=event["requestContext"]["http"]["method"],
            path=event["rawPath"],
            query=event.get("rawQueryString", ""),
            body=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(),
        )


def function_url_response(
    status: int, document: Mapping[str, Any], **headers: str
) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", **headers},
        "body": json.dumps(document),
    }


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
def sources() -> DevLakeSources:
    config = settings()
    return DevLakeSources.parse(
        config.devlake_api_url, config.devlake_ui_url, config.devlake_sources
    )


@cache
@paused_collector()
def receive_notification() -> ReceiveNotification:
    config, secrets_manager = settings(), aws().secrets_manager()
    return ReceiveNotification(
        secrets=SecretsManagerNotificationSecret(
            secrets_manager, config.notification_secret_arn, time.time
        ),
        publisher=Publisher(config.events_queue_url, aws().sqs()),
        details=_details(),
        empty_secret_allowed=config.empty_secret == ALLOWED,
    )


def _details() -> PipelineDetails | None:
    """Import the API's client only if an API is configured: DevLake waits for a cold start."""
    if not any(source.api_url for source in sources()):
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
    """Created at the first rejection, so that accepted notifications do not wait for its client."""
    from lakehook.adapters.dynamodb.last_heard import DynamoHeard  # noqa: PLC0415

    return DynamoHeard(aws().dynamodb(), settings().pipelines_table, time.time)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    with telemetry().invocation(context.aws_request_id):
        return _answer(NotificationRequest.of(event))


def _answer(call: NotificationRequest) -> dict[str, Any]:
    notice, source = SignedNotification(call.body, call.query), _source_at(call.path)
    if len(call.body) > MAX_BYTES:
        kind, reason = RefusalKind.TOO_LARGE, f"more than {MAX_BYTES} bytes"
        refusal = Refusal(kind, reason, has_signature(call.query))
        return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, refusal, source)
    if source is None:
        refusal = Refusal.of(RefusalKind.UNKNOWN_SOURCE, _no_source(), notice)
        return _refused(HTTPStatus.NOT_FOUND, refusal)
    if call.method != "POST":
        refusal = Refusal.of(RefusalKind.METHOD, "notifications are posted", notice)
        return _refused(HTTPStatus.METHOD_NOT_ALLOWED, refusal, source, allow="POST")
    return _receive(notice, source)


def _source_at(path: str) -> DevLakeSource | None:
    match = PATH.fullmatch(path)
    return sources().get(match[1]) if match else None


def _no_source() -> str:
    """Describe the error without naming the sources to an unauthenticated caller."""
    declared = len(sources()) - 1
    return (
        "no DevLake is declared for this path: NOTIFICATION_ENDPOINT is the stack's IngressUrl as"
        f" it is, or followed by the name of a source; the parameter DevlakeSources has {declared}"
    )


def _receive(notice: SignedNotification, source: DevLakeSource) -> dict[str, Any]:
    answered = receive_notification()(notice, source)
    if answered.event:
        telemetry().notification_accepted(answered.event)
        return function_url_response(HTTPStatus.ACCEPTED, {"event_id": answered.event.id})
    if answered.status is ReceiveStatus.TESTED:
        telemetry().tested(source.name)
        return function_url_response(HTTPStatus.ACCEPTED, {"test": True})
    if answered.refusal:
        return _refused(STATUSES[answered.status], answered.refusal, source)
    assert answered.error
    telemetry().internal_error(answered.error, doing="receive a notification")
    return function_url_response(HTTPStatus.SERVICE_UNAVAILABLE, {"error": answered.reason})


def _refused(
    status: HTTPStatus, refusal: Refusal, source: DevLakeSource | None = None, **headers: str
) -> dict[str, Any]:
    name = source.name if source else None
    telemetry().notification_rejected(status, refusal, source=name)
    if refusal.seems_devlake:
        _record(name, refusal)
    return function_url_response(status, {"error": refusal.reason}, **headers)


def _record(source: str | None, refusal: Refusal) -> None:
    try:
        heard().refused(source, refusal)
    except InfrastructureError as error:
        telemetry().unrecorded(error)
