"""Lambda behind a function URL: DevLake's notices in, pipeline events out."""

import os
import time
from functools import cache
from http import HTTPStatus
from typing import Any

from functions.ingress.function_url import Call, answer
from lakehook.adapters.aws import HASTY, Aws
from lakehook.adapters.devlake_api import DevlakeApi
from lakehook.adapters.notice_telemetry import NoticeTelemetry
from lakehook.adapters.secrets_manager import StoredSecret
from lakehook.domain.devlake.signature import SignedNotice
from lakehook.publisher import PipelineEventPublisher
from lakehook.settings import ALLOWED, NONE, IngressSettings
from lakehook.take_notice import TakeNotice, Verdict

MOST_BYTES = 64 * 1024
STATUSES = {
    Verdict.UNSIGNED: HTTPStatus.UNAUTHORIZED,
    Verdict.UNREADABLE: HTTPStatus.BAD_REQUEST,
    Verdict.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}


@cache
def telemetry() -> NoticeTelemetry:
    return NoticeTelemetry.from_environment()


@cache
def take_notice() -> TakeNotice:
    settings = IngressSettings.from_env(os.environ)
    aws, api_url = Aws(config=HASTY), settings.devlake_api_url
    return TakeNotice(
        secrets=StoredSecret(aws.secrets_manager(), settings.notification_secret_arn, time.time),
        publisher=PipelineEventPublisher(settings.events_queue_url, aws.sqs()),
        blueprints=None if api_url == NONE else DevlakeApi(api_url, time.time),
        empty_secret_allowed=settings.empty_secret == ALLOWED,
    )


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    with telemetry().invocation(context.aws_request_id):
        return _answer(Call.of(event))


def _answer(call: Call) -> dict[str, Any]:
    if call.path != "/":
        return _refused(HTTPStatus.NOT_FOUND, "there is only /")
    if call.method != "POST":
        return _refused(HTTPStatus.METHOD_NOT_ALLOWED, "notices are posted", allow="POST")
    if len(call.body) > MOST_BYTES:
        return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {MOST_BYTES} bytes")
    return _taken(SignedNotice(call.body, call.query))


def _taken(notice: SignedNotice) -> dict[str, Any]:
    answered = take_notice()(notice)
    if answered.event:
        telemetry().took(answered.event)
        return answer(HTTPStatus.ACCEPTED, {"event_id": answered.event.id})
    if answered.trouble:
        telemetry().trouble(answered.trouble, doing="take a notice")
    return _refused(STATUSES[answered.verdict], answered.reason)


def _refused(status: HTTPStatus, reason: str, **headers: str) -> dict[str, Any]:
    telemetry().refused(status, reason)
    return answer(status, {"error": reason}, **headers)
