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
from lakehook.domain.devlake.refusal import Refusal, RefusalKind, has_signature, seems_devlake
from lakehook.domain.devlake.signature import SignedNotice
from lakehook.domain.errors import OwnTrouble
from lakehook.ports.heard import RefusedRecorder
from lakehook.publisher import PipelineEventPublisher
from lakehook.settings import ALLOWED, NONE, IngressSettings
from lakehook.take_notice import TakeNotice, Verdict

MOST_BYTES = 64 * 1024
STATUSES = {
    Verdict.UNSIGNED: HTTPStatus.UNAUTHORIZED,
    Verdict.UNREADABLE: HTTPStatus.BAD_REQUEST,
}


@cache
def telemetry() -> NoticeTelemetry:
    return NoticeTelemetry.from_environment()


@cache
def aws() -> Aws:
    return Aws(config=HASTY)


@cache
def take_notice() -> TakeNotice:
    settings = IngressSettings.from_env(os.environ)
    secrets_manager, api_url = aws().secrets_manager(), settings.devlake_api_url
    return TakeNotice(
        secrets=StoredSecret(secrets_manager, settings.notification_secret_arn, time.time),
        publisher=PipelineEventPublisher(settings.events_queue_url, aws().sqs()),
        blueprints=None if api_url == NONE else DevlakeApi(api_url, time.time),
        empty_secret_allowed=settings.empty_secret == ALLOWED,
    )


@cache
def heard() -> RefusedRecorder:
    """Made when the first notice is refused: what is accepted does not wait for its client."""
    from lakehook.adapters.dynamo_heard import DynamoHeard  # noqa: PLC0415

    table = IngressSettings.from_env(os.environ).pipelines_table
    return DynamoHeard(aws().dynamodb(), table, time.time)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    with telemetry().invocation(context.aws_request_id):
        return _answer(Call.of(event))


def _answer(call: Call) -> dict[str, Any]:
    notice = SignedNotice(call.body, call.query)
    if len(call.body) > MOST_BYTES:
        kind, reason = RefusalKind.TOO_LARGE, f"more than {MOST_BYTES} bytes"
        refusal = Refusal(kind, reason, has_signature(call.query))
        return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, refusal)
    if call.path != "/":
        refusal = Refusal(RefusalKind.UNKNOWN_SOURCE, "there is only /", seems_devlake(notice))
        return _refused(HTTPStatus.NOT_FOUND, refusal)
    if call.method != "POST":
        refusal = Refusal(RefusalKind.METHOD, "notices are posted", seems_devlake(notice))
        return _refused(HTTPStatus.METHOD_NOT_ALLOWED, refusal, allow="POST")
    return _taken(notice)


def _taken(notice: SignedNotice) -> dict[str, Any]:
    answered = take_notice()(notice)
    if answered.event:
        telemetry().took(answered.event)
        return answer(HTTPStatus.ACCEPTED, {"event_id": answered.event.id})
    if answered.refusal:
        return _refused(STATUSES[answered.verdict], answered.refusal)
    assert answered.trouble
    telemetry().trouble(answered.trouble, doing="take a notice")
    return answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": answered.reason})


def _refused(status: HTTPStatus, refusal: Refusal, **headers: str) -> dict[str, Any]:
    telemetry().refused(status, refusal)
    if refusal.seems_devlake:
        _record(refusal)
    return answer(status, {"error": refusal.reason}, **headers)


def _record(refusal: Refusal) -> None:
    try:
        heard().refused(None, refusal)
    except OwnTrouble as error:
        telemetry().unrecorded(error)
