"""Lambda handler of the API: the operator's use cases over HTTP, behind a URL guarded by IAM."""

import os
from functools import cache
from typing import Any

from lakehook.adapters.system import paused_collector

with paused_collector():
    from functions.api.app import Api, HttpRequest
    from lakehook.adapters.aws import Aws
    from lakehook.adapters.telemetry import ApiTelemetry
    from lakehook.operations import OperatorService
    from lakehook.operations.bootstrap import operator_service_on
    from lakehook.settings import ApiSettings


@cache
def telemetry() -> ApiTelemetry:
    return ApiTelemetry.from_environment()


@cache
def operator_service() -> OperatorService:
    return operator_service_on(
        ApiSettings.from_env(os.environ),
        Aws(),
        telemetry().warn,
        on_endpoint_change=telemetry().endpoint_changed,
    )


@cache
@paused_collector()
def api() -> Api:
    return Api(operator_service, telemetry().failed)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    call = HttpRequest.of(event)
    with telemetry().invocation(context.aws_request_id, principal=call.principal):
        answered = api()(call, context)
        telemetry().answered(
            method=call.method,
            path=call.path,
            status=answered["statusCode"],
        )
    return answered
