"""Lambda behind a function URL: DevLake's notices in, pipeline events out."""

import os
import re
import time
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from functions.ingress.function_url import Call, answer
from lakehook.adapters.aws import HASTY, Aws
from lakehook.adapters.notice_telemetry import NoticeTelemetry
from lakehook.adapters.secrets_manager import StoredSecret
from lakehook.domain.devlake.refusal import Refusal, RefusalKind, has_signature, seems_devlake
from lakehook.domain.devlake.signature import SignedNotice
from lakehook.domain.devlake.sources import DevLakeSource, DevLakeSources
from lakehook.domain.errors import OwnTrouble
from lakehook.ports.ingress import PipelineDetails
from lakehook.publisher import PipelineEventPublisher
from lakehook.settings import ALLOWED, IngressSettings
from lakehook.take_notice import TakeNotice, Verdict

if TYPE_CHECKING:
    from lakehook.ports.devlake import DevLakePipelines
    from lakehook.ports.heard import RefusedRecorder

MOST_BYTES = 64 * 1024
PATH = re.compile(r"/(?:([^/]+)/?)?")  # of the default source, or of the one of that name
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
def settings() -> IngressSettings:
    return IngressSettings.from_env(os.environ)


@cache
def sources() -> DevLakeSources:
    told = settings()
    return DevLakeSources.parse(told.devlake_api_url, told.devlake_ui_url, told.devlake_sources)


@cache
def take_notice() -> TakeNotice:
    told, secrets_manager = settings(), aws().secrets_manager()
    return TakeNotice(
        secrets=StoredSecret(secrets_manager, told.notification_secret_arn, time.time),
        publisher=PipelineEventPublisher(told.events_queue_url, aws().sqs()),
        details=_details(),
        empty_secret_allowed=told.empty_secret == ALLOWED,
    )


def _details() -> PipelineDetails | None:
    """Imported only where an API is known: DevLake waits for a cold start."""
    if not any(source.api_url for source in sources()):
        return None
    from lakehook.adapters.api_credentials import StoredApiCredentials  # noqa: PLC0415
    from lakehook.adapters.devlake_api import connect  # noqa: PLC0415
    from lakehook.adapters.devlake_details import DevLakeDetails  # noqa: PLC0415

    def connect_to(source: DevLakeSource) -> "DevLakePipelines":
        arn, secrets_manager = settings().devlake_api_secret_arn, aws().secrets_manager()
        credentials = StoredApiCredentials(secrets_manager, arn, source.name, time.time)
        return connect(source.api_url or "", credentials)

    return DevLakeDetails(connect_to, time.time, telemetry().devlake_not_read)


@cache
def heard() -> "RefusedRecorder":
    """Made when the first notice is refused: what is accepted does not wait for its client."""
    from lakehook.adapters.dynamo_heard import DynamoHeard  # noqa: PLC0415

    return DynamoHeard(aws().dynamodb(), settings().pipelines_table, time.time)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    with telemetry().invocation(context.aws_request_id):
        return _answer(Call.of(event))


def _answer(call: Call) -> dict[str, Any]:
    notice, source = SignedNotice(call.body, call.query), _source_at(call.path)
    if len(call.body) > MOST_BYTES:
        kind, reason = RefusalKind.TOO_LARGE, f"more than {MOST_BYTES} bytes"
        refusal = Refusal(kind, reason, has_signature(call.query))
        return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, refusal, source)
    if source is None:
        refusal = Refusal(RefusalKind.UNKNOWN_SOURCE, _no_source(), seems_devlake(notice))
        return _refused(HTTPStatus.NOT_FOUND, refusal)
    if call.method != "POST":
        refusal = Refusal(RefusalKind.METHOD, "notices are posted", seems_devlake(notice))
        return _refused(HTTPStatus.METHOD_NOT_ALLOWED, refusal, source, allow="POST")
    return _taken(notice, source)


def _source_at(path: str) -> DevLakeSource | None:
    found = PATH.fullmatch(path)
    return sources().get(found[1]) if found else None


def _no_source() -> str:
    """The names are not told to whoever asks."""
    declared = len(sources()) - 1
    return (
        "no DevLake is declared for this path: NOTIFICATION_ENDPOINT is the stack's IngressUrl as"
        f" it is, or followed by the name of a source; the parameter DevlakeSources has {declared}"
    )


def _taken(notice: SignedNotice, source: DevLakeSource) -> dict[str, Any]:
    answered = take_notice()(notice, source)
    if answered.event:
        telemetry().took(answered.event)
        return answer(HTTPStatus.ACCEPTED, {"event_id": answered.event.id})
    if answered.verdict is Verdict.TESTED:
        telemetry().tested(source.name)
        return answer(HTTPStatus.ACCEPTED, {"test": True})
    if answered.refusal:
        return _refused(STATUSES[answered.verdict], answered.refusal, source)
    assert answered.trouble
    telemetry().trouble(answered.trouble, doing="take a notice")
    return answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": answered.reason})


def _refused(
    status: HTTPStatus, refusal: Refusal, source: DevLakeSource | None = None, **headers: str
) -> dict[str, Any]:
    name = source.name if source else None
    telemetry().refused(status, refusal, source=name)
    if refusal.seems_devlake:
        _record(name, refusal)
    return answer(status, {"error": refusal.reason}, **headers)


def _record(source: str | None, refusal: Refusal) -> None:
    try:
        heard().refused(source, refusal)
    except OwnTrouble as error:
        telemetry().unrecorded(error)
